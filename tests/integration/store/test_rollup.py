"""Summing up, on both databases: nothing is missed or counted twice, however it is cut into steps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from support.store import (
    accepted,
    add,
    answer,
    claim,
    failed_call,
    finish,
    rejected,
    save_answer,
    save_failed_call,
)

from farm.store import rollup
from farm.store.engine import Store
from farm.store.tables import OutcomeHourRow, OutcomeMinuteRow, TaskRow, UsageHourRow

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
EVENING = NOON + timedelta(hours=8)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the time; it is the evening of that day at first."""

    def turn(at: datetime) -> None:
        monkeypatch.setattr(rollup, "now", lambda: at)

    turn(EVENING)
    return turn


def advance(store: Store, **options: Any) -> int:
    """Sum up all there is; returns in how many steps."""
    steps = 1
    while rollup.advance(store, **options):
        steps += 1
    return steps


def hours(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        query = select(UsageHourRow.__table__).order_by(UsageHourRow.hour, UsageHourRow.model)
        return [tuple(row) for row in connection.execute(query)]


def outcomes(
    store: Store, table: type[OutcomeMinuteRow | OutcomeHourRow] = OutcomeHourRow
) -> dict[tuple[str, str], int]:
    with store.read() as connection:
        rows = connection.execute(select(table.__table__))
        return {(row.state, row.reason_code): row.tasks for row in rows}


def answers(store: Store, *times: datetime, **values: Any) -> None:
    for task_id, at in zip(add(store, len(times)), times, strict=True):
        save_answer(store, answer(task_id, created_at=at, **values))


def test_answers_and_failed_calls_become_hours_of_each_model(store: Store):
    answers(store, NOON, NOON + timedelta(minutes=59, seconds=59.9), NOON + timedelta(hours=1))
    answers(store, NOON, model="other", cost_usd=None)
    [lost] = add(store)
    save_failed_call(store, failed_call(lost, created_at=NOON, prompt_tokens=None, completion_tokens=None))
    advance(store)
    assert hours(store) == [
        (NOON, "other", 1, 0, 100, 10, None),
        (NOON, "stub-model", 2, 1, 200, 20, 1.25),
        (NOON + timedelta(hours=1), "stub-model", 1, 0, 100, 10, 0.5),
    ]


def test_small_steps_give_the_same_sums_as_one(store: Store):
    answers(store, *(NOON + timedelta(seconds=number // 3) for number in range(10)))
    assert advance(store, rows_per_step=2) > 2
    assert hours(store) == [(NOON, "stub-model", 10, 0, 1000, 100, 5.0)]
    assert advance(store) == 1
    assert hours(store) == [(NOON, "stub-model", 10, 0, 1000, 100, 5.0)]


def test_what_comes_later_is_added(store: Store):
    answers(store, NOON)
    advance(store)
    answers(store, NOON + timedelta(minutes=1), cost_usd=None)
    advance(store)
    assert hours(store) == [(NOON, "stub-model", 2, 0, 200, 20, 0.5)]


def test_the_last_moment_is_left_for_the_next_time(store: Store):
    """Others may be about to commit rows that bear the same time."""
    answers(store, EVENING)
    advance(store)
    assert hours(store) == []


def test_of_two_processes_one_adds_a_step(store: Store):
    answers(store, NOON)
    with store.read() as connection:
        sums = list(rollup._sums(connection, rollup.ANSWERS, rollup.ANSWERS.at > rollup.BEGINNING))
    advance(store)
    with store.write() as connection:
        assert not rollup._won(connection, "answers", None, EVENING), "the other one has begun it"
        assert not rollup._won(connection, "answers", NOON - timedelta(days=1), EVENING)
    assert len(sums) == len(hours(store)) == 1


def end_all(store: Store) -> None:
    held = list(claim(store, add(store, 4)).values())
    finish(
        store, accepted(held[0]), *(rejected(task, code) for task, code in zip(held[1:], "aab", strict=True))
    )


def test_ends_of_tasks_become_outcomes_with_their_reasons(store: Store):
    end_all(store)
    with store.write() as connection:
        connection.execute(update(TaskRow).values(finished_at=NOON))
    advance(store)
    expected = {("accepted", ""): 1, ("rejected", "a"): 2, ("rejected", "b"): 1}
    assert outcomes(store) == expected
    assert outcomes(store, OutcomeMinuteRow) == {}, "minutes are gathered for the last hours alone"
    end_all(store)
    with store.write() as connection:
        late = update(TaskRow).where(TaskRow.finished_at > NOON)
        connection.execute(late.values(finished_at=EVENING - timedelta(minutes=5)))
    advance(store)
    assert outcomes(store, OutcomeMinuteRow) == expected


def test_outcomes_of_long_ago_are_not_gathered(store: Store):
    end_all(store)
    with store.write() as connection:
        connection.execute(update(TaskRow).values(finished_at=NOON - timedelta(days=31)))
    advance(store)
    assert outcomes(store) == {}


def test_a_day_that_is_settled_counts_what_came_late(store: Store):
    day = NOON.replace(hour=0)
    answers(store, NOON)
    advance(store)
    answers(store, NOON - timedelta(hours=3), NOON - timedelta(minutes=1), day - timedelta(seconds=1))
    advance(store)
    assert [row[2] for row in hours(store)] == [1], "they came after their time"
    rollup.settle(store, day)
    assert [(row[0].hour, row[2]) for row in hours(store)] == [(9, 1), (11, 1), (12, 1)]


def test_yesterday_is_settled_once_it_is_over(store: Store, clock: Callable[[datetime], None]):
    answers(store, NOON)
    advance(store)
    answers(store, NOON - timedelta(hours=3))
    clock(NOON.replace(hour=0) + timedelta(days=1, minutes=59))
    advance(store)
    assert len(hours(store)) == 1, "rows of the last minutes may still be on their way"
    clock(NOON + timedelta(days=1))
    advance(store)
    assert len(hours(store)) == 2
    with store.write() as connection:
        connection.execute(update(UsageHourRow).values(calls=0))
    advance(store)
    assert [row[2] for row in hours(store)] == [0, 0], "and only once"
    with store.read() as connection:
        assert rollup.until(connection)["answers"] == NOON.replace(hour=0) + timedelta(days=1)
