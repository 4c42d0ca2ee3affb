"""The read side for operators: how many tasks stand where, which workers live, what was spent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from farm.store.engine import now
from farm.store.states import TaskState
from farm.store.tables import AnswerRow, FailedCallRow, RollupRow, TaskRow, UsageHourRow, WorkerRow

SILENT = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerStatus:
    """One living worker; `restarts` counts the earlier lives of its slot that ended within the last hour."""

    name: str
    slot: str
    host: str
    pid: int
    queue: str
    state: str
    in_flight: int
    tasks_done: int
    heartbeat_age_seconds: float
    restarts: int
    last_end_reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EndStatus:
    """The end of a worker's life that nobody wanted: a crash, a hang, too much memory."""

    slot: str
    host: str
    seconds_ago: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueStatus:
    """One queue: how many tasks wait, and for how long the oldest has."""

    name: str
    depth: int
    oldest_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """Tokens and cost of all model calls; `cost_usd` is None where no price is set.

    `calls` gave an answer; `failed_calls` gave none though they may have been paid, and count in the sums.
    """

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    failed_calls: int = 0


def tasks_by_state(connection: Connection) -> dict[str, int]:
    """How many tasks stand in each state."""
    counted = connection.execute(select(TaskRow.state, func.count().label("n")).group_by(TaskRow.state))
    return dict.fromkeys((state.value for state in TaskState), 0) | {row.state: row.n for row in counted}


def tasks_leased(connection: Connection) -> int:
    """How many tasks are in work, by the index of their leases."""
    leased = select(func.count()).where(TaskRow.state == TaskState.LEASED)
    return connection.execute(leased).scalar_one()


def queues(connection: Connection, names: list[str]) -> list[QueueStatus]:
    """Waiting tasks of the given queues and of any other that holds some, counted through an index alone."""
    found = {
        row.queue: row
        for row in connection.execute(
            select(TaskRow.queue, func.count().label("depth"), func.min(TaskRow.id).label("first"))
            .where(TaskRow.state == TaskState.QUEUED)
            .group_by(TaskRow.queue)
        )
    }
    firsts = [row.first for row in found.values()]
    asked = connection.execute(select(TaskRow.queue, TaskRow.created_at).where(TaskRow.id.in_(firsts)))
    oldest = {row.queue: row.created_at for row in asked}
    at = now()
    return [
        QueueStatus(
            name=name,
            depth=found[name].depth if name in found else 0,
            oldest_seconds=_age(at, oldest[name]) if name in oldest else None,
        )
        for name in dict.fromkeys([*names, *found])
    ]


def depth(connection: Connection, queue: str, *, cap: int) -> int:
    """How many tasks wait in a queue, counted up to `cap`."""
    waiting = select(TaskRow.id).where(TaskRow.queue == queue, TaskRow.state == TaskState.QUEUED).limit(cap)
    return connection.execute(select(func.count()).select_from(waiting.subquery())).scalar_one()


def workers(connection: Connection) -> list[WorkerStatus]:
    """Workers that have not ended and showed life within the last minutes."""
    at = now()
    rows = connection.execute(
        select(WorkerRow.__table__)
        .where(WorkerRow.ended_at.is_(None), WorkerRow.heartbeat_at > at - SILENT)
        .order_by(WorkerRow.slot, WorkerRow.started_at)
    ).all()
    ended: dict[tuple[str, str], list[EndStatus]] = {}
    for end in ends(connection):
        ended.setdefault((end.slot, end.host), []).append(end)
    return [
        WorkerStatus(
            name=row.name,
            slot=row.slot,
            host=row.host,
            pid=row.pid,
            queue=row.queue,
            state=row.state,
            in_flight=row.in_flight,
            tasks_done=row.tasks_done,
            heartbeat_age_seconds=_age(at, row.heartbeat_at),
            restarts=len(earlier),
            last_end_reason=earlier[0].reason if earlier else None,
        )
        for row in rows
        for earlier in [ended.get((row.slot, row.host), [])]
    ]


def ends(connection: Connection) -> list[EndStatus]:
    """Lives of workers that ended within the last hour without anybody wanting it, the latest first."""
    at = now()
    rows = connection.execute(
        select(WorkerRow.slot, WorkerRow.host, WorkerRow.ended_at, WorkerRow.end_reason)
        .where(WorkerRow.ended_at > at - timedelta(hours=1), WorkerRow.end_wanted.is_(False))
        .order_by(WorkerRow.ended_at.desc())
    )
    return [
        EndStatus(slot=row.slot, host=row.host, seconds_ago=_age(at, row.ended_at), reason=row.end_reason)
        for row in rows
    ]


def spent(connection: Connection) -> Spent:
    """What all model calls have used so far: what is summed up already, and the calls since then."""
    until = {row.name: row.until for row in connection.execute(select(RollupRow.name, RollupRow.until))}
    answered, failed = (
        connection.execute(
            select(func.count().label("calls"), *_sums(table)).where(
                *(table.created_at > until[name] for name in [table.__tablename__] if name in until)
            )
        ).one()
        for table in (AnswerRow, FailedCallRow)
    )
    calls, failed_calls = func.sum(UsageHourRow.calls), func.sum(UsageHourRow.failed_calls)
    summed = connection.execute(
        select(calls.label("calls"), failed_calls.label("failed_calls"), *_sums(UsageHourRow))
    ).one()
    parts = (summed, answered, failed)
    return Spent(
        calls=answered.calls + int(summed.calls or 0),
        prompt_tokens=sum(int(part.prompt_tokens) for part in parts),
        completion_tokens=sum(int(part.completion_tokens) for part in parts),
        cost_usd=added(*(part.cost_usd for part in parts)),
        failed_calls=failed.calls + int(summed.failed_calls or 0),
    )


def _sums(table: type[AnswerRow | FailedCallRow | UsageHourRow]) -> list[Any]:
    return [
        func.coalesce(func.sum(table.prompt_tokens), 0).label("prompt_tokens"),
        func.coalesce(func.sum(table.completion_tokens), 0).label("completion_tokens"),
        func.sum(table.cost_usd).label("cost_usd"),
    ]


def added(*costs: float | None) -> float | None:
    """The sum of those costs that are known; None where none is."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


def _age(at: datetime, then: datetime) -> float:
    return round(max(0.0, (at - then).total_seconds()), 1)
