"""Tasks in a real store, driven by hand: what producers, workers and the reconciler do to it."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from farm.store import enqueue, migrate, targets, tasks, workers
from farm.store.engine import Store, now
from farm.store.states import TaskState
from farm.store.tables import TaskRow
from farm.store.tasks import Claimed, Outcome
from farm.targets.target import Target
from jobs.task import Task

SHOP = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL)")
LEASE_SECONDS = 60.0


def opened(url: str, **options: Any) -> Store:
    """A store at this version, with the target `shop`."""
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and path.parent.is_dir() and not path.exists():
        shutil.copyfile(_template(), path)  # making one anew takes much longer
        path.chmod(0o600)
    store = Store.open(url, **options)
    migrate.migrate(store)
    targets.save(store, SHOP)
    return store


@functools.cache
def _template() -> Path:
    """An empty SQLite store of this version, made once in each process."""
    folder = Path(tempfile.mkdtemp(prefix="farm-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with Store.open(f"sqlite:///{folder / 'farm.db'}", synchronous="NORMAL") as store:
        migrate.migrate(store)
    return folder / "farm.db"


def task(number: object = 1, **options: Any) -> Task:
    return Task(question=f"Question {number}?", target="shop", **options)


def add(store: Store, count: int = 1, *, queue: str = "default", **options: Any) -> list[int]:
    """Enqueue so many new tasks as one batch; returns their ids, in order."""
    with store.read() as connection:
        before = len(connection.execute(select(TaskRow.id)).all())
    asked = [(task(before + number, **options), queue) for number in range(count)]
    batch = enqueue.enqueue(store, asked).batch_id
    with store.read() as connection:
        return list(
            connection.scalars(select(TaskRow.id).where(TaskRow.batch_id == batch).order_by(TaskRow.id))
        )


def claim(
    store: Store,
    ids: Iterable[int],
    worker: str = "w1",
    *,
    lease_seconds: float = LEASE_SECONDS,
    max_attempts: int = 3,
) -> dict[int, Claimed]:
    """Claim and, where it is a task's last attempt, begin it."""
    with store.write() as connection:
        claimed = tasks.claim(
            connection, list(ids), worker=worker, lease_seconds=lease_seconds, max_attempts=max_attempts
        )
        for one in claimed.values():
            assert not one.last or tasks.begin(connection, one)
    return claimed


def finish(store: Store, *outcomes: Outcome) -> set[int]:
    with store.write() as connection:
        return tasks.finish(connection, outcomes)


def expire(store: Store, *, max_attempts: int = 3) -> int:
    with store.write() as connection:
        return tasks.expire(connection, max_attempts=max_attempts)


def save_answer(store: Store, *rows: dict[str, Any]) -> None:
    with store.write() as connection:
        tasks.save_answers(connection, rows)


def save_failed_call(store: Store, *rows: dict[str, Any]) -> None:
    with store.write() as connection:
        tasks.save_failed_calls(connection, rows)


def row(store: Store, task_id: int) -> Any:
    """The task as it stands in its table."""
    with store.read() as connection:
        return connection.execute(select(TaskRow.__table__).where(TaskRow.id == task_id)).one()


def state(store: Store, task_id: int) -> TaskState:
    return TaskState(row(store, task_id).state)


def answer(task_id: int, call_no: int = 1, raw: str = "SELECT 1", **values: Any) -> dict[str, Any]:
    """A row of `answers`."""
    return {
        "task_id": task_id,
        "call_no": call_no,
        "model": "stub-model",
        "raw": raw,
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "cost_usd": 0.5,
        "latency_ms": 12.5,
        "finish_reason": "stop",
        "prompt_version": "1",
        "prompt_hash": "abc",
        "parameters": {"temperature": 0},
        "created_at": now(),
    } | values


def failed_call(task_id: int, call_no: int = 1, **values: Any) -> dict[str, Any]:
    """A row of `failed_calls`."""
    return {
        "task_id": task_id,
        "call_no": call_no,
        "created_at": now(),
        "model": "stub-model",
        "code": "empty",
        "message": "an empty answer",
        "prompt_tokens": 70,
        "completion_tokens": 7,
        "cost_usd": 0.25,
        "latency_ms": 3.5,
    } | values


def candidate(
    task_id: int, call_no: int = 1, *, sql: str = "SELECT 1", accepted: bool = True
) -> dict[str, Any]:
    """A row of `candidates`."""
    findings: list[Any] = []
    return {
        "task_id": task_id,
        "call_no": call_no,
        "position": 0,
        "sql": sql,
        "accepted": accepted,
        "verdict": {"accepted": accepted, "dry_run": None, "findings": findings, "ms": 1.0},
        "created_at": now(),
    }


def accepted(claimed: Claimed, sql: str = "SELECT 1", **values: Any) -> Outcome:
    """The outcome of a task whose query is good."""
    query = {
        "task_id": claimed.id,
        "question": claimed.question,
        "target": claimed.target,
        "dialect": "sqlite",
        "sql": sql,
        "model": "stub-model",
        "call_no": 1,
        "dry_run": "sqlite",
        "prompt_version": "1",
        "schema_fingerprint": SHOP.fingerprint,
        "created_at": now(),
    } | values
    return Outcome(
        task_id=claimed.id,
        token=claimed.token,
        state=TaskState.ACCEPTED,
        query=query,
        candidates=(candidate(claimed.id, query["call_no"], sql=sql),),
    )


def rejected(claimed: Claimed, code: str = "syntax", call_no: int = 1) -> Outcome:
    """The outcome of a task whose query was refused."""
    return Outcome(
        task_id=claimed.id,
        token=claimed.token,
        state=TaskState.REJECTED,
        reason_code=code,
        reason="it does not parse",
        candidates=(candidate(claimed.id, call_no, accepted=False),),
    )


def end(connection: Connection, name: str, reason: str, *, wanted: bool = False) -> None:
    """End the life of a worker of the slot default-1 on the host `here`."""
    workers.end(
        connection, name, reason, wanted=wanted, slot="default-1", host="here", pid=42, queue="default"
    )
