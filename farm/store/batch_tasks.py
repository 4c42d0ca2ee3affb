"""The tasks of a batch in order, by keyset; bounded like `farm.store.batches`."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Select, literal, select, tuple_

from farm.store import results
from farm.store.batches import span
from farm.store.results import TaskResult
from farm.store.states import TaskState
from farm.store.tables import BatchItemRow, TaskRow

MOST_SCANNED = 20_000
"""A batch that is no larger is looked through for tasks in a state."""
MOST_POSITION = 2**31 - 1
"""Beyond it Postgres would not compare a position."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchTasks:
    """A page of a batch's tasks; `after` gives the next page, None where there is none.

    `own_only`: only tasks that the batch added itself were looked at, as it is too large for more.
    """

    tasks: tuple[TaskResult, ...]
    after: int | None
    own_only: bool = False


def page(
    connection: Connection,
    batch_id: int,
    *,
    total: int,
    states: Collection[TaskState] = (),
    after: int | None = None,
    limit: int = 50,
) -> BatchTasks:
    """Tasks in these states (none named: in any), behind `after`, in the order asked.

    `total` is the batch's number of tasks. Where it is large and states are named, tasks come by their ids,
    which is the same order, but leaves out those that an earlier batch added.
    """
    by_id = bool(states) and total > MOST_SCANNED
    found = (_own if by_id else _by_position)(connection, batch_id, states, after, limit + 1)
    shown = found[:limit]
    by_task = {each.task_id: each for each in results.by_id(connection, {task_id for _, task_id in shown})}
    return BatchTasks(
        tasks=tuple(by_task[task_id] for _, task_id in shown),
        after=shown[-1][0] if len(found) > limit else None,
        own_only=by_id,
    )


def _by_position(
    connection: Connection, batch_id: int, states: Collection[TaskState], after: int | None, limit: int
) -> list[tuple[int, int]]:
    query = (
        select(BatchItemRow.position, BatchItemRow.task_id)
        .where(BatchItemRow.batch_id == batch_id)
        .order_by(BatchItemRow.position)
        .limit(limit)
    )
    if after is not None:
        query = query.where(BatchItemRow.position > min(after, MOST_POSITION))
    if states:
        query = query.join(TaskRow, TaskRow.id == BatchItemRow.task_id).where(TaskRow.state.in_(states))
    return [(row.position, row.task_id) for row in connection.execute(query)]


def _own(
    connection: Connection, batch_id: int, states: Collection[TaskState], after: int | None, limit: int
) -> list[tuple[int, int]]:
    """By task id: state by state, each as an index has them, between the batch's first and last."""
    ends = span(connection, batch_id)
    if ends is None:
        return []
    first, last = ends
    low = max(first - 1, -1 if after is None else after)
    found: list[int] = []
    for state in states:
        query = select(TaskRow.id).where(TaskRow.batch_id == batch_id)
        found += connection.scalars(_between(connection, query, state, low, last).limit(limit))
    return [(task_id, task_id) for task_id in sorted(found)[:limit]]


def _between(
    connection: Connection, query: Select[int], state: TaskState, low: int, last: int
) -> Select[int]:
    """Tasks in a state with ids above `low`, in order, asked for as each database sees an index for it.

    Postgres would take the ids first and look through all states; SQLite reads no more than the first column
    of a pair.
    """
    if connection.dialect.name == "sqlite":
        here = query.where(TaskRow.state == state, TaskRow.id > low, TaskRow.id <= last)
        return here.order_by(TaskRow.id)
    place = tuple_(TaskRow.state, TaskRow.id)
    here = query.where(place > tuple_(literal(state), low), place <= tuple_(literal(state), last))
    return here.order_by(TaskRow.state, TaskRow.id)
