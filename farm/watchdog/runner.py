"""One farm on this machine: its servers, its workers and its reconciler, all under one watchdog."""

import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

import structlog

from farm.errors import FarmError, TryAgain
from farm.services.weights import Weights
from farm.settings import PoolSettings, Settings
from farm.store import tasks, workers
from farm.store.engine import Store
from farm.tracing import switch
from farm.watchdog.alive import Alive
from farm.watchdog.errands import PATIENCE_SECONDS, Errands, Question
from farm.watchdog.policy import Policy
from farm.watchdog.pools import Pools
from farm.watchdog.reconciling import Reconciling
from farm.watchdog.servers import Servers
from farm.watchdog.telling import Telling
from farm.watchdog.watchdog import TICK_SECONDS, End, FarmEnded, Watchdog

LOOK_SECONDS = 0.5
ENDS_RETRY_SECONDS = 5.0
FIXED_SETTINGS = ("home", "database_url", "redis_url", "local_model")
"""What a running farm stands on, and cannot change without a new start."""

log = structlog.stdlib.get_logger(__name__)


class Runner:
    """Starts everything in order, keeps it running, and ends it in the opposite order.

    Use as a context manager in the main thread: entering starts the embedded servers as needed, leaving ends
    whatever still runs. SIGTERM and Ctrl-C end the farm; SIGHUP has it read its settings again, by `reload`.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        weights: Weights | None = None,
        policy: Policy | None = None,
        reload: Callable[[], Settings] = Settings.load,
    ) -> None:
        self._settings = settings
        self._store = store
        self._reload = reload
        self._watchdog = Watchdog(on_end=self._note_end, policy=policy or policy_of(settings))
        self._servers = Servers(settings, self._watchdog, weights=weights, stopping=lambda: self.stopping)
        self._local_model = weights.name if weights else None
        self._reconciling: Reconciling | None = None
        self._telling: Telling | None = None
        self._errands = Errands()
        self._alive = Alive(settings.home)
        self._ends_left: deque[tuple[End, str]] = deque()
        self._ends_retry_at = 0.0
        self._scale: dict[str, int] = {}
        self._scale_wanted = Question(self._errands, self._read_scale)
        self._signals = 0
        self._reload_asked = False
        self._old_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        switch.require(os.environ)
        for number in (signal.SIGINT, signal.SIGTERM):
            self._old_handlers[number] = signal.signal(number, self._count_signal)
        if hasattr(signal, "SIGHUP"):
            self._old_handlers[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._ask_reload)
        try:
            self.redis_url = self._servers.provide_redis()
            self.endpoint = self._servers.provide_model(self._settings)
            self._pools = Pools(self._watchdog, redis_url=self.redis_url, local_model=self._local_model)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_workers(grace_seconds=0)
        self._stop_reconciling()
        self._stop_telling()
        self._watchdog.stop(reversed(self._servers.names), grace_seconds=5)
        self._errands.close()
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
        self._reconciling = Reconciling(self._settings, self._store, self.redis_url)
        self._telling = Telling(self._settings, self._store)
        self._look_at_scale()
        self._arrange()
        next_look, finished = 0.0, False

        def look() -> bool:
            on_look()
            return until()

        ended = Question(self._errands, look)
        try:
            while not self.stopping:
                self._watchdog.tick()
                self._require_a_pool()
                if time.monotonic() >= next_look:
                    if self._looked(ended):
                        self._require_every_pool()
                        finished = True
                        return True
                    next_look = time.monotonic() + LOOK_SECONDS
                time.sleep(TICK_SECONDS)
            return False
        finally:
            self._stop_workers(grace_seconds=self._settings.grace_seconds if drain else 0)
            self._stop_reconciling()
            self._stop_telling(last_pass=finished)
            self._alive.end()

    def _looked(self, ended: Question[bool]) -> bool:
        """Whether it is over; while the store is away nobody can tell, and the work goes on (or waits)."""
        self._look()
        self._alive.tell(ready=self._can_work())
        try:
            return ended.answer()
        except TryAgain:
            return False  # the reconciler says so

    def serve_pages(self) -> str:
        """Have the pages served too; returns their address. Raises Misuse where they cannot be."""
        return self._servers.provide_pages()

    def ready(self) -> bool:
        """Whether every worker has shown life."""
        return self._watchdog.ready(self._watchdog.workers)

    def _can_work(self) -> bool:
        """Whether a worker has shown life, or none is wanted."""
        workers = self._watchdog.workers
        return not workers or any(self._watchdog.ready([name]) for name in workers)

    def settled(self) -> bool:
        """Whether no task of this farm's queues is waiting or in work, those of closed pools left aside."""
        queues = [queue for queue in self._settings.all_pools() if queue not in self._watchdog.closed]
        with self._store.read() as connection:
            return not tasks.any_open(connection, queues)

    def pools(self) -> dict[str, PoolSettings]:
        """The pools as they are now, by queue."""
        return self._pools.of(self._settings, self._scale)

    def _count_signal(self, number: int, _: FrameType | None) -> None:
        self._signals += 1

    def _ask_reload(self, number: int, _: FrameType | None) -> None:
        self._reload_asked = True

    # Workers

    def _arrange(self) -> None:
        self._pools.arrange(self._settings, self.endpoint, self._scale)

    def _look(self) -> None:
        """See what somebody wants changed, and what is left to do."""
        self._store_ends_left()
        if self._reload_asked:
            self._reload_asked = False
            self._renew_settings()
        if self._look_at_scale():
            log.info("scaled", **{queue: pool.workers for queue, pool in self.pools().items()})
            self._arrange()

    def _look_at_scale(self) -> bool:
        """Whether the numbers of workers asked for have changed."""
        before = self._scale
        try:
            self._scale = self._scale_wanted.answer()
        except FarmError:
            return False  # the store is away: everything stays as it is
        return self._scale != before

    def _read_scale(self) -> dict[str, int]:
        with self._store.read() as connection:
            return workers.scale(connection)

    def _renew_settings(self) -> None:
        """Go on with the settings as they are now; where they cannot be used, with those from before."""
        try:
            settings = self._reload()
            endpoint = self._servers.provide_model(settings)
        except FarmError as error:
            log.error("the settings stay as they are", reason=str(error))
            return
        kept = {name: getattr(self._settings, name) for name in FIXED_SETTINGS}
        if fixed := [name for name in FIXED_SETTINGS if getattr(settings, name) != kept[name]]:
            log.warning("these settings want a new start of the farm", settings=fixed)
        self._settings, self.endpoint = settings.model_copy(update=kept), endpoint
        self._watchdog.closed.clear()
        self._watchdog.policy = policy_of(self._settings)
        if self._reconciling is not None:
            self._reconciling.stop()
        self._reconciling = Reconciling(self._settings, self._store, self.redis_url)
        self._stop_telling()
        self._telling = Telling(self._settings, self._store)
        log.info("settings read again")
        self._arrange()

    def _require_a_pool(self) -> None:
        if self._watchdog.closed and not self._watchdog.workers:
            self._require_every_pool()

    def _require_every_pool(self) -> None:
        """Raise FarmEnded with why the first pool was closed, if one was."""
        for pool, reason in self._watchdog.closed.items():
            raise FarmEnded(f"pool {pool} stopped: {reason}")

    def _stop_reconciling(self) -> None:
        if self._reconciling is not None:
            self._reconciling.stop()
            self._reconciling = None

    def _stop_telling(self, *, last_pass: bool = False) -> None:
        if self._telling is not None:
            self._telling.stop(last_pass=last_pass)
            self._telling = None

    def _stop_workers(self, *, grace_seconds: float) -> None:
        if not (names := self._watchdog.workers):
            return
        # a worker's own grace comes first; a second signal to us becomes a second one to it
        margin = 2.0 if grace_seconds else 0.0
        self._watchdog.stop(names, grace_seconds=grace_seconds + margin, hurry=lambda: self._signals > 1)
        if not self._errands.wait(PATIENCE_SECONDS):
            log.warning("leases are left to expire, as the store does not answer")

    def _note_end(self, end: End) -> None:
        if end.pool is not None:
            queue = end.pool
            self._errands.send(lambda: self._store_end(end, queue))

    def _store_ends_left(self) -> None:
        """Store what could not be stored before, one end at a time: the store may still be away."""
        if self._ends_left and self._errands.wait(0) and time.monotonic() >= self._ends_retry_at:
            self._ends_retry_at = time.monotonic() + ENDS_RETRY_SECONDS
            end, queue = self._ends_left.popleft()
            self._errands.send(lambda: self._store_end(end, queue))

    def _store_end(self, end: End, queue: str) -> None:
        """Free the leases of a worker that has ended, at once, and keep its reason."""
        try:
            with self._store.write() as connection:
                tasks.free_worker(
                    connection, end.name, max_attempts=self._settings.max_attempts, reason=end.reason
                )
                workers.end(
                    connection,
                    end.name,
                    end.reason,
                    wanted=end.wanted,
                    slot=end.slot,
                    host=socket.gethostname(),
                    pid=end.pid,
                    queue=queue,
                )
        except FarmError as error:
            if not self._ends_left:
                log.warning("leases are left to expire", worker=end.name, error=str(error))
            self._ends_left.append((end, queue))
        except Exception:
            log.exception("the end of a worker could not be stored", worker=end.name)


def policy_of(settings: Settings) -> Policy:
    """The watchdog's limits as the settings have them."""
    return Policy(
        recycle_mib=settings.worker_memory_mib,
        kill_mib=settings.worker_memory_limit_mib,
        recycle_tasks=settings.worker_max_tasks,
    )
