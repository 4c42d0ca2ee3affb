"""The transitions of a task, each one statement or one short transaction over a given connection.

Every function takes a connection inside `Store.write()`; several calls may share its commit.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, or_, select, tuple_, type_coerce, update
from sqlalchemy.dialects import postgresql

from farm.store import counted, counters, lineages, tags
from farm.store.counted import Amount
from farm.store.engine import now
from farm.store.once import insert_new, insert_once
from farm.store.states import TaskState
from farm.store.tables import (
    AnswerRow,
    CandidateRow,
    FailedCallRow,
    QueryRow,
    TargetRow,
    TaskRow,
    UtcDateTime,
)

TOO_MANY_ATTEMPTS = "attempts"
OVERTAKEN = "overtaken"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAnswer:
    """An answer that was paid for in an earlier attempt."""

    call_no: int
    text: str
    model: str
    finish_reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A task leased to this worker; `token` is the fence that finishing must show.

    `attempt` is the one that this claim makes. `last` says that it is the last one there is, and not begun
    yet: see `begin`. `calls_before` counts the model calls of earlier rounds that ended in a rejection and
    were requeued; `answers` are those of this round, paid for in an earlier attempt.
    """

    id: int
    token: int
    attempt: int
    question: str
    target: str
    target_version: datetime
    model: str | None
    dialect: str | None = None
    batch_id: int | None = None
    calls_before: int = 0
    last: bool = False
    answers: tuple[StoredAnswer, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a task ended, with every row it leaves behind."""

    task_id: int
    token: int
    state: TaskState
    reason_code: str | None = None
    reason: str | None = None
    query: dict[str, Any] | None = None
    candidates: tuple[dict[str, Any], ...] = ()


def claim(
    connection: Connection, task_ids: Collection[int], *, worker: str, lease_seconds: float, max_attempts: int
) -> dict[int, Claimed]:
    """Lease those of `task_ids` that are queued; the others are stale hints, absent from the result.

    A task that has failed before and has one attempt left is leased without counting that attempt: its
    worker begins it (`begin`) once nothing else is in flight there. A worker that ends before then ends for
    another reason, so that no task dies of what another one did.
    """
    last = max(max_attempts - 1, 1)
    rows = _lease(connection, task_ids, TaskRow.attempt < last, 1, worker, lease_seconds)
    found = {row.id: row for row in rows}
    left = set(task_ids) - found.keys()
    waiting = _lease(connection, left, TaskRow.attempt >= last, 0, worker, lease_seconds) if left else []
    again = [row.id for row in (*rows, *waiting) if row.token > 1]
    answers = _stored_answers(connection, again) if again else {}
    return {
        row.id: Claimed(
            **(row._asdict() | {"attempt": row.attempt + is_last}),
            last=is_last,
            answers=tuple(answers.get(row.id, ())),
        )
        for is_last, group in ((False, rows), (True, waiting))
        for row in group
    }


def _lease(
    connection: Connection,
    task_ids: Collection[int],
    which: Any,
    charge: int,
    worker: str,
    lease_seconds: float,
) -> Sequence[Any]:
    return connection.execute(
        update(TaskRow)
        .where(TaskRow.id.in_(task_ids), TaskRow.state == TaskState.QUEUED, which)
        .values(
            state=TaskState.LEASED,
            token=TaskRow.token + 1,
            attempt=TaskRow.attempt + charge,
            worker=worker,
            leased_until=_from_now(connection, lease_seconds),
            claimed_at=func.coalesce(TaskRow.claimed_at, type_coerce(now(), UtcDateTime())),
        )
        .returning(
            TaskRow.id,
            TaskRow.token,
            TaskRow.attempt,
            TaskRow.question,
            TaskRow.target,
            TaskRow.model,
            TaskRow.dialect,
            TaskRow.batch_id,
            TaskRow.calls_before,
            select(TargetRow.updated_at)
            .where(TargetRow.name == TaskRow.target)
            .scalar_subquery()
            .label("target_version"),
        )
    ).all()


def begin(connection: Connection, task: Claimed) -> bool:
    """Count the last attempt of a task that was claimed as such; False: the lease was lost meanwhile."""
    return _set_attempt(connection, task, task.attempt)


def rest(connection: Connection, task: Claimed) -> bool:
    """Count a begun last attempt back while nothing is done about it; False: the lease was lost."""
    return _set_attempt(connection, task, task.attempt - 1)


def _set_attempt(connection: Connection, task: Claimed, attempt: int) -> bool:
    held = (TaskRow.id == task.id, TaskRow.token == task.token, TaskRow.state == TaskState.LEASED)
    return connection.execute(update(TaskRow).where(*held).values(attempt=attempt)).rowcount == 1


def _stored_answers(connection: Connection, task_ids: Collection[int]) -> dict[int, list[StoredAnswer]]:
    found: dict[int, list[StoredAnswer]] = {}
    for row in connection.execute(
        select(AnswerRow.task_id, AnswerRow.call_no, AnswerRow.raw, AnswerRow.model, AnswerRow.finish_reason)
        .join(TaskRow, TaskRow.id == AnswerRow.task_id)
        .where(AnswerRow.task_id.in_(task_ids), AnswerRow.call_no > TaskRow.calls_before)
        .order_by(AnswerRow.task_id, AnswerRow.call_no)
    ):
        found.setdefault(row.task_id, []).append(_stored(row._mapping))
    return found


def renew(
    connection: Connection, task_ids: Collection[int], *, worker: str, lease_seconds: float
) -> set[int]:
    """Prolong the leases that `worker` still holds; returns the ids it lost."""
    kept = connection.scalars(
        update(TaskRow)
        .where(TaskRow.id.in_(task_ids), TaskRow.state == TaskState.LEASED, TaskRow.worker == worker)
        .values(leased_until=_from_now(connection, lease_seconds))
        .returning(TaskRow.id)
    )
    return set(task_ids) - set(kept)


def save_answers(connection: Connection, answers: Sequence[dict[str, Any]]) -> list[StoredAnswer]:
    """Persist raw answers; returns for each the one that is stored, which the work has to go on with.

    It needs no fence: a paid answer is welcome from anyone, the first one of a call stays. What a later one
    cost counts as a failed call.
    """
    new = insert_new(connection, AnswerRow, answers)
    counters.add(connection, counted.answered(new))
    if len(new) == len(answers):
        return [_stored(answer) for answer in answers]
    keys = [(answer["task_id"], answer["call_no"]) for answer in answers]
    rows = connection.execute(
        select(AnswerRow.__table__).where(tuple_(AnswerRow.task_id, AnswerRow.call_no).in_(keys))
    )
    kept = {(row.task_id, row.call_no): row for row in rows}
    later = [
        _overtaken(answer) for answer, key in zip(answers, keys, strict=True) if _differ(answer, kept[key])
    ]
    if later:
        save_failed_calls(connection, later)
    return [_stored(kept[key]._mapping) for key in keys]


def _differ(answer: dict[str, Any], kept: Any) -> bool:
    """Whether these are two answers to one call; one that is stored again keeps its time."""
    return bool(answer["created_at"] != kept.created_at)


def _overtaken(answer: dict[str, Any]) -> dict[str, Any]:
    """The row of `failed_calls` for an answer that another worker's was faster than."""
    message = "another answer to this call was stored first; this one was paid as well"
    same = {name: answer[name] for name in FailedCallRow.__table__.columns.keys() & answer.keys()}
    return same | {"code": OVERTAKEN, "message": message}


def _stored(row: Any) -> StoredAnswer:
    return StoredAnswer(
        call_no=row["call_no"], text=row["raw"], model=row["model"], finish_reason=row["finish_reason"]
    )


def save_failed_calls(connection: Connection, calls: Sequence[dict[str, Any]]) -> None:
    """Count calls that gave no answer and may have been paid. Needs no fence: money is spent by anyone."""
    new = insert_new(connection, FailedCallRow, calls)
    counters.add(connection, counted.failed(new))


def finish(connection: Connection, outcomes: Iterable[Outcome]) -> set[int]:
    """Settle tasks whose token still holds; returns the ids settled. A lost lease leaves no trace."""
    at = now()
    settled = [(outcome, _settle(connection, outcome, at)) for outcome in outcomes]
    kept = [outcome for outcome, task in settled if task is not None]
    queries = [outcome.query for outcome in kept if outcome.query is not None]
    if queries:
        insert_once(connection, QueryRow, queries)
        lineages.save(connection, queries)
        tags.save(connection, [query["task_id"] for query in queries])
    candidates = [candidate for outcome in kept for candidate in outcome.candidates]
    if candidates:
        insert_once(connection, CandidateRow, candidates)
    counters.add(connection, _counted(settled, at))
    return {outcome.task_id for outcome in kept}


def _counted(settled: Iterable[tuple[Outcome, Any]], at: datetime) -> Iterator[Amount]:
    for outcome, task in settled:
        if task is not None:
            yield from counted.ended(1, outcome.state, outcome.reason_code)
            yield from counted.worked(
                outcome.state, created_at=task.created_at, claimed_at=task.claimed_at, ended_at=at
            )
            yield from counted.checked(outcome.candidates)


_SETTLE = (
    update(TaskRow)
    .where(
        TaskRow.id == bindparam("task_id"),
        TaskRow.token == bindparam("fence"),
        TaskRow.state == TaskState.LEASED,
    )
    .values(
        state=bindparam("new_state"),
        reason_code=bindparam("new_code"),
        reason=bindparam("new_reason"),
        finished_at=bindparam("at"),
        leased_until=None,
    )
    .returning(TaskRow.created_at, TaskRow.claimed_at)
)


def _settle(connection: Connection, outcome: Outcome, at: datetime) -> Any:
    """The task's times, if its token still holds; else None."""
    parameters = {
        "task_id": outcome.task_id,
        "fence": outcome.token,
        "new_state": outcome.state,
        "new_code": outcome.reason_code,
        "new_reason": outcome.reason,
        "at": at,
    }
    return connection.execute(_SETTLE, parameters).one_or_none()


def release(
    connection: Connection, task_ids: Collection[int], *, worker: str, uncounted: Collection[int] = ()
) -> int:
    """Give back leased tasks that were not worked to an end; the attempt does not count. Returns how many.

    `uncounted` names those whose last attempt was not begun, so that there is none to count back.
    """
    return connection.execute(
        update(TaskRow)
        .where(TaskRow.id.in_(task_ids), TaskRow.worker == worker, TaskRow.state == TaskState.LEASED)
        .values(
            state=TaskState.QUEUED,
            attempt=case(
                (or_(TaskRow.attempt == 0, TaskRow.id.in_(uncounted)), TaskRow.attempt),
                else_=TaskRow.attempt - 1,
            ),
            worker=None,
            leased_until=None,
        )
    ).rowcount


def free_worker(connection: Connection, worker: str, *, max_attempts: int, reason: str = "") -> int:
    """Free all leases of a worker that has ended, by `reason`; returns how many."""
    why = f"its worker ended: {reason}" if reason else "its worker ended"
    return _expire(connection, TaskRow.worker == worker, max_attempts, why)


def clock(connection: Connection) -> datetime:
    """The time by which leases are counted: the database's own, or this machine's with SQLite."""
    if connection.dialect.name == "postgresql":
        at: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return at
    return now()


def expire(connection: Connection, *, max_attempts: int, before: datetime | None = None) -> int:
    """Free every lease that ran out by now, or by `before` on the database's clock; returns how many."""
    ran_out = TaskRow.leased_until < (_from_now(connection, 0) if before is None else before)
    return _expire(connection, ran_out, max_attempts, "its worker fell silent")


def _expire(connection: Connection, which: Any, max_attempts: int, why: str) -> int:
    spent = TaskRow.attempt >= max_attempts
    reason = f"{max_attempts} attempts ended without an outcome; the last time {why}"
    freed = connection.scalars(
        update(TaskRow)
        .where(TaskRow.state == TaskState.LEASED, which)
        .values(
            state=case((spent, TaskState.DEAD), else_=TaskState.QUEUED),
            reason_code=case((spent, TOO_MANY_ATTEMPTS)),
            reason=case((spent, reason)),
            finished_at=case((spent, type_coerce(now(), UtcDateTime()))),
            worker=None,
            leased_until=None,
        )
        .returning(TaskRow.state)
    ).all()
    dead = freed.count(TaskState.DEAD)
    counters.add(connection, counted.ended(dead, TaskState.DEAD, TOO_MANY_ATTEMPTS))
    return len(freed)


def waiting(
    connection: Connection, queue: str, limit: int, *, urgent_only: bool = False
) -> list[tuple[int, int, str]]:
    """The next queued tasks of a queue as (id, priority, target), most urgent first.

    Urgent are those above priority 0.
    """
    which = [TaskRow.rank < 0] if urgent_only else []
    rows = connection.execute(
        select(TaskRow.id, TaskRow.priority, TaskRow.target)
        .where(TaskRow.queue == queue, TaskRow.state == TaskState.QUEUED, *which)
        .order_by(TaskRow.rank, TaskRow.id)
        .limit(limit)
    )
    return [(row.id, row.priority, row.target) for row in rows]


def any_open(connection: Connection, queues: Collection[str]) -> bool:
    """Whether any task of these queues is queued or leased."""
    some = select(TaskRow.id).where(
        TaskRow.queue.in_(queues), TaskRow.state.in_((TaskState.QUEUED, TaskState.LEASED))
    )
    return connection.execute(some.limit(1)).first() is not None


def _from_now(connection: Connection, seconds: float) -> Any:
    """A time on the database's own clock, so that hosts with wrong clocks agree on leases."""
    if connection.dialect.name == "postgresql":
        return func.clock_timestamp() + type_coerce(timedelta(seconds=seconds), postgresql.INTERVAL())
    at: datetime = now() + timedelta(seconds=seconds)
    return type_coerce(at, UtcDateTime())


__all__ = [
    "Claimed",
    "Outcome",
    "StoredAnswer",
    "any_open",
    "begin",
    "claim",
    "expire",
    "finish",
    "free_worker",
    "release",
    "renew",
    "rest",
    "save_answers",
    "save_failed_calls",
    "waiting",
]
