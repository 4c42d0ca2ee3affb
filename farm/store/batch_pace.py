"""What a batch has cost so far, and how fast it goes: bounded like `farm.store.batches`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from farm.store.batches import ONE, Standing, sample_positions, seconds_since, span
from farm.store.engine import now
from farm.store.status import added
from farm.store.tables import AnswerRow, BatchItemRow, BatchRow, FailedCallRow, TaskRow

RECENT = timedelta(seconds=60)
RECENT_TASKS = 2_000
MOST_SUMMED = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSpend:
    """Tokens and cost of all calls for a batch; `cost_usd` None: no price is set."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    estimated: bool = False

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens."""
        return self.prompt_tokens + self.completion_tokens


def spend(connection: Connection, batch_id: int, standing: Standing) -> BatchSpend:
    """What a batch has used; a large one by a sample of it, unless its tasks stand side by side."""
    total, exact = standing.total, True
    ends = span(connection, batch_id) if standing.all_own and total <= MOST_SUMMED else None
    if ends is not None and ends[1] - ends[0] + 1 == total:
        sums = _sums(connection, lambda table: table.task_id.between(*ends))
    else:
        which = select(BatchItemRow.task_id).where(BatchItemRow.batch_id == batch_id)
        exact = total <= ONE.exact
        if not exact:
            which = which.where(BatchItemRow.position.in_(sample_positions(total, ONE.sample)))
        sums = _sums(connection, lambda table: table.task_id.in_(which))
    weight = 1.0 if exact else total / ONE.sample
    return BatchSpend(
        prompt_tokens=round(weight * sums.prompt_tokens),
        completion_tokens=round(weight * sums.completion_tokens),
        cost_usd=None if sums.cost_usd is None else weight * sums.cost_usd,
        estimated=not exact,
    )


Table = type[AnswerRow] | type[FailedCallRow]


def _sums(connection: Connection, which: Callable[[Table], ColumnElement[bool]]) -> BatchSpend:
    rows = [
        connection.execute(_spent(table).where(which(table))).one() for table in (AnswerRow, FailedCallRow)
    ]
    return BatchSpend(
        prompt_tokens=sum(row.prompt_tokens for row in rows),
        completion_tokens=sum(row.completion_tokens for row in rows),
        cost_usd=added(*(row.cost_usd for row in rows)),
    )


def _spent(table: Table) -> Select[*tuple[Any, ...]]:
    return select(
        func.coalesce(func.sum(table.prompt_tokens), 0).label("prompt_tokens"),
        func.coalesce(func.sum(table.completion_tokens), 0).label("completion_tokens"),
        func.sum(table.cost_usd).label("cost_usd"),
    )


def tasks_per_second(connection: Connection, batch_id: int) -> float:
    """How many of the batch's own tasks came to their end lately: within a minute, or since it was made.

    Where many end, the last RECENT_TASKS of all batches are looked at, and the time they took.
    """
    ended = (
        select(TaskRow.batch_id, TaskRow.finished_at)
        .where(TaskRow.finished_at > now() - RECENT)
        .order_by(TaskRow.finished_at.desc())
        .limit(RECENT_TASKS)
        .subquery()
    )
    found = connection.execute(
        select(
            func.count().label("all"),
            func.count().filter(ended.c.batch_id == batch_id).label("own"),
            func.min(ended.c.finished_at, type_=TaskRow.finished_at.type).label("first"),
        )
    ).one()
    if not found.own:
        return 0.0
    made_at = connection.execute(select(BatchRow.created_at).where(BatchRow.id == batch_id)).scalar_one()
    span_seconds = min(RECENT.total_seconds(), seconds_since(made_at))
    if found.all == RECENT_TASKS:
        span_seconds = min(span_seconds, seconds_since(found.first))
    return float(found.own / max(span_seconds, 0.5))
