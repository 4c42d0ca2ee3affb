"""When a route counts as silent: after many lost calls in a row, over minutes."""

from farm.models.health import LOST_CALLS, LOST_SECONDS, Health


def lose(health: Health, times: int, *, start: float = 0.0, seconds: float = LOST_SECONDS) -> list[bool]:
    return [health.lose(start + seconds * n / (times - 1)) for n in range(times)]


def test_many_lost_calls_over_minutes_are_the_routes_fault():
    assert lose(Health(), LOST_CALLS) == [False] * (LOST_CALLS - 1) + [True]


def test_many_lost_calls_at_once_are_a_mishap():
    assert not any(lose(Health(), 500, seconds=LOST_SECONDS - 1))


def test_a_few_lost_calls_over_hours_are_their_tasks_fault():
    assert not any(lose(Health(), LOST_CALLS - 1, seconds=36_000.0))


def test_an_answer_or_a_call_for_patience_begins_anew():
    for begin in (Health.answer, Health.ask_for_patience):
        health = Health()
        lose(health, LOST_CALLS - 1)
        begin(health)
        assert not any(lose(health, LOST_CALLS - 1, start=LOST_SECONDS))


def test_answers_are_counted():
    health = Health()
    health.answer()
    health.lose(1.0)
    health.answer()
    assert health.answered == 2
