"""The lives of workers, and which queues are paused."""

from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farm.store.engine import now
from farm.store.tables import QueueRow, WorkerRow

KEPT = timedelta(days=30)


def register(connection: Connection, *, name: str, slot: str, host: str, pid: int, queue: str) -> None:
    """Note the birth of a worker, and forget those that ended long ago."""
    at = now()
    connection.execute(
        insert(WorkerRow).values(
            name=name,
            slot=slot,
            host=host,
            pid=pid,
            queue=queue,
            state="ready",
            started_at=at,
            heartbeat_at=at,
        )
    )
    connection.execute(delete(WorkerRow).where(WorkerRow.ended_at < at - KEPT))


def beat(connection: Connection, name: str, *, state: str, in_flight: int, tasks_done: int) -> None:
    """Note that a worker lives, and what it does."""
    connection.execute(
        update(WorkerRow)
        .where(WorkerRow.name == name)
        .values(state=state, in_flight=in_flight, tasks_done=tasks_done, heartbeat_at=now())
    )


def end(connection: Connection, name: str, reason: str) -> None:
    """Note the end of a worker's life; the first reason given stays."""
    connection.execute(
        update(WorkerRow)
        .where(WorkerRow.name == name, WorkerRow.ended_at.is_(None))
        .values(state="ended", in_flight=0, ended_at=now(), end_reason=reason)
    )


def pause(connection: Connection, queue: str) -> None:
    """Stop issuing work for a queue."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    at = now()
    connection.execute(
        dialect.insert(QueueRow)
        .values(name=queue, paused_at=at)
        .on_conflict_do_update(index_elements=["name"], set_={"paused_at": at})
    )


def resume(connection: Connection, queue: str) -> None:
    """Issue work for a queue again."""
    connection.execute(update(QueueRow).where(QueueRow.name == queue).values(paused_at=None))


def paused(connection: Connection) -> set[str]:
    """The queues that are paused."""
    return set(connection.scalars(select(QueueRow.name).where(QueueRow.paused_at.is_not(None))))
