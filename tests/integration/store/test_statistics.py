"""What operators see over time, from sums and from the newest rows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update
from support.store import accepted, add, answer, candidate, claim, finish, save_answer

from farm.store import statistics
from farm.store.engine import Store
from farm.store.statistics import Outcomes, Percentiles, Throughput, Usage, percentiles
from farm.store.tables import CandidateRow, OutcomeHourRow, OutcomeMinuteRow, TaskRow, UsageHourRow

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def ended(store: Store, at: datetime, state: str, tasks: int, reason_code: str = "") -> None:
    with store.write() as connection:
        row = {"minute": at, "state": state, "reason_code": reason_code, "tasks": tasks}
        connection.execute(insert(OutcomeMinuteRow).values(**row))


def ended_within_hour(store: Store, at: datetime, state: str, tasks: int, reason_code: str = "") -> None:
    with store.write() as connection:
        row = {"hour": at, "state": state, "reason_code": reason_code, "tasks": tasks}
        connection.execute(insert(OutcomeHourRow).values(**row))


def used(store: Store, hour: datetime, model: str, cost_usd: float | None = 0.5) -> None:
    counts = {"calls": 2, "failed_calls": 1, "prompt_tokens": 100, "completion_tokens": 10}
    with store.write() as connection:
        connection.execute(insert(UsageHourRow).values(hour=hour, model=model, cost_usd=cost_usd, **counts))


def test_throughput_counts_whole_minutes_and_shows_the_quiet_ones(store: Store):
    ended(store, NOON - 3 * MINUTE, "accepted", 5)
    ended(store, NOON - MINUTE, "accepted", 4)
    ended(store, NOON - MINUTE, "rejected", 2, "syntax_error")
    ended(store, NOON, "accepted", 99)
    with store.read() as connection:
        found = statistics.throughput(connection, minutes=3, at=NOON + timedelta(seconds=30))
    assert found == Throughput(since=NOON - 3 * MINUTE, tasks=(5, 0, 6))
    assert found.per_minute == pytest.approx(11 / 3)


def test_acceptance_and_reasons_are_of_the_last_hours(store: Store):
    ended(store, NOON - MINUTE, "accepted", 6)
    ended(store, NOON - 2 * MINUTE, "rejected", 2, "syntax_error")
    ended(store, NOON - MINUTE, "rejected", 1, "no_sql")
    ended(store, NOON - 3 * MINUTE, "rejected", 2, "no_sql")
    ended(store, NOON - MINUTE, "dead", 1, "attempts")
    ended(store, NOON - 61 * MINUTE, "rejected", 50, "unknown_table")
    with store.read() as connection:
        found = statistics.outcomes(connection, hours=1, at=NOON)
        none = statistics.outcomes(connection, hours=1, at=NOON + DAY)
    reasons = (("no_sql", 3), ("syntax_error", 2), ("attempts", 1))
    assert found == Outcomes(hours=1, accepted=6, rejected=5, dead=1, reasons=reasons)
    assert found.acceptance_rate == 0.5
    assert (none.acceptance_rate, none.reasons) == (None, ())


def test_longer_times_are_counted_by_the_hour(store: Store):
    ended_within_hour(store, NOON - DAY, "accepted", 3)
    ended_within_hour(store, NOON, "rejected", 1, "no_sql")
    ended_within_hour(store, NOON - DAY - timedelta(hours=1), "accepted", 50)
    with store.read() as connection:
        found = statistics.outcomes(connection, hours=24, at=NOON)
    assert found == Outcomes(hours=24, accepted=3, rejected=1, dead=0, reasons=(("no_sql", 1),))


def test_percentiles_are_those_of_the_nearest_rank():
    assert percentiles([]) is None
    assert percentiles([7.0]) == Percentiles(count=1, p50_ms=7.0, p95_ms=7.0, p99_ms=7.0)
    hundred = [float(number) for number in range(100, 0, -1)]
    assert percentiles(hundred) == Percentiles(count=100, p50_ms=50.0, p95_ms=95.0, p99_ms=99.0)


def test_latencies_are_of_the_newest_calls_checks_and_tasks(store: Store):
    ids = add(store, 3)
    for task_id, ms, age in zip(ids, (999.0, 20.0, 30.0), (3, 2, 1), strict=True):
        save_answer(store, answer(task_id, latency_ms=ms, created_at=NOON - age * MINUTE))
    finish(store, *(accepted(task) for task in claim(store, ids).values()))
    with store.write() as connection:
        for task_id, minutes in zip(ids, (3, 2, 1), strict=True):
            times = {"created_at": NOON - 10 * MINUTE, "claimed_at": NOON - 5 * MINUTE}
            changed = update(TaskRow).where(TaskRow.id == task_id)
            connection.execute(changed.values(**times, finished_at=NOON - minutes * MINUTE))
    with store.read() as connection:
        found = statistics.latencies(connection, newest=2)
    assert found.model == Percentiles(count=2, p50_ms=20.0, p95_ms=30.0, p99_ms=30.0)
    assert found.validation == Percentiles(count=2, p50_ms=1.0, p95_ms=1.0, p99_ms=1.0)
    assert found.work == Percentiles(count=2, p50_ms=180_000.0, p95_ms=240_000.0, p99_ms=240_000.0)
    assert found.task == Percentiles(count=2, p50_ms=480_000.0, p95_ms=540_000.0, p99_ms=540_000.0)


def test_without_tasks_there_are_no_latencies(store: Store):
    [task_id] = add(store)
    with store.write() as connection:
        connection.execute(insert(CandidateRow).values(candidate(task_id)))
    with store.read() as connection:
        found = statistics.latencies(connection)
    assert (found.model, found.validation, found.work, found.task) == (None, None, None, None)


def test_usage_is_of_each_day_and_model_the_latest_first(store: Store):
    used(store, NOON, "b")
    used(store, NOON + timedelta(hours=1), "b", cost_usd=None)
    used(store, NOON, "a", cost_usd=None)
    used(store, NOON - DAY, "b")
    used(store, NOON - 2 * DAY, "b")
    with store.read() as connection:
        found = statistics.usage(connection, days=2, at=NOON)
    midnight = NOON.replace(hour=0)
    assert [(one.day, one.model) for one in found] == [
        (midnight, "a"),
        (midnight, "b"),
        (midnight - DAY, "b"),
    ]
    assert found[0].cost_usd is None
    assert found[1] == Usage(
        day=midnight,
        model="b",
        calls=4,
        failed_calls=2,
        prompt_tokens=200,
        completion_tokens=20,
        cost_usd=0.5,
    )
