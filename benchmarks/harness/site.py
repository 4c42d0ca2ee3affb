"""Everything under test, brought up from nothing and taken down again: disk, store, Redis, two farms."""

import os
import shutil
import signal
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal, Self

import psutil
from support.postgres import short_folder

from benchmarks.harness import ROOT, disk, postgres, script
from benchmarks.harness.disk import Disk
from benchmarks.harness.farm_tree import FarmTree
from benchmarks.harness.kept import Kept, hit
from farm.api import Farm
from farm.queue.connection import connect
from farm.services import valkey
from farm.settings import Settings
from farm.store import migrate
from farm.store.engine import Store

MARK = "FARM_CHAOS_MARK"
DISK_MB = {"sqlite": 256, "postgres": 768}
BOOT_SECONDS = 180.0
LOCK_SECONDS = 10.0
BUSY_TIMEOUT_SECONDS = 3.0
FARM = [sys.executable, "-m", "farm"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """What a run is set up like."""

    store: Literal["sqlite", "postgres"]
    redis: Literal["embedded", "external"]
    lease_seconds: float = 5.0
    workers: int = 2
    concurrency: int = 8
    max_attempts: int = 20


@dataclass(kw_only=True)
class Site:
    """The parts of a run; enter it to bring them up. `model_url` is known once the endpoint serves."""

    layout: Layout
    folder: Path = field(default_factory=lambda: Path(mkdtemp(prefix="farm-chaos-", dir=short_folder())))
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    keep: bool = False
    farms: list[FarmTree] = field(default_factory=list)
    servers: dict[str, Kept] = field(default_factory=dict)
    disk: Disk = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Bring up disk and store; the farms come with `start_farms`, when the model serves."""
        self._stack.callback(self._clear)
        try:
            self.folder.chmod(0o711)  # a server that runs as another user must reach its own folder
            self._make_disk()
            if self.layout.store == "postgres":
                self._serve("postgres", postgres.server(self._database, self._log("postgres")))
                wait_for(lambda: postgres.answers(self._database), self, "Postgres to answer")
            self.store = Store.open(self.database_url, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)
            self._stack.callback(self.store.close)
            migrate.migrate(self.store)
            if self.layout.redis == "external":
                command = valkey.command(valkey.binary(), self._redis_home)
                self._serve("valkey", Kept("valkey", command, log=self._log("valkey")))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # Where things are

    @property
    def disk_folder(self) -> Path:
        return self.folder / "disk"

    @property
    def _database(self) -> Path:
        return self.disk_folder / "postgres"

    @property
    def _redis_home(self) -> Path:
        return self.disk_folder / "a"

    @property
    def database_url(self) -> str:
        if self.layout.store == "postgres":
            return postgres.url(self._database)
        return f"sqlite:///{self.disk_folder / 'farm.db'}"

    @property
    def redis_url(self) -> str:
        return valkey.url(self._redis_home)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    # Parts

    def _make_disk(self) -> None:
        self.disk_folder.mkdir()
        if disk.mounted(self.disk_folder, DISK_MB[self.layout.store]):
            self.disk = disk.SmallDisk(self.disk_folder)
        else:
            self.disk = disk.FileLimits(lambda: [process.pid for process in marked(self.mark)])

    def _serve(self, name: str, server: Kept) -> None:
        self.servers[name] = server
        self._stack.callback(server.end)

    def start_farms(self, model_url: str) -> None:
        """Start `farm up` and, as another host would, `farm workers` over the same store and Redis."""
        up = self.environment(model_url) | {"FARM_HOME": str(self._redis_home)}
        other = self.environment(model_url) | {
            "FARM_HOME": str(self.folder / "b"),
            "FARM_REDIS_URL": self.redis_url,
        }
        if self.layout.redis == "external":
            up |= {"FARM_REDIS_URL": self.redis_url}
        self._redis_home.mkdir(exist_ok=True)
        (self.folder / "farm.toml").write_text(
            f'[pools.hard]\nmodel = "{script.HARD_MODEL}"\nconcurrency = {self.layout.concurrency}\n'
        )
        for name, words, environment in (("a", "up", up), ("b", "workers", other)):
            tree = FarmTree(
                f"farm-{name}",
                [*FARM, words],
                log=self._log(f"farm-{name}"),
                environment=environment,
                cwd=self.folder,
            )
            self.farms.append(tree)
            self._stack.callback(tree.end)

    def environment(self, model_url: str) -> dict[str, str]:
        """What the farms are told; nothing of the caller's own FARM_… and OPENAI_… variables."""
        return clean_environment() | {
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),  # starts in a third of the time
            "FARM_SECRETS_DIR": str(self.folder / "no-secrets"),
            "FARM_CONFIG": str(self.folder / "farm.toml"),
            "FARM_DATABASE_URL": self.database_url,
            "FARM_MODEL": script.MODEL,
            "FARM_WORKERS": str(self.layout.workers),
            "FARM_CONCURRENCY": str(self.layout.concurrency),
            "FARM_LEASE_SECONDS": str(self.layout.lease_seconds),
            "FARM_MAX_ATTEMPTS": str(self.layout.max_attempts),
            "FARM_BUSY_TIMEOUT_SECONDS": str(BUSY_TIMEOUT_SECONDS),
            "FARM_LOG_FORMAT": "json",
            "OPENAI_BASE_URL": model_url,
            "OPENAI_API_KEY": "none",
            MARK: self.mark,
        }

    def producer(self) -> Farm:
        """A producer's own connection."""
        settings = Settings.load(
            home=self.folder / "producer",
            database_url=self.database_url,
            redis_url=self.redis_url,
            model=script.MODEL,
            pools={"hard": {"model": script.HARD_MODEL}},
            busy_timeout_seconds=BUSY_TIMEOUT_SECONDS,
        )
        return Farm.connect(settings)

    def tend(self) -> None:
        """Start again whatever has ended."""
        for kept in (*self.servers.values(), *self.farms):
            kept.tend()

    @contextmanager
    def redis(self) -> Iterator[Any]:
        """A client of the queue's server."""
        client = connect(self.redis_url, timeout_seconds=2.0)
        try:
            yield client
        finally:
            client.close()

    def lock(self) -> AbstractContextManager[object]:
        """Something that keeps every writer out of the store until it is closed."""
        if self.layout.store == "postgres":
            return closing(postgres.locked(self._database))
        path = self.database_url.removeprefix("sqlite:///")
        connection = sqlite3.connect(
            path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            connection.close()
            raise
        return closing(connection)

    def _clear(self) -> None:
        for process in marked(self.mark):
            hit(process.pid, signal.SIGKILL)
        if not self.keep:
            disk.unmount(self.disk_folder)
            shutil.rmtree(self.folder, ignore_errors=True)


def clean_environment() -> dict[str, str]:
    """The caller's environment without what would set up the farm, or slow its start."""
    ours = ("FARM_", "OPENAI_", "COLUMNS", "FORCE_COLOR", "TTY_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def marked(mark: str) -> Iterable[psutil.Process]:
    """Every living process of this run's farms, wherever it hangs in the tree."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue


def wait_for(met: Callable[[], bool], site: Site, what: str, seconds: float = BOOT_SECONDS) -> None:
    """Wait while the site is tended; raises TimeoutError naming what did not come."""
    give_up_at = time.monotonic() + seconds
    while not met():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"waited {seconds:g} s for {what}; see the logs in {site.folder}")
        site.tend()
        time.sleep(0.05)
