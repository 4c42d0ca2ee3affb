"""The lives of workers, and what is set for queues: paused ones, and their numbers of workers."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farm.store import counted, counters
from farm.store.engine import now
from farm.store.tables import QueueRow, WorkerRow

KEPT = timedelta(days=30)


def register(connection: Connection, *, name: str, slot: str, host: str, pid: int, queue: str) -> None:
    """Note the birth of a worker, and forget those that ended long ago, or fell silent with their hosts."""
    at = now()
    born = {"name": name, "slot": slot, "host": host, "pid": pid, "queue": queue, "state": "ready"}
    # said again where the store took it without our hearing of it
    new = connection.execute(
        _dialect(connection)
        .insert(WorkerRow)
        .values(**born, started_at=at, heartbeat_at=at)
        .on_conflict_do_nothing()
        .returning(WorkerRow.name)
    )
    if new.first() is not None:
        counters.add(connection, counted.worker_started())
    silent = WorkerRow.ended_at.is_(None) & (WorkerRow.heartbeat_at < at - KEPT)
    connection.execute(delete(WorkerRow).where((WorkerRow.ended_at < at - KEPT) | silent))


def beat(connection: Connection, name: str, *, state: str, in_flight: int, tasks_done: int) -> None:
    """Note that a worker lives, and what it does."""
    connection.execute(
        update(WorkerRow)
        .where(WorkerRow.name == name)
        .values(state=state, in_flight=in_flight, tasks_done=tasks_done, heartbeat_at=now())
    )


def end(
    connection: Connection,
    name: str,
    reason: str,
    *,
    wanted: bool,
    slot: str,
    host: str,
    pid: int,
    queue: str,
) -> None:
    """Note the end of a worker's life, also of one that ended before it could sign on.

    `wanted` tells a stop or a replacement from a crash. The first reason given stays.
    """
    known = select(WorkerRow.name).where(WorkerRow.name == name)
    if connection.execute(known).first() is None:
        register(connection, name=name, slot=slot, host=host, pid=pid, queue=queue)
    ended = connection.execute(
        update(WorkerRow)
        .where(WorkerRow.name == name, WorkerRow.ended_at.is_(None))
        .values(state="ended", in_flight=0, ended_at=now(), end_reason=reason, end_wanted=wanted)
    )
    if ended.rowcount == 1:
        counters.add(connection, counted.worker_ended(reason, wanted=wanted))


def scale(connection: Connection) -> dict[str, int]:
    """How many workers each queue is to have in every farm, where somebody has said so."""
    rows = connection.execute(select(QueueRow.name, QueueRow.workers).where(QueueRow.workers.is_not(None)))
    return {row.name: row.workers for row in rows}


def set_scale(connection: Connection, queue: str, workers: int | None) -> None:
    """Have every farm run so many workers for a queue; None: as its settings say."""
    _set(connection, queue, workers=workers)


def pause(connection: Connection, queue: str) -> None:
    """Stop issuing work for a queue."""
    _set(connection, queue, paused_at=now())


def _set(connection: Connection, queue: str, **values: Any) -> None:
    connection.execute(
        _dialect(connection)
        .insert(QueueRow)
        .values(name=queue, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )


def _dialect(connection: Connection) -> Any:
    """The module with the database's own form of INSERT."""
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def resume(connection: Connection, queue: str) -> None:
    """Issue work for a queue again."""
    connection.execute(update(QueueRow).where(QueueRow.name == queue).values(paused_at=None))


def paused(connection: Connection) -> set[str]:
    """The queues that are paused."""
    return set(connection.scalars(select(QueueRow.name).where(QueueRow.paused_at.is_not(None))))
