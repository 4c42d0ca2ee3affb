"""The read side for operators over time: throughput, latency, acceptance, tokens and cost.

Nothing here grows with the store: sums come from `farm.store.rollup`, percentiles from the newest rows alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Float, Select, cast, func, select

from farm.store.engine import now
from farm.store.rollup import SOURCES, until
from farm.store.status import added
from farm.store.tables import AnswerRow, CandidateRow, OutcomeHourRow, OutcomeMinuteRow, TaskRow, UsageHourRow

NEWEST = 1_000
DAYS_SHOWN = 14
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Percentiles:
    """How long something took, over the `count` newest; milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Latencies:
    """How long model calls, the checks of one candidate, work on a task and its whole life took.

    `work` is from the first claim to the end, `task` from the time it was enqueued. None: there was none.
    """

    model: Percentiles | None
    validation: Percentiles | None
    work: Percentiles | None
    task: Percentiles | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Throughput:
    """Tasks that ended in each whole minute, oldest first; `since` is the beginning of the first one."""

    since: datetime
    tasks: tuple[int, ...]

    @property
    def per_minute(self) -> float:
        """The mean over the time shown."""
        return sum(self.tasks) / max(len(self.tasks), 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """How tasks ended within some hours; `reasons` are (code, tasks) of those not accepted, most first."""

    hours: int
    accepted: int
    rejected: int
    dead: int
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def acceptance_rate(self) -> float | None:
        """Accepted of all that ended; None where none did."""
        total = self.accepted + self.rejected + self.dead
        return self.accepted / total if total else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What the calls of one model used on one day (its beginning, UTC)."""

    day: datetime
    model: str
    calls: int
    failed_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


def throughput(connection: Connection, *, minutes: int = 60, at: datetime | None = None) -> Throughput:
    """Tasks that ended in each of the last whole minutes."""
    end = (at or now()).replace(second=0, microsecond=0)
    since = end - minutes * MINUTE
    tasks = func.sum(OutcomeMinuteRow.tasks)
    rows = connection.execute(
        select(OutcomeMinuteRow.minute, tasks.label("tasks"))
        .where(OutcomeMinuteRow.minute >= since, OutcomeMinuteRow.minute < end)
        .group_by(OutcomeMinuteRow.minute)
    )
    counted = {row.minute: int(row.tasks) for row in rows}
    each = tuple(counted.get(since + number * MINUTE, 0) for number in range(minutes))
    return Throughput(since=since, tasks=each)


def outcomes(connection: Connection, *, hours: int, at: datetime | None = None) -> Outcomes:
    """How tasks ended within the last hours; they are events, so a task may have ended twice.

    The last hour is counted by the minute, longer times by the hour.
    """
    since = (at or now()) - timedelta(hours=hours)
    table: Any = OutcomeMinuteRow if hours == 1 else OutcomeHourRow
    time = OutcomeMinuteRow.minute if hours == 1 else OutcomeHourRow.hour
    rows = connection.execute(
        select(table.state, table.reason_code, func.sum(table.tasks).label("tasks"))
        .where(time >= since)
        .group_by(table.state, table.reason_code)
    ).all()
    states = dict.fromkeys(("accepted", "rejected", "dead"), 0)
    reasons: dict[str, int] = {}
    for row in rows:
        states[row.state] = states.get(row.state, 0) + int(row.tasks)
        if row.reason_code:
            reasons[row.reason_code] = reasons.get(row.reason_code, 0) + int(row.tasks)
    most = sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    return Outcomes(hours=hours, **states, reasons=tuple(most))


def latencies(connection: Connection, *, newest: int = NEWEST) -> Latencies:
    """How long things took of late: over the newest answers, and the newest tasks that ended."""
    answers = select(AnswerRow.latency_ms).order_by(AnswerRow.created_at.desc()).limit(newest)
    ended = connection.execute(
        select(TaskRow.id, TaskRow.created_at, TaskRow.claimed_at, TaskRow.finished_at)
        .where(TaskRow.finished_at.is_not(None))
        .order_by(TaskRow.finished_at.desc())
        .limit(newest)
    ).all()
    checked = _check_ms(connection).where(CandidateRow.task_id.in_([row.id for row in ended]))
    return Latencies(
        model=percentiles(list(connection.scalars(answers))),
        validation=percentiles([ms for ms in connection.scalars(checked) if ms is not None]),
        work=percentiles([_ms(row.claimed_at, row.finished_at) for row in ended if row.claimed_at]),
        task=percentiles([_ms(row.created_at, row.finished_at) for row in ended]),
    )


def _check_ms(connection: Connection) -> Select[Any]:
    """The time that the checks of candidates took, out of their verdicts."""
    if connection.dialect.name == "sqlite":
        return select(func.json_extract(CandidateRow.verdict, "$.ms", type_=Float()))
    return select(cast(CandidateRow.verdict["ms"].as_string(), Float()))


def _ms(begin: datetime, end: datetime) -> float:
    return max(0.0, (end - begin).total_seconds() * 1000)


def percentiles(values_ms: Sequence[float]) -> Percentiles | None:
    """The nearest-rank percentiles of some times; None where there is none."""
    if not values_ms:
        return None
    ordered = sorted(values_ms)
    p50, p95, p99 = (ordered[-(-len(ordered) * rank // 100) - 1] for rank in (50, 95, 99))
    return Percentiles(count=len(ordered), p50_ms=p50, p95_ms=p95, p99_ms=p99)


def usage(connection: Connection, *, days: int = DAYS_SHOWN, at: datetime | None = None) -> list[Usage]:
    """Tokens and cost of each of the last days (UTC) and model, the latest day first."""
    today = (at or now()).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = connection.execute(
        select(UsageHourRow.__table__).where(UsageHourRow.hour >= today - timedelta(days=days - 1))
    )
    found: dict[tuple[datetime, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.hour.replace(hour=0), row.model), []).append(row)
    ordered = sorted(found.items(), key=lambda entry: (-entry[0][0].timestamp(), entry[0][1]))
    return [_day(day, model, hours) for (day, model), hours in ordered]


def _day(day: datetime, model: str, hours: Sequence[Any]) -> Usage:
    return Usage(
        day=day,
        model=model,
        calls=sum(hour.calls for hour in hours),
        failed_calls=sum(hour.failed_calls for hour in hours),
        prompt_tokens=sum(hour.prompt_tokens for hour in hours),
        completion_tokens=sum(hour.completion_tokens for hour in hours),
        cost_usd=added(*(hour.cost_usd for hour in hours)),
    )


def summed_until(connection: Connection) -> datetime | None:
    """The time of the newest row that was summed up; None where nothing has been yet."""
    done = until(connection)
    known = [done[source.name] for source in SOURCES if source.name in done]
    return max(known) if known else None
