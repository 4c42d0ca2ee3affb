"""Summing up what has happened, step by step, so that no page reads a million rows.

Answers and failed calls become `usage_hours`, ended tasks `outcome_minutes` and `outcome_hours`. Each source
is read by an index on its time, from where the last step ended (`rollups.until`) up to a moment ago; a step
reads a bounded number of rows without any lock, and adds its sums in a short transaction that only one
process can win.

Rows that are stored later than that moment after the time they bear (an outage of the store) are missed at
first. Once a day is over its hours are counted anew (`settle`), which makes them exact for good.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, delete, func, null, select, text, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite

from farm.store.engine import Store, now
from farm.store.tables import (
    AnswerRow,
    FailedCallRow,
    OutcomeHourRow,
    OutcomeMinuteRow,
    RollupRow,
    TaskRow,
    UsageHourRow,
    UtcDateTime,
)

LAG = timedelta(seconds=10)
ROWS_PER_STEP = 20_000
MINUTES_KEPT = timedelta(days=1)
SETTLED_AFTER = timedelta(hours=1)
DAY = timedelta(days=1)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
SETTLED = "settled days"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Rows that are summed up: their time, how they are grouped, and what is added up.

    `of_late`: from how long ago on, at first; None: from the beginning.
    """

    name: str
    at: Any
    into: type[UsageHourRow | OutcomeMinuteRow | OutcomeHourRow]
    bucket: str
    by: dict[str, Any]
    sums: dict[str, Any]
    of_late: timedelta | None = None


def _usage(table: type[AnswerRow | FailedCallRow]) -> dict[str, Any]:
    count, none = func.count(), type_coerce(0, UsageHourRow.calls.type)
    return {
        "calls": count if table is AnswerRow else none,
        "failed_calls": none if table is AnswerRow else count,
        "prompt_tokens": func.coalesce(func.sum(table.prompt_tokens), 0),
        "completion_tokens": func.coalesce(func.sum(table.completion_tokens), 0),
        "cost_usd": func.sum(table.cost_usd),
    }


ANSWERS = Source(
    name="answers",
    at=AnswerRow.created_at,
    into=UsageHourRow,
    bucket="hour",
    by={"model": AnswerRow.model},
    sums=_usage(AnswerRow),
)
FAILED_CALLS = Source(
    name="failed_calls",
    at=FailedCallRow.created_at,
    into=UsageHourRow,
    bucket="hour",
    by={"model": FailedCallRow.model},
    sums=_usage(FailedCallRow),
)
_BY_REASON: dict[str, Any] = {
    "state": TaskRow.state,
    "reason_code": func.coalesce(TaskRow.reason_code, ""),
}
MINUTES = Source(
    name="outcome_minutes",
    at=TaskRow.finished_at,
    into=OutcomeMinuteRow,
    bucket="minute",
    by=_BY_REASON,
    sums={"tasks": func.count()},
    of_late=timedelta(hours=2),
)
HOURS = Source(
    name="outcome_hours",
    at=TaskRow.finished_at,
    into=OutcomeHourRow,
    bucket="hour",
    by=_BY_REASON,
    sums={"tasks": func.count()},
    of_late=timedelta(days=30),
)
USAGE = (ANSWERS, FAILED_CALLS)
SOURCES = (MINUTES, HOURS, *USAGE)


def advance(store: Store, *, rows_per_step: int = ROWS_PER_STEP) -> bool:
    """Take one bounded step for each kind of rows; True while there is more to sum up."""
    more = [_step(store, source, now() - LAG, rows_per_step) for source in SOURCES]
    return any(more) or _settle_next(store)


def until(connection: Connection) -> dict[str, datetime]:
    """Up to what time each kind of rows has been summed up; absent where nothing has been."""
    rows = connection.execute(select(RollupRow.name, RollupRow.until))
    return {row.name: row.until for row in rows}


def _step(store: Store, source: Source, latest: datetime, rows: int) -> bool:
    with store.read() as connection:
        done = until(connection).get(source.name)
        begin = done or (BEGINNING if source.of_late is None else now() - source.of_late)
        later = select(source.at).where(source.at > begin, source.at <= latest)
        full = connection.scalar(later.order_by(source.at).offset(rows - 1).limit(1))
        end = full or connection.scalar(later.order_by(source.at.desc()).limit(1))
        if end is None:
            return False
        sums = list(_sums(connection, source, source.at > begin, source.at <= end))
    with store.write() as connection:
        if _won(connection, source.name, done, end):
            _add(connection, source, sums)
    return full is not None


def _sums(connection: Connection, source: Source, *which: Any) -> Iterator[dict[str, Any]]:
    bucket = _floor(connection, source.at, source.bucket).label(source.bucket)
    labelled = [column.label(name) for name, column in (source.by | source.sums).items()]
    groups = [text(str(place + 1)) for place in range(1 + len(source.by))]
    for row in connection.execute(select(bucket, *labelled).where(*which).group_by(*groups)):
        yield dict(row._mapping)


def _floor(connection: Connection, at: Any, unit: str) -> Any:
    """The beginning of the hour or minute of a time, as the database keeps times."""
    if connection.dialect.name == "sqlite":
        length, rest = (13, ":00:00.000000") if unit == "hour" else (16, ":00.000000")
        return type_coerce(func.substr(at, 1, length).op("||")(rest), UtcDateTime())
    return type_coerce(func.date_trunc(unit, at, "UTC"), UtcDateTime())


def _won(connection: Connection, name: str, before: datetime | None, end: datetime) -> bool:
    """Whether this process may add the step; False where another one has been faster."""
    if before is not None:
        moved = update(RollupRow).where(RollupRow.name == name, RollupRow.until == before).values(until=end)
        return connection.execute(moved).rowcount == 1
    begun = _insert(connection, RollupRow).values(name=name, until=end).on_conflict_do_nothing()
    return connection.execute(begun.returning(RollupRow.name)).first() is not None


def _add(connection: Connection, source: Source, sums: Sequence[dict[str, Any]]) -> None:
    insert = _insert(connection, source.into)
    table: Any = source.into
    added = {
        name: _plus(getattr(table, name), getattr(insert.excluded, name), known=name != "cost_usd")
        for name in source.sums
    }
    keys = [source.bucket, *source.by]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=added), sums)


def _plus(there: Any, more: Any, *, known: bool) -> Any:
    """The sum of two values; of two costs, of those that are known."""
    if known:
        return there + more
    both_unknown = there.is_(None) & more.is_(None)
    return case((both_unknown, null()), else_=func.coalesce(there, 0.0) + func.coalesce(more, 0.0))


def _insert(connection: Connection, table: Any) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _settle_next(store: Store) -> bool:
    """Settle the day that was over last, if nobody has; days before it were settled in their turn, or summed
    up at once long after they were over. Always False: it leaves nothing for another step."""
    day = now().replace(hour=0, minute=0, second=0, microsecond=0) - DAY
    if now() < day + DAY + SETTLED_AFTER:
        return False
    with store.read() as connection:
        done = until(connection)
    if not any(source.name in done for source in USAGE) or done.get(SETTLED, BEGINNING) >= day:
        return False
    with store.write() as connection:
        if not _won(connection, SETTLED, done.get(SETTLED), day):
            return False
        connection.execute(delete(OutcomeMinuteRow).where(OutcomeMinuteRow.minute < now() - MINUTES_KEPT))
        # No step may add what is counted here: a step that is under way elsewhere loses.
        passed = update(RollupRow).where(RollupRow.name.in_([s.name for s in USAGE]))
        connection.execute(passed.where(RollupRow.until < day + DAY).values(until=day + DAY))
    settle(store, day)
    return False


def settle(store: Store, day: datetime) -> None:
    """Count the usage of a day (its beginning in UTC) anew, hour by hour; it must be summed up already."""
    for hour in (day + timedelta(hours=number) for number in range(24)):
        end = hour + timedelta(hours=1)
        with store.read() as connection:
            sums = [list(_sums(connection, source, source.at >= hour, source.at < end)) for source in USAGE]
        with store.write() as connection:
            connection.execute(delete(UsageHourRow).where(UsageHourRow.hour == hour))
            for source, found in zip(USAGE, sums, strict=True):
                if found:
                    _add(connection, source, found)
