"""Writing new tasks: in bulk, idempotent by key, in order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from farm.store import counted, counters, requests, webhooks
from farm.store.engine import Store, now
from farm.store.requests import Keyed, Made
from farm.store.states import TaskState
from farm.store.tables import BatchItemRow, BatchRow, TaskRow
from jobs.task import Task

CHUNK = 1_000
ADVISORY_LOCK = 7_215_331_025


@dataclass(frozen=True, kw_only=True, slots=True)
class Enqueued:
    """What an enqueue call left: `added` are new, `known` were there already under their keys.

    `repeated`: the request was made before, and this is what came of it then.
    """

    batch_id: int
    added: int
    known: int
    repeated: bool = False


def enqueue(
    store: Store,
    tasks: Iterable[tuple[Task, str]],
    *,
    name: str | None = None,
    request: Keyed | None = None,
    webhook_urls: Iterable[str] = (),
) -> Enqueued:
    """Store (task, queue) pairs as one batch, in one transaction: all of it or nothing.

    A task whose key is known joins the batch as it stands and is not worked again. A `request` that was made
    before makes no second batch; raises KeyReused where that asked for something else. `webhook_urls` are
    told when the batch has ended. Producers take turns, as two that add the same keys in another order would
    wait for each other for ever.
    """
    added = position = 0
    with store.write() as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        if request is not None and (made := requests.find(connection, request)) is not None:
            return Enqueued(batch_id=made.batch_id, added=made.added, known=made.known, repeated=True)
        batch_id = connection.execute(
            insert(BatchRow).values(name=name, created_at=now()).returning(BatchRow.id)
        ).scalar_one()
        for chunk in _chunks(tasks, CHUNK):
            ids, new = _insert(connection, batch_id, chunk)
            items = [
                {"batch_id": batch_id, "position": position + offset, "task_id": task_id}
                for offset, task_id in enumerate(ids)
            ]
            connection.execute(insert(BatchItemRow), items)
            added += new
            position += len(items)
        counters.add(connection, counted.enqueued(added))
        webhooks.add(connection, batch_id, webhook_urls, all_own=added == position)
        if request is not None:
            requests.keep(connection, request, Made(batch_id=batch_id, added=added, known=position - added))
    return Enqueued(batch_id=batch_id, added=added, known=position - added)


def _insert(
    connection: Connection, batch_id: int, chunk: Sequence[tuple[Task, str]]
) -> tuple[list[int], int]:
    """Insert what is new; returns the task id for each row, in order, and how many were new."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    keys = [task.idempotency_key for task, _ in chunk]
    rows = {key: _row(batch_id, key, task, queue) for key, (task, queue) in zip(keys, chunk, strict=True)}
    ids: dict[str, int] = _ids(connection, rows)
    fresh = [row for key, row in rows.items() if key not in ids]
    if fresh:
        connection.execute(dialect.insert(TaskRow).on_conflict_do_nothing(), fresh)
        ids |= _ids(connection, [row["key"] for row in fresh])
    return [ids[key] for key in keys], len(fresh)


def _ids(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
    rows = connection.execute(select(TaskRow.key, TaskRow.id).where(TaskRow.key.in_(list(keys))))
    return {row.key: row.id for row in rows}


def _row(batch_id: int, key: str, task: Task, queue: str) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "key": key,
        "question": task.question,
        "target": task.target,
        "model": task.model,
        "queue": queue,
        "priority": task.priority,
        "tags": list(task.tags),
        "dialect": task.dialect,
        "state": TaskState.QUEUED,
        "created_at": now(),
    }


def _chunks(items: Iterable[tuple[Task, str]], size: int) -> Iterator[list[tuple[Task, str]]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
