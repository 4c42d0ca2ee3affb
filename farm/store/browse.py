"""Tasks for people to leaf through: filtered, the newest first, page by page, in bounded time.

What an index finds is found at once. Everything else is looked through in steps from the newest task down,
for less than a tenth of a second and so many tasks at most; a page that was cut short says where to go on.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, union_all

from farm.store.states import TaskState
from farm.store.tables import BatchItemRow, QueryRow, TaskRow
from farm.store.task_selection import Selection

PAGE = 50
MOST_LOOKED_AT = 20_000
PATIENCE_SECONDS = 0.08
FIRST_STEP = 1_000
LONGEST_STEP = 2_000
COUNT_CAP = 10_000
MOST_CODES = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskLine:
    """A task as lists show it."""

    id: int
    state: TaskState
    target: str
    queue: str
    model: str | None
    question: str
    attempt: int
    reason_code: str | None
    reason: str | None
    created_at: datetime
    finished_at: datetime | None
    query_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskPage:
    """A page of tasks. `after` is where the next page goes on, None: there is none.

    `cut_short`: so many tasks (`looked_at`) were looked at for it that the rest was left for the next page.
    """

    tasks: tuple[TaskLine, ...]
    after: int | None
    cut_short: bool = False
    looked_at: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many tasks match; at least so many where it is not `exact`."""

    tasks: int
    exact: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step:
    """Some matching ids, in falling order, and the last id that was looked at; None: there are no more."""

    ids: tuple[int, ...]
    last: int | None
    looked_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How many tasks are looked at, and for how long, before a search is cut short."""

    tasks: int = MOST_LOOKED_AT
    seconds: float = PATIENCE_SECONDS


def page(
    connection: Connection,
    selection: Selection,
    *,
    after: int | None = None,
    limit: int = PAGE,
    patience: Patience = Patience(),
) -> TaskPage:
    """The tasks of a selection below the id `after`, the newest first."""
    found: list[int] = []
    last: int | None = None
    looked_at = 0
    for step in _steps(connection, selection, after, limit + 1, patience):
        found += step.ids
        last, looked_at = step.last, looked_at + step.looked_at
        if len(found) > limit:
            break
    more = len(found) > limit
    shown = found[:limit]
    return TaskPage(
        tasks=tuple(_lines(connection, shown)),
        after=shown[-1] if more else last,
        cut_short=not more and last is not None,
        looked_at=looked_at,
    )


def count(
    connection: Connection, selection: Selection, *, cap: int = COUNT_CAP, seconds: float = PATIENCE_SECONDS
) -> Count:
    """How many tasks match, counted up to `cap`; what no index finds is looked for among `cap` tasks."""
    if not _rest(selection):
        query = _driven(selection, None, cap + 1)
        found = connection.execute(select(func.count()).select_from(query)).scalar_one()
        return Count(tasks=min(found, cap), exact=found <= cap)
    total, last = 0, None
    patience = Patience(tasks=max(cap, MOST_LOOKED_AT), seconds=seconds)
    for step in _steps(connection, selection, None, cap + 1, patience):
        total, last = total + len(step.ids), step.last
        if total > cap:
            return Count(tasks=cap, exact=False)
    return Count(tasks=total, exact=last is None)


def ids(
    connection: Connection, selection: Selection, *, after: int | None, limit: int
) -> tuple[list[int], int | None]:
    """Some matching ids below `after`, and where to go on (None: that was all); looks at `limit` tasks."""
    step = _step(connection, selection, _rest(selection), after, limit, limit)
    return list(step.ids), step.last


def reason_codes(connection: Connection) -> list[str]:
    """Every reason that some task has, by leaping from one to the next in their index."""
    leap = select(func.min(TaskRow.reason_code).label("code")).where(TaskRow.reason_code.is_not(None))
    codes = leap.cte("codes", recursive=True)
    further = (
        select(func.min(TaskRow.reason_code)).where(TaskRow.reason_code > codes.c.code).scalar_subquery()
    )
    codes = codes.union_all(select(further).where(codes.c.code.is_not(None)))
    found = connection.scalars(select(codes.c.code).where(codes.c.code.is_not(None)).limit(MOST_CODES))
    return sorted(found)


def _rest(selection: Selection) -> set[str]:
    """The fields that its index leaves to be looked at."""
    return set(selection.by_name()) - {selection.driver()}


def _steps(
    connection: Connection, selection: Selection, after: int | None, wanted: int, patience: Patience
) -> Iterator[_Step]:
    """Look at more and more tasks, while the patience lasts."""
    rest = _rest(selection)
    left, give_up_at = patience.tasks, time.monotonic() + patience.seconds
    size = min(FIRST_STEP, left) if rest else wanted
    while True:
        step = _step(connection, selection, rest, after, size, wanted)
        yield step
        after, left = step.last, left - size
        if after is None or left <= 0 or time.monotonic() > give_up_at:
            return
        size = min(2 * size, left, LONGEST_STEP)


def _step(
    connection: Connection, selection: Selection, rest: set[str], after: int | None, size: int, wanted: int
) -> _Step:
    driven = _driven(selection, after, size)
    seen, last = connection.execute(select(func.count(), func.min(driven.c.id))).one()
    if rest:
        # By the bounds of the step, not by its ids: a prepared plan does not know how few those are.
        within = [TaskRow.id >= (last or 0), *([] if after is None else [TaskRow.id < after])]
        query = select(TaskRow.id).where(*within, *selection.conditions())
        chosen = query.order_by(TaskRow.id.desc()).limit(wanted)
    else:
        chosen = select(driven.c.id).order_by(driven.c.id.desc())
    found = tuple(connection.scalars(chosen))
    return _Step(ids=found, last=last if seen == size else None, looked_at=seen)


def _driven(selection: Selection, after: int | None, size: int) -> Any:
    """The first ids below `after` that the selection's best index finds, as a subquery."""
    driver = selection.driver()
    if driver == "batch_id":
        in_batch = BatchItemRow.batch_id == selection.batch_id
        return _first(BatchItemRow.task_id, [in_batch], after, size).subquery()
    if driver == "states":
        # Each state has its own stretch of the index, in the order of the ids.
        states = selection.states or ("none",)
        each = [_first(TaskRow.id, [TaskRow.state == state], after, size) for state in states]
        every = union_all(*(select(one.subquery().c.id) for one in each)).subquery()
        return select(every.c.id).order_by(every.c.id.desc()).limit(size).subquery()
    return _first(TaskRow.id, selection.by_name()[driver] if driver else [], after, size).subquery()


def _first(column: Any, conditions: list[Any], after: int | None, size: int) -> Select[Any]:
    query = select(column.label("id")).where(*conditions)
    if after is not None:
        query = query.where(column < after)
    return query.order_by(column.desc()).limit(size)


def _lines(connection: Connection, task_ids: list[int]) -> Iterator[TaskLine]:
    names = [name for name in TaskLine.__slots__ if name != "query_id"]
    columns = [getattr(TaskRow, name) for name in names]
    rows = connection.execute(
        select(*columns, QueryRow.id.label("query_id"))
        .outerjoin(QueryRow, QueryRow.task_id == TaskRow.id)
        .where(TaskRow.id.in_(task_ids))
        .order_by(TaskRow.id.desc())
    )
    for row in rows:
        yield TaskLine(**{**row._mapping, "state": TaskState(row.state)})
