"""One farm on this machine: its servers, its workers and its reconciler, all under one watchdog."""

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Self

import structlog

from farm.errors import FarmError, Unavailable
from farm.queue.connection import connect, require
from farm.queue.hints import Hints
from farm.queue.reconciler import Reconciler
from farm.services import llama, valkey
from farm.services.weights import Weights
from farm.settings import ModelSettings, PoolSettings, Settings
from farm.store import tasks, workers
from farm.store.engine import Store
from farm.watchdog.child import Child, Service, ServiceChild, WorkerChild
from farm.watchdog.policy import Policy
from farm.watchdog.watchdog import TICK_SECONDS, FarmEnded, Slot, Watchdog
from farm.worker.config import WorkerConfig

SERVICE_BOOT_SECONDS = 120.0
RECONCILE_SECONDS = 0.25
LOCAL_PARALLEL = 2
LOCAL_MODEL = ModelSettings(temperature=0.0, max_tokens=400, seed=1, deadline_seconds=600.0)
LOOK_SECONDS = 0.5

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where the model answers."""

    base_url: str | None
    api_key: str | None


class Runner:
    """Starts everything in order, keeps it running, and ends it in the opposite order.

    Use as a context manager in the main thread: entering starts the embedded servers as needed, leaving ends
    whatever still runs.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        weights: Weights | None = None,
        policy: Policy | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._weights = weights
        self._watchdog = Watchdog(on_end=self._note_end, policy=policy)
        self._services: list[str] = []
        self._workers: list[str] = []
        self._signals = 0
        self._reconciling = threading.Event()
        self._reconciler: threading.Thread | None = None
        self._old_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._old_handlers[number] = signal.signal(number, self._count_signal)
        try:
            self.redis_url = self._provide_redis()
            self.endpoint = self._provide_endpoint()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_workers(grace_seconds=0)
        self._reconciling.set()
        if self._reconciler is not None:
            self._reconciler.join(timeout=5)
        self._watchdog.stop(reversed(self._services), grace_seconds=5)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end, by SIGTERM or Ctrl-C."""
        return self._signals > 0

    def work(
        self,
        *,
        until: Callable[[], bool] = lambda: False,
        on_look: Callable[[], None] = lambda: None,
        drain: bool = True,
    ) -> bool:
        """Work until `until()` or a signal; returns whether it was `until`. Raises FarmEnded with the reason.

        `on_look` is called a few times a second. Without `drain`, a signal stops at once: tasks in flight go
        back to the store unfinished.
        """
        self._start_reconciler()
        for queue, pool in self._pools().items():
            for number in range(1, pool.workers + 1):
                self._add_worker(queue, pool, f"{queue}-{number}")
        next_look = 0.0
        try:
            while not self.stopping:
                self._watchdog.tick()
                if time.monotonic() >= next_look:
                    on_look()
                    if until():
                        return True
                    next_look = time.monotonic() + LOOK_SECONDS
                time.sleep(TICK_SECONDS)
            return False
        finally:
            self._stop_workers(grace_seconds=self._settings.grace_seconds if drain else 0)

    def ready(self) -> bool:
        """Whether every worker has shown life."""
        return self._watchdog.ready(self._workers)

    def settled(self) -> bool:
        """Whether no task of this farm's queues is waiting or in work."""
        with self._store.read() as connection:
            return not tasks.any_open(connection, list(self._pools()))

    def _count_signal(self, number: int, _: FrameType | None) -> None:
        self._signals += 1

    # Servers

    def _provide_redis(self) -> str:
        settings = self._settings
        if settings.redis_url is not None:
            url = settings.redis_url.get_secret_value()
            connection = connect(url)
            try:
                require(connection, url)
            finally:
                connection.close()
            return url
        home = settings.home
        if not valkey.answers(valkey.url(home)):
            command = valkey.command(valkey.binary(), home)
            self._serve("valkey", command, lambda: valkey.answers(valkey.url(home)))
        return valkey.url(home)

    def _provide_endpoint(self) -> Endpoint:
        settings = self._settings
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
        if self._weights is None:
            return Endpoint(base_url=settings.openai_base_url, api_key=key)
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        command = llama.command(self._weights.path, "127.0.0.1", port, LOCAL_PARALLEL)
        self._serve("model-server", command, lambda: llama.ready(url), llama.environment())
        return Endpoint(base_url=f"{url}/v1", api_key=None)

    def _serve(
        self,
        name: str,
        command: list[str],
        ready: Callable[[], bool],
        environment: dict[str, str] | None = None,
    ) -> None:
        """Start a server of our own and wait until it answers."""
        folder = self._settings.home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        service = Service(
            name=name, command=command, ready=ready, log=folder / f"{name}.log", environment=environment or {}
        )
        slot = Slot(name=name, start=lambda _: ServiceChild(service), pulses=False)
        self._watchdog.add(slot)
        self._services.append(name)
        give_up_at = time.monotonic() + SERVICE_BOOT_SECONDS
        while True:
            self._watchdog.tick()
            if self.stopping:
                raise FarmEnded("stopped before everything was started")
            if isinstance(slot.child, ServiceChild) and slot.child.is_ready:
                return
            if len(slot.ends) >= 3 or time.monotonic() > give_up_at:
                raise Unavailable(f"{name} does not start; {service.log} says why: {_last_line(service.log)}")
            time.sleep(TICK_SECONDS / 2)

    # Workers

    def _pools(self) -> dict[str, PoolSettings]:
        pools = self._settings.all_pools()
        if self._weights is None:
            return pools
        return {queue: served_locally(pool, self._weights.name) for queue, pool in pools.items()}

    def _model_settings(self, model: str) -> ModelSettings:
        if self._weights is None or model in self._settings.models:
            return self._settings.model_settings(model)
        return LOCAL_MODEL

    def _add_worker(self, queue: str, pool: PoolSettings, slot: str) -> None:
        config = WorkerConfig(
            slot=slot,
            queue=queue,
            pool=pool,
            model_settings=self._model_settings(pool.model),
            settings=self._settings,
            redis_url=self.redis_url,
            base_url=self.endpoint.base_url,
            api_key=self.endpoint.api_key,
        )

        def start(life: int) -> Child:
            name = f"{slot}.{socket.gethostname()}.{os.getpid()}-{life}-{secrets.token_hex(2)}"
            return WorkerChild(name, config, self._settings.start_method)

        self._workers.append(slot)
        self._watchdog.add(Slot(name=slot, start=start))

    def _stop_workers(self, *, grace_seconds: float) -> None:
        names, self._workers = self._workers, []
        # a worker's own grace comes first; a second signal to us becomes a second one to it
        margin = 2.0 if grace_seconds else 0.0
        self._watchdog.stop(names, grace_seconds=grace_seconds + margin, hurry=lambda: self._signals > 1)

    def _note_end(self, name: str, reason: str) -> None:
        """Free the leases of a worker that has ended, at once, and keep its reason."""
        if name in self._services:
            return
        try:
            with self._store.write() as connection:
                tasks.free_worker(connection, name, max_attempts=self._settings.max_attempts, reason=reason)
                workers.end(connection, name, reason)
        except FarmError as error:
            log.warning("leases are left to expire", worker=name, error=str(error))

    # Reconciler

    def _start_reconciler(self) -> None:
        connection = connect(self.redis_url)
        reconciler = Reconciler(
            self._store,
            Hints(connection),
            name=f"{socket.gethostname()}.{os.getpid()}",
            queues=self._pools(),
            window=self._settings.hint_window,
            lease_seconds=self._settings.lease_seconds,
            max_attempts=self._settings.max_attempts,
            clock=time.monotonic,
        )

        def run() -> None:
            while not self._reconciling.wait(RECONCILE_SECONDS):
                try:
                    reconciler.tick()
                except Exception:
                    log.exception("a reconciler's pass failed")
            connection.close()

        self._reconciler = threading.Thread(target=run, name="reconciler", daemon=True)
        self._reconciler.start()


def served_locally(pool: PoolSettings, model: str) -> PoolSettings:
    """The pool asking the local model, with no more tasks in flight than its server answers side by side."""
    concurrency = max(1, LOCAL_PARALLEL // pool.workers)
    return pool.model_copy(update={"model": model, "concurrency": concurrency})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except OSError as error:
        return str(error)
    return lines[-1] if lines else "(nothing)"
