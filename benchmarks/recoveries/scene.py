"""One case's stage: a store, a model, and the farms that work on them as real processes."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import inf
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

import psutil
from sqlalchemy import text
from support.llm import Reply
from support.postgres import short_folder

from benchmarks.harness.farm_tree import FarmTree
from benchmarks.harness.kept import hit
from benchmarks.recoveries import ROOT
from benchmarks.recoveries.ledger import GOOD, NEVER, Endpoint, Ledger
from farm.api import Farm
from farm.settings import PoolSettings, Settings
from farm.store import migrate
from farm.store.engine import Store
from jobs.task import Task

FARM = (sys.executable, "-m", "farm")
OURS = ("FARM_", "OPENAI_", "COLUMNS", "FORCE_COLOR", "TTY_", "PYTHONDONTWRITEBYTECODE")
DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL)"
MODEL = "stub-model"
QUEUE = "default"
CONCURRENCY = 8
DEADLINE_SECONDS = 3600.0
BOOT_SECONDS = 180.0
RECOVER_SECONDS = 60.0
POLL_SECONDS = 0.005
GRACE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A task in work: its question, and the worker that holds it."""

    task_id: int
    question: str
    worker: str
    pid: int
    slot: str
    queue: str


class Scene:
    """Enter it to have a store and a model; `start` adds farms. Everything it started ends with it."""

    def __init__(
        self,
        *,
        database_url: str | None = None,
        redis_url: str | None = None,
        pools: Mapping[str, int] | None = None,
        workers: int = 2,
        deadline_seconds: float = DEADLINE_SECONDS,
        **settings: str,
    ) -> None:
        """`pools` are further pools: how many workers each has, by name. `settings` are FARM_… by name."""
        self._numbers = itertools.count(1)
        self._stack = ExitStack()
        self.folder = Path(mkdtemp(prefix="farm-recovery-", dir=short_folder()))
        self.ledger = Ledger()
        self.hosts: list[FarmTree] = []
        self.trouble: list[str] = []
        models = [MODEL, *(pools or {})]
        self._pools = {
            name: PoolSettings(model=name, workers=count, concurrency=CONCURRENCY)
            for name, count in (pools or {}).items()
        }
        self._workers = workers
        self._database_url, self._redis_url = database_url, redis_url
        self._settings = {
            "FARM_MODEL": MODEL,
            "FARM_WORKERS": str(workers),
            "FARM_CONCURRENCY": str(CONCURRENCY),
            "FARM_GRACE_SECONDS": str(GRACE_SECONDS),
            "FARM_POOLS": json.dumps({name: pool.model_dump() for name, pool in self._pools.items()}),
            "FARM_MODELS": json.dumps({name: {"deadline_seconds": deadline_seconds} for name in models}),
            "FARM_LOG_FORMAT": "json",
            "OPENAI_API_KEY": "none",
            **settings,
        }

    def __enter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self._endpoint = self._stack.enter_context(Endpoint(self.ledger))
            if self._database_url is not None:
                with Store.open(self._database_url) as store:
                    migrate.migrate(store)
            self.farm = self._stack.enter_context(Farm.connect(self._producer()))
            self.farm.add_target("shop", dialect="sqlite", ddl=DDL)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            for host in self.hosts:
                host.ask_to_end()
        self._stack.close()
        self.hosts.clear()

    def home(self, name: str) -> Path:
        return self.folder / name

    def _producer(self) -> Settings:
        return Settings.load(
            home=self.home("a"),
            database_url=self._database_url,
            redis_url=self._redis_url,
            model=MODEL,
            pools=self._pools,
            log_level="ERROR",
        )

    # Farms

    def start(
        self,
        name: str = "a",
        command: str = "up",
        *,
        prefix: Sequence[str] = (),
        endpoint: Endpoint | None = None,
        **settings: str,
    ) -> FarmTree:
        """Start a farm as a user does, with a home of its own; it is not ready yet."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
        shared = {"FARM_DATABASE_URL": self._database_url, "FARM_REDIS_URL": self._redis_url}
        environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
            "FARM_HOME": str(self.home(name)),
            "FARM_SECRETS_DIR": str(self.folder / "no-secrets"),
            "OPENAI_BASE_URL": (endpoint or self._endpoint).url,
            **{key: value for key, value in shared.items() if value is not None},
            **self._settings,
            **settings,
        }
        host = FarmTree(
            name,
            [*prefix, *FARM, command],
            log=self.folder / f"{name}.log",
            environment=environment,
            cwd=self.folder,
        )
        self.hosts.append(host)
        self._stack.callback(host.end)
        host.tend()
        return host

    def await_workers(self, count: int | None = None) -> None:
        """Wait until so many workers have signed on, by default all of one farm."""
        wanted = count or self._workers + sum(pool.workers for pool in self._pools.values())
        self.require(lambda: len(self.living()) >= wanted, f"{wanted} workers", BOOT_SECONDS)

    def living(self) -> list[Any]:
        """Workers that have signed on and did not end: name, pid, slot, queue, heartbeat_at."""
        return self.query("SELECT name, pid, slot, queue, heartbeat_at FROM workers WHERE ended_at IS NULL")

    # Tasks

    def ask(self, count: int, *replies: Reply, pool: str = QUEUE) -> list[str]:
        """Enqueue so many new questions; by default the first answer never comes, and each later one does."""
        model = None if pool == QUEUE else pool
        questions = [f"How many orders of customer {next(self._numbers)}?" for _ in range(count)]
        self.ledger.plan(questions, replies or (NEVER, GOOD))
        self.farm.enqueue([Task(question=question, target="shop", model=model) for question in questions])
        return questions

    def await_running(self, questions: Sequence[str], times: int = 1, seconds: float = BOOT_SECONDS) -> None:
        """Wait until each of them was asked so many times; raises TimeoutError."""
        self.require(lambda: self._all_asked(questions, times), f"call {times} of every task", seconds)

    def _all_asked(self, questions: Iterable[str], times: int) -> bool:
        return all(len(self.ledger.asked(question)) >= times for question in questions)

    def seconds_until_running(
        self, questions: Sequence[str], since: float, times: int = 2, *, most_seconds: float = RECOVER_SECONDS
    ) -> float:
        """How long after `since` the last of them was asked for that time; infinity where one never was."""
        if not self.comes(lambda: self._all_asked(questions, times), most_seconds):
            return inf
        return max(self.ledger.asked(question)[times - 1] for question in questions) - since

    def held(self, questions: Iterable[str]) -> list[Held]:
        """Who works these tasks now."""
        rows = self.query(
            "SELECT t.id AS task_id, t.question, w.name AS worker, w.pid, w.slot, w.queue "
            "FROM tasks t JOIN workers w ON w.name = t.worker WHERE t.state = 'leased'"
        )
        wanted = set(questions)
        return [Held(**row._asdict()) for row in rows if row.question in wanted]

    def states(self, questions: Iterable[str]) -> dict[str, str]:
        """The state of each task, by its question."""
        wanted = set(questions)
        rows = self.query("SELECT question, state FROM tasks")
        return {row.question: row.state for row in rows if row.question in wanted}

    def settle(self, questions: Sequence[str], *, most_calls: int = 2, seconds: float = 30.0) -> None:
        """Note as trouble whatever of these tasks is not accepted once, or was asked too often."""
        self.comes(lambda: set(self.states(questions).values()) == {"accepted"}, seconds)
        queries = {
            row.question: row.count
            for row in self.query("SELECT question, count(*) AS count FROM queries GROUP BY question")
        }
        states = self.states(questions)
        for question in questions:
            calls = len(self.ledger.asked(question))
            if states.get(question) != "accepted" or queries.get(question) != 1 or calls > most_calls:
                self.trouble.append(
                    f"{question} is {states.get(question)}, has {queries.get(question, 0)} queries, "
                    f"and was asked {calls} times"
                )

    def query(self, sql: str) -> list[Any]:
        """Rows of the store."""
        with self.farm.store.read() as connection:
            return list(connection.execute(text(sql)).all())

    # Waiting

    def comes(self, met: Callable[[], object], seconds: float) -> bool:
        """Whether it becomes true in time. Farms that end meanwhile are started again, after a second."""
        give_up_at = time.monotonic() + seconds
        while not met():
            if time.monotonic() > give_up_at:
                return False
            for host in self.hosts:
                host.tend()
            time.sleep(POLL_SECONDS)
        return True

    def require(self, met: Callable[[], object], what: str, seconds: float) -> None:
        """Raise TimeoutError unless it becomes true in time."""
        if not self.comes(met, seconds):
            raise TimeoutError(f"waited {seconds:g} s for {what}; the farms said: {self._said()}")

    def _said(self) -> str:
        return "\n".join(
            (self.folder / f"{host.name}.log").read_text(errors="replace")[-2000:] for host in self.hosts
        )


def is_alive(pid: int) -> bool:
    """Whether a process runs, or is stopped; one that waits to be reaped does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def kill(pid: int) -> float:
    """kill -9; returns when."""
    at = time.monotonic()
    hit(pid, signal.SIGKILL)
    return at
