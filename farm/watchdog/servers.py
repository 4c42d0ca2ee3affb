"""The servers a farm runs for itself: the queue's embedded Valkey, the local model and the pages."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from farm.errors import Unavailable
from farm.private import make_folder
from farm.queue.connection import connect, require
from farm.services import llama, pages, valkey
from farm.services.pages import free_port
from farm.services.weights import Weights
from farm.settings import Settings
from farm.watchdog.child import Service, ServiceChild
from farm.watchdog.watchdog import TICK_SECONDS, FarmEnded, Slot, Watchdog

SERVICE_BOOT_SECONDS = 120.0
SERVICE_SILENCE_SECONDS = 30.0
STARTS_TRIED = 3
LOCAL_PARALLEL = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where the model answers."""

    base_url: str | None
    api_key: str | None


class Servers:
    """Provides the queue and the model, and keeps what it has started under the watchdog.

    Several farms may share one home: one of them serves its queue, and another one takes over when that ends
    (see tether).
    """

    def __init__(
        self,
        settings: Settings,
        watchdog: Watchdog,
        *,
        weights: Weights | None,
        stopping: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._watchdog = watchdog
        self._weights = weights
        self._stopping = stopping
        self._port = _free_port()
        self.names: list[str] = []

    def provide_redis(self) -> str:
        """The URL of the queue, which answers; raises Unavailable, Misuse or FarmEnded."""
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
        url = valkey.url(home)
        if valkey.is_locked(home) or not valkey.answers(url):
            command = valkey.command(valkey.binary(), home)
            self._serve("valkey", command, lambda: valkey.answers(url), lock=valkey.lock_path(home))
        return url

    def provide_model(self, settings: Settings) -> Endpoint:
        """Where calls go by these settings; a local model's server is started the first time."""
        if self._weights is None:
            key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
            return Endpoint(base_url=settings.openai_base_url, api_key=key)
        url = f"http://127.0.0.1:{self._port}"
        if "model-server" not in self.names:
            command = llama.command(self._weights.path, "127.0.0.1", self._port, LOCAL_PARALLEL)
            self._serve("model-server", command, lambda: llama.ready(url), environment=llama.environment())
        return Endpoint(base_url=f"{url}/v1", api_key=None)

    def provide_pages(self) -> str:
        """The address of the pages, which a server of their own shows as soon as it is up; raises Misuse.

        Its end stops no work, and that of the workers does not stop it.
        """
        settings = self._settings
        host = settings.web_host
        port = free_port(host, settings.web_port, or_another="web_port" not in settings.model_fields_set)
        command = pages.command(host, port)
        environment = dict(os.environ) | {"FARM_HOME": str(settings.home.absolute())}
        if settings.log_file is not None:
            environment["FARM_LOG_FILE"] = str(settings.log_file)
        slot = self._slot("pages", command, lambda: pages.answers(host, port), environment, vital=False)
        self._watchdog.add(slot)
        self.names.append(slot.name)
        return pages.url(host, port)

    def _serve(
        self,
        name: str,
        command: list[str],
        ready: Callable[[], bool],
        *,
        environment: dict[str, str] | None = None,
        lock: Path | None = None,
    ) -> None:
        """Put a server of our own under the watchdog, and wait until it answers."""
        slot = self._slot(name, command, ready, environment or {}, lock=lock)
        written = self._log(name)
        self._watchdog.add(slot)
        self.names.append(name)
        give_up_at = time.monotonic() + SERVICE_BOOT_SECONDS
        while not self._watchdog.ready([name]):
            if self._stopping():
                raise FarmEnded("stopped before everything was started")
            if len(slot.ends) >= STARTS_TRIED or time.monotonic() > give_up_at:
                raise Unavailable(f"{name} does not start; {written} says why: {_last_line(written)}")
            self._watchdog.tick()
            time.sleep(TICK_SECONDS / 4)

    def _slot(
        self,
        name: str,
        command: list[str],
        ready: Callable[[], bool],
        environment: dict[str, str],
        *,
        lock: Path | None = None,
        vital: bool = True,
    ) -> Slot:
        log = self._log(name)
        make_folder(log.parent)
        if lock is not None:
            make_folder(lock.parent)
        service = Service(
            name=name, command=command, ready=ready, log=log, environment=environment, lock=lock
        )
        return Slot(
            name=name,
            start=lambda _: ServiceChild(service),
            pool=None,
            boot_seconds=SERVICE_BOOT_SECONDS,
            silence_seconds=SERVICE_SILENCE_SECONDS,
            vital=vital,
        )

    def _log(self, name: str) -> Path:
        return self._settings.home / "logs" / f"{name}.log"


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
