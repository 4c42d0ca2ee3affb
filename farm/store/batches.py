"""The read side of batches for pages: bounded, so that a batch of a million tasks is shown like one of ten.

The tasks that a batch added itself are counted through an index, as far as they are few in a state. Others
may stand in it that earlier batches added: a batch of no more than `Limits.exact` tasks is counted by joining
them. Of a larger one, what is many is divided as seen at evenly spaced positions, and said to be estimated.
"""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, literal, select, union_all

from farm.store.engine import now
from farm.store.states import SETTLED, TaskState
from farm.store.tables import BatchItemRow, BatchRow, TaskRow

SEARCHED = 50_000
OPEN = (TaskState.QUEUED, TaskState.LEASED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many tasks of a batch are joined, how many of a state are counted, how many looked at otherwise."""

    exact: int
    few: int
    sample: int


ONE = Limits(exact=2_000, few=20_000, sample=500)
"""For a page of its own; milliseconds."""
LIST = Limits(exact=1_000, few=1_000, sample=100)
"""For each of a list's."""
CONFIRM = Limits(exact=20_000, few=50_000, sample=1_000)
"""For a question that names the number; some tens of milliseconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchLine:
    """A batch as lists show it."""

    id: int
    name: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How many tasks of a batch stand in each state. `total` is exact; `estimated` names what is not.

    `all_own`: the batch added every task itself, and asked each once.
    """

    total: int
    counts: Mapping[TaskState, int] = field(default_factory=dict)
    estimated: frozenset[TaskState] = frozenset()
    all_own: bool = False

    @property
    def done(self) -> int:
        """Tasks that have come to their end."""
        return sum(self.counts.get(state, 0) for state in SETTLED)

    @property
    def open(self) -> int:
        """Tasks that wait or are in work."""
        return sum(self.counts.get(state, 0) for state in OPEN)

    @property
    def refused(self) -> int:
        """Tasks that ended without a query."""
        return self.counts.get(TaskState.REJECTED, 0) + self.counts.get(TaskState.DEAD, 0)


def get(connection: Connection, batch_id: int) -> BatchLine | None:
    """The batch with this id."""
    row = connection.execute(_LINES.where(BatchRow.id == batch_id)).one_or_none()
    return None if row is None else BatchLine(**row._mapping)


def named(connection: Connection, name: str) -> BatchLine | None:
    """The newest batch with exactly this name."""
    query = _LINES.where(BatchRow.name == name).order_by(BatchRow.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else BatchLine(**row._mapping)


def find(
    connection: Connection, *, before: int | None = None, search: str = "", limit: int
) -> list[BatchLine]:
    """Batches, newest first, of those before the id `before`.

    `search` is a part of their names, and looked for in no more than SEARCHED of them.
    """
    query = _LINES.order_by(BatchRow.id.desc())
    if before is not None:
        query = query.where(BatchRow.id < before)
    if search:
        found = query.limit(SEARCHED).subquery()
        named = func.lower(found.c.name).contains(search.lower(), autoescape=True)
        query = select(*found.c).where(named).order_by(found.c.id.desc())
    return [BatchLine(**row._mapping) for row in connection.execute(query.limit(limit))]


_LINES = select(BatchRow.id, BatchRow.name, BatchRow.created_at)


def standing(connection: Connection, batch_id: int, limits: Limits = ONE) -> Standing:
    """How one batch stands; an unknown one has a total of 0."""
    return standings(connection, [batch_id], limits)[batch_id]


def standings(connection: Connection, batch_ids: Iterable[int], limits: Limits = LIST) -> dict[int, Standing]:
    """How several batches stand, in no more than four statements."""
    totals = _totals(connection, list(batch_ids))
    own = _own(connection, [batch_id for batch_id, total in totals.items() if total], limits.few)
    shared = {
        batch_id: totals[batch_id]
        for batch_id, counts in own.items()
        if sum(counts.values()) != totals[batch_id] or max(counts.values()) > limits.few
    }
    small = [batch_id for batch_id, total in shared.items() if total <= limits.exact]
    large = {batch_id: total for batch_id, total in shared.items() if total > limits.exact}
    counted = _counted(connection, small) if small else {}
    seen = _seen(connection, large, limits.sample) if large else {}

    def one(batch_id: int, total: int) -> Standing:
        if batch_id in large:
            return estimate(total, own[batch_id], seen.get(batch_id, {}), few=limits.few)
        if batch_id in shared:
            return Standing(total=total, counts=counted.get(batch_id, {}))
        counts = {state: count for state, count in own.get(batch_id, {}).items() if count}
        return Standing(total=total, counts=counts, all_own=total > 0)

    return {batch_id: one(batch_id, total) for batch_id, total in totals.items()}


Seen = Mapping[tuple[TaskState, bool], int]
"""Of a sample of a batch: how many tasks by their state, and by whether the batch added them itself."""


def estimate(total: int, own: Mapping[TaskState, int], seen: Seen, *, few: int) -> Standing:
    """Divide `total` tasks among their states.

    `own` are the tasks that the batch added itself, counted up to few + 1. What is left beside those that are
    few, others that are many and all that earlier batches added, is divided as it was `seen`.
    """
    exact = {state: count for state, count in own.items() if count <= few}
    left = total - sum(exact.values())
    if left <= 0:
        return Standing(total=total, counts=exact)
    weights = _weights(seen, exact) or _weights(seen, ())
    if not weights:
        weights[next((state for state in own if state not in exact), TaskState.ACCEPTED)] = 1
    shares = {state: left * weight // weights.total() for state, weight in weights.items()}
    shares[weights.most_common(1)[0][0]] += left - sum(shares.values())
    return Standing(
        total=total,
        counts={state: exact.get(state, 0) + shares.get(state, 0) for state in {**exact, **shares}},
        estimated=frozenset(shares),
    )


def _weights(seen: Seen, but: Container[TaskState]) -> Counter[TaskState]:
    """How often each state was seen, but for what is counted otherwise: own tasks in these states."""
    weights = Counter[TaskState]()
    for (state, is_own), count in seen.items():
        if not is_own or state not in but:
            weights[state] += count
    return weights


def _totals(connection: Connection, batch_ids: Sequence[int]) -> dict[int, int]:
    """Positions count from 0 without gaps, so that the last one tells how many there are."""
    last = select(func.max(BatchItemRow.position)).where(BatchItemRow.batch_id == BatchRow.id)
    rows = connection.execute(
        select(BatchRow.id, last.correlate(BatchRow).scalar_subquery().label("last")).where(
            BatchRow.id.in_(batch_ids)
        )
    )
    found = {row.id: 0 if row.last is None else row.last + 1 for row in rows}
    return {batch_id: found.get(batch_id, 0) for batch_id in batch_ids}


def _counted(connection: Connection, batch_ids: Sequence[int]) -> dict[int, dict[TaskState, int]]:
    rows = connection.execute(
        select(BatchItemRow.batch_id, TaskRow.state, func.count().label("tasks"))
        .join(TaskRow, TaskRow.id == BatchItemRow.task_id)
        .where(BatchItemRow.batch_id.in_(batch_ids))
        .group_by(BatchItemRow.batch_id, TaskRow.state)
    )
    found: dict[int, dict[TaskState, int]] = {}
    for row in rows:
        found.setdefault(row.batch_id, {})[TaskState(row.state)] = row.tasks
    return found


def _own(connection: Connection, batch_ids: Sequence[int], few: int) -> dict[int, dict[TaskState, int]]:
    """The tasks that each batch added itself, by state, counted up to few + 1 through an index.

    Postgres would take a full scan for the quickest way to some of many rows; the order that only the index
    gives, of what it does not know to be one value, talks it out of that.
    """
    if not batch_ids:
        return {}
    counts = [
        select(func.count())
        .select_from(
            select(literal(1).label("one"))
            .where(TaskRow.batch_id == BatchRow.id, TaskRow.state.between(state, state))
            .order_by(TaskRow.state)
            .limit(few + 1)
            .correlate(BatchRow)
            .subquery()
        )
        .correlate(BatchRow)
        .scalar_subquery()
        .label(state.value)
        for state in TaskState
    ]
    rows = connection.execute(select(BatchRow.id, *counts).where(BatchRow.id.in_(batch_ids)))
    return {row.id: {state: row._mapping[state.value] for state in TaskState} for row in rows}


def _seen(connection: Connection, totals: Mapping[int, int], size: int) -> dict[int, Seen]:
    samples = [
        select(BatchItemRow.batch_id, TaskRow.state, (TaskRow.batch_id == batch_id).label("is_own"))
        .join(TaskRow, TaskRow.id == BatchItemRow.task_id)
        .where(BatchItemRow.batch_id == batch_id, BatchItemRow.position.in_(sample_positions(total, size)))
        for batch_id, total in totals.items()
    ]
    found: dict[int, Counter[tuple[TaskState, bool]]] = {}
    for row in connection.execute(union_all(*samples)):
        found.setdefault(row.batch_id, Counter())[TaskState(row.state), bool(row.is_own)] += 1
    return dict(found)


def span(connection: Connection, batch_id: int) -> tuple[int, int] | None:
    """The lowest and the highest id of a batch's tasks; None for an empty one."""
    ends = (  # one by one: SQLite takes both together for a reason to read all
        select(end(BatchItemRow.task_id)).where(BatchItemRow.batch_id == batch_id).scalar_subquery()
        for end in (func.min, func.max)
    )
    first, last = connection.execute(select(*ends)).one()
    return None if first is None else (first, last)


def sample_positions(total: int, size: int) -> list[int]:
    """Evenly spaced positions of a batch."""
    return [place * total // size for place in range(size)] if total > size else list(range(total))


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why tasks ended without a query, and how many of them."""

    code: str
    tasks: int


def reasons(connection: Connection, batch_id: int, limit: int = 2_000) -> list[Reason]:
    """Why tasks ended without a query, most frequent first; of rejected and dead ones, `limit` are read."""
    parts = [
        select(TaskRow.reason_code)
        .where(TaskRow.batch_id == batch_id, TaskRow.state.between(state, state))
        .order_by(TaskRow.state)  # see _own
        .limit(limit)
        .subquery()
        for state in (TaskState.REJECTED, TaskState.DEAD)
    ]
    refused = union_all(*(select(part.c.reason_code) for part in parts)).subquery()
    rows = connection.execute(
        select(refused.c.reason_code, func.count().label("tasks"))
        .group_by(refused.c.reason_code)
        .order_by(func.count().desc(), refused.c.reason_code)
    )
    return [Reason(code=row.reason_code or "unknown", tasks=row.tasks) for row in rows]


def seconds_since(moment: datetime) -> float:
    """How long ago that was; never negative, whatever clocks say."""
    return max(0.0, (now() - moment).total_seconds())
