"""The read side for producers: how each task of a batch stands, in order, with what it cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from farm.store.alike import FIRST_ALIKE
from farm.store.states import SETTLED, TaskState
from farm.store.status import added
from farm.store.tables import AnswerRow, BatchItemRow, FailedCallRow, QueryRow, TaskRow


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskResult:
    """A task as it stands. `sql` and `query_id` are set once it is accepted, `reason` once it was refused.

    `same_as` is the first query that differs from this one in spelling alone, None for that one itself.
    `dialect` is what the task asks for, None: its target's own.
    `calls` gave an answer; `failed_calls` gave none but may have been paid. Tokens and cost are of both.
    """

    task_id: int
    key: str
    question: str
    target: str
    state: TaskState
    attempt: int
    reason_code: str | None
    reason: str | None
    query_id: int | None
    sql: str | None
    model: str | None
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    created_at: datetime
    finished_at: datetime | None
    failed_calls: int = 0
    same_as: int | None = None
    dialect: str | None = None

    @property
    def settled(self) -> bool:
        """Whether the task has come to its end."""
        return self.state in SETTLED


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a batch has come, and what it has cost."""

    total: int
    queued: int = 0
    leased: int = 0
    accepted: int = 0
    rejected: int = 0
    dead: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None

    @property
    def done(self) -> int:
        """Tasks that have come to their end."""
        return self.accepted + self.rejected + self.dead

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens of all calls."""
        return self.prompt_tokens + self.completion_tokens


def by_position(connection: Connection, batch_id: int, positions: range) -> list[TaskResult]:
    """The tasks of a batch at these positions, in order."""
    return _fetch(
        connection,
        _results()
        .join(BatchItemRow, BatchItemRow.task_id == TaskRow.id)
        .where(
            BatchItemRow.batch_id == batch_id,
            BatchItemRow.position.between(positions.start, positions.stop - 1),
        )
        .order_by(BatchItemRow.position),
    )


def by_id(connection: Connection, task_ids: Iterable[int]) -> list[TaskResult]:
    """The tasks with these ids, in the order of their ids."""
    return _fetch(connection, _results().where(TaskRow.id.in_(list(task_ids))).order_by(TaskRow.id))


def find(
    connection: Connection,
    *,
    states: Iterable[TaskState],
    batch_id: int | None = None,
    target: str | None = None,
    limit: int,
) -> list[TaskResult]:
    """The tasks in these states, newest first, at most `limit` of them."""
    query = _results().where(TaskRow.state.in_(list(states)))
    if batch_id is not None:
        in_batch = select(BatchItemRow.task_id).where(BatchItemRow.batch_id == batch_id)
        query = query.where(TaskRow.id.in_(in_batch))
    if target is not None:
        query = query.where(TaskRow.target == target)
    return _fetch(connection, query.order_by(TaskRow.id.desc()).limit(limit))


def progress(connection: Connection, batch_id: int) -> Progress:
    """How far a batch has come."""
    in_batch = select(BatchItemRow.task_id).where(BatchItemRow.batch_id == batch_id)
    states = connection.execute(
        select(TaskRow.state, func.count().label("tasks"))
        .join(BatchItemRow, BatchItemRow.task_id == TaskRow.id)
        .where(BatchItemRow.batch_id == batch_id)
        .group_by(TaskRow.state)
    )
    counts: dict[str, int] = {row.state: row.tasks for row in states}
    spent = [
        connection.execute(_spent(table).where(table.task_id.in_(in_batch))).one()
        for table in (AnswerRow, FailedCallRow)
    ]
    return Progress(
        total=sum(counts.values()),
        prompt_tokens=sum(row.prompt_tokens for row in spent),
        completion_tokens=sum(row.completion_tokens for row in spent),
        cost_usd=added(*(row.cost_usd for row in spent)),
        **counts,
    )


def _spent(table: type[AnswerRow | FailedCallRow]) -> Select[*tuple[Any, ...]]:
    return select(
        func.count().label("calls"),
        func.coalesce(func.sum(table.prompt_tokens), 0).label("prompt_tokens"),
        func.coalesce(func.sum(table.completion_tokens), 0).label("completion_tokens"),
        func.sum(table.cost_usd).label("cost_usd"),
    )


def _results() -> Select[*tuple[Any, ...]]:
    return (
        select(
            TaskRow.id.label("task_id"),
            TaskRow.key,
            TaskRow.question,
            TaskRow.target,
            TaskRow.state,
            TaskRow.dialect,
            TaskRow.attempt,
            TaskRow.reason_code,
            TaskRow.reason,
            TaskRow.created_at,
            TaskRow.finished_at,
            QueryRow.id.label("query_id"),
            QueryRow.sql,
            QueryRow.model,
            FIRST_ALIKE.label("same_as"),
        )
        .select_from(TaskRow)
        .outerjoin(QueryRow, QueryRow.task_id == TaskRow.id)
    )


def _fetch(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[TaskResult]:
    found = connection.execute(query).all()
    ids = {row.task_id for row in found}
    answered, failed = (_costs(connection, table, ids) for table in (AnswerRow, FailedCallRow))
    return [_result(row._mapping, answered.get(row.task_id), failed.get(row.task_id)) for row in found]


def _costs(connection: Connection, table: type[AnswerRow | FailedCallRow], ids: set[int]) -> dict[int, Any]:
    of_tasks = _spent(table).add_columns(table.task_id).where(table.task_id.in_(ids)).group_by(table.task_id)
    return {row.task_id: row for row in connection.execute(of_tasks)}


def _result(task: Any, answered: Any | None, failed: Any | None) -> TaskResult:
    spent = [row for row in (answered, failed) if row is not None]
    return TaskResult(
        **{**task, "state": TaskState(task["state"])},
        calls=answered.calls if answered else 0,
        prompt_tokens=sum(row.prompt_tokens for row in spent),
        completion_tokens=sum(row.completion_tokens for row in spent),
        cost_usd=added(*(row.cost_usd for row in spent)),
        failed_calls=failed.calls if failed else 0,
    )
