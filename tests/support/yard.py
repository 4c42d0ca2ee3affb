"""Worker processes of a test's own, on one store, one queue server and one scripted model endpoint."""

import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select
from support.llm import StubLLM
from support.store import SHOP, expire, opened

from farm.queue.connection import connect
from farm.queue.hints import Hints
from farm.queue.reconciler import fill
from farm.settings import Settings
from farm.store import enqueue
from farm.store.tables import AnswerRow, QueryRow, TaskRow
from farm.watchdog.child import WorkerChild
from farm.watchdog.watchdog import SIGKILL
from farm.worker.config import WorkerConfig
from farm.worker.pulse import Failed, Pulse
from jobs.task import Task

PATIENCE_SECONDS = 30.0
# Spawned, a worker imports for seconds; the tests of what depends on it ask for "spawn" themselves.
START_METHOD = "spawn" if sys.platform == "win32" else "forkserver"
multiprocessing.set_forkserver_preload(["farm.worker.warm", "farm.worker.process"])
GOOD_SQL = "SELECT count(*) FROM orders"
BAD_SQL = "SELECT nope FROM orders"


def wait_until(condition: Callable[[], Any], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something that other processes bring about; fails with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.01)


class Yard:
    """What the workers of one test share. Leaving it kills those that still run."""

    def __init__(self, *, home: Path, database_url: str, redis_url: str, llm: StubLLM) -> None:
        self.home, self.llm = home, llm
        self.redis_url, self.database_url = redis_url, database_url
        self.store = opened(database_url)
        self.redis = connect(redis_url)
        self.children: list[WorkerChild] = []
        self.log = home / "farm.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            with suppress(ValueError):  # closed already
                child.send_signal(SIGKILL)
                child._process.join(10)
                child.close()
        self.redis.close()
        self.store.close()

    def settings(self, **changes: Any) -> Settings:
        chosen = {
            "home": self.home,
            "database_url": self.database_url,
            "redis_url": self.redis_url,
            "openai_base_url": self.llm.url,
            "openai_api_key": "key",
            "model": "stub-model",
            "workers": 1,
            "concurrency": 8,
            "start_method": START_METHOD,
            "log_file": self.log,
            "log_format": "json",
        }
        return Settings.load(**(chosen | changes))

    def config(self, **changes: Any) -> WorkerConfig:
        settings = self.settings(**changes)
        return WorkerConfig(
            slot="default-1",
            queue="default",
            pool=settings.all_pools()["default"],
            model_settings=settings.model_settings("stub-model"),
            settings=settings,
            redis_url=self.redis_url,
            base_url=self.llm.url,
            api_key="key",
        )

    def start(self, name: str = "w1", *, ready: bool = True, **changes: Any) -> WorkerChild:
        """A worker process, by default once it is ready."""
        config = self.config(**changes)
        child = WorkerChild(name, config, config.settings.start_method)
        self.children.append(child)
        if ready:
            wait_until(lambda: any(isinstance(m, Pulse) for m in child.messages()), f"{name} to be ready")
        return child

    def ended(self, child: WorkerChild, *, seconds: float = PATIENCE_SECONDS) -> int:
        """Its exit code, once it has ended."""
        wait_until(lambda: child.exit_code is not None, f"{child.name} to end", seconds=seconds)
        code = child.exit_code
        assert code is not None
        return code

    def failure(self, child: WorkerChild) -> Failed:
        """What a worker that could not go on told."""
        assert self.ended(child) == 3
        return next(message for message in child.messages() if isinstance(message, Failed))

    def ask(self, count: int, *replies: Any, start: int = 1) -> list[str]:
        """Enqueue questions that the endpoint answers by these replies, one per call; returns them."""
        questions = [f"Question {number}?" for number in range(start, start + count)]
        for question in questions:
            self.llm.answer(question, *(replies or (GOOD_SQL,)))
        asked = [(Task(question=question, target=SHOP.name), "default") for question in questions]
        enqueue.enqueue(self.store, asked)
        self.hint()
        return questions

    def hint(self) -> None:
        """What a reconciler does about waiting tasks."""
        fill(self.store, Hints(self.redis), "default", 1000)

    def expire(self) -> None:
        """What a reconciler does about leases that ran out."""
        expire(self.store)

    def states(self) -> Counter[str]:
        with self.store.read() as connection:
            return Counter(connection.scalars(select(TaskRow.state)))

    def all_in(self, state: str) -> bool:
        return set(self.states()) == {state}

    def tasks(self) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(select(TaskRow.__table__).order_by(TaskRow.id)).all())

    def queries(self) -> list[tuple[int, str]]:
        """(task id, SQL) of every accepted query."""
        with self.store.read() as connection:
            rows = connection.execute(select(QueryRow.task_id, QueryRow.sql).order_by(QueryRow.task_id))
            return [(row.task_id, row.sql) for row in rows]

    def answers(self) -> list[tuple[int, int, str]]:
        """(task id, call, text) of every answer that was paid for."""
        with self.store.read() as connection:
            rows = connection.execute(
                select(AnswerRow.task_id, AnswerRow.call_no, AnswerRow.raw).order_by(
                    AnswerRow.task_id, AnswerRow.call_no
                )
            )
            return [(row.task_id, row.call_no, row.raw) for row in rows]

    def logged(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


def note_start() -> None:
    """An initializer: one line for each process that calls it."""
    with open(os.environ["FARM_TEST_NOTES"], "a") as notes:
        notes.write(f"{os.getpid()}\n")


def fail_to_start() -> None:
    """An initializer that cannot do its work."""
    raise FileNotFoundError("no such model file")
