"""Repeating a call: time and chance are handed in, so nothing here sleeps."""

import asyncio
from random import uniform

import pytest

from farm.errors import BadAnswer, GiveUp, StopRoute, Throttled, Unanswered, Unavailable
from farm.models.retry import UNANSWERED, UNAVAILABLE, next_delay_seconds, patiently


def repeat(*outcomes, jitter=lambda low, high: high, answered=lambda: 0, noted=None):
    """What `patiently` returns for a call with these outcomes, and how long it slept each time."""
    left, slept = list(outcomes), []

    async def call():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(seconds):
        slept.append(seconds)

    async def note(error):
        if noted is not None:
            noted.append(error)

    async def scene():
        try:
            return await patiently(call, note=note, answered=answered, sleep=sleep, jitter=jitter)
        except Exception as error:
            return error

    result = asyncio.run(scene())
    assert not left, "it gave up too early"
    return result, slept


def test_a_good_answer_is_not_repeated():
    assert repeat("answer") == ("answer", [])


def test_delays_are_decorrelated_and_capped_at_a_minute():
    result, slept = repeat(*[Unavailable("away")] * 7, "answer")
    assert result == "answer"
    assert slept == [1.5, 4.5, 13.5, 40.5, 60.0, 60.0, 60.0]


def test_the_jitter_is_drawn_from_half_a_second_to_three_times_the_last_delay():
    drawn = []

    def lowest(low, high):
        drawn.append((low, high))
        return low

    repeat(*[Unavailable("away")] * 3, "answer", jitter=lowest)
    assert drawn == [(0.5, 1.5)] * 3


def test_chance_stays_within_its_bounds():
    last = 0.5
    for _ in range(200):
        delay = next_delay_seconds(last, Unavailable("away"), uniform)
        assert 0.5 <= delay <= min(60.0, max(0.5, 3 * last))
        last = delay


def test_a_delay_that_the_provider_asks_for_is_honoured():
    _, slept = repeat(Throttled("slow down", retry_after_seconds=12.0), "answer")
    assert slept == [12.5]
    _, slept = repeat(Throttled("slow down", retry_after_seconds=12.0), "answer", jitter=lambda low, _: low)
    assert slept == [12.0]


def test_a_delay_of_an_hour_is_asked_again_after_a_minute():
    assert repeat(Throttled("slow down", retry_after_seconds=3600.0), "answer")[1] == [60.0]


def test_a_limit_without_a_delay_backs_off_by_itself():
    assert repeat(Throttled("slow down"), Throttled("slow down"), "answer")[1] == [1.5, 4.5]


def test_patience_with_a_server_that_is_away_has_no_end():
    result, slept = repeat(*[Unavailable("away")] * 100, "answer")
    assert (result, len(slept)) == ("answer", 100)


def test_the_third_bad_answer_gives_up():
    result, slept = repeat(BadAnswer("broken"), BadAnswer("broken"), BadAnswer("broken off"))
    assert isinstance(result, GiveUp)
    assert str(result) == "broken off, 3 times"
    assert len(slept) == 2


def test_bad_answers_are_counted_across_other_trouble():
    troubles = [BadAnswer("a"), Unavailable("b"), BadAnswer("c"), Throttled("d"), BadAnswer("e")]
    assert isinstance(repeat(*troubles)[0], GiveUp)


def test_two_bad_answers_are_forgiven():
    assert repeat(BadAnswer("broken"), BadAnswer("broken"), "answer")[0] == "answer"


@pytest.mark.parametrize("error", [StopRoute("wrong key"), GiveUp("too long"), ValueError("a defect")])
def test_what_repeating_cannot_mend_passes_at_once(error):
    assert repeat(error) == (error, [])


def test_a_server_that_asks_for_patience_is_given_it():
    assert repeat(Unavailable("busy", retry_after_seconds=9.0), "answer")[1] == [9.5]


def test_a_provider_that_asks_for_no_delay_is_not_hammered():
    _, slept = repeat(*[Throttled("slow down", retry_after_seconds=0.0)] * 3, "answer")
    assert slept == [1.5, 4.5, 13.5]


def test_an_unanswered_call_is_borne_while_nobody_else_is_answered_either():
    result, slept = repeat(*[Unanswered("reset")] * (UNANSWERED - 1), "answer")
    assert (result, len(slept)) == ("answer", UNANSWERED - 1)
    assert repeat(*[Unanswered("reset")] * UNANSWERED)[0].args == (f"reset, {UNANSWERED} times",)


def test_an_unanswered_call_is_its_tasks_fault_where_others_are_answered():
    result, _ = repeat(*[Unanswered("reset")] * 3, answered=iter(range(9)).__next__)
    assert isinstance(result, GiveUp)


def test_one_bad_answer_among_the_unanswered_shows_that_the_route_works():
    assert isinstance(repeat(Unanswered("reset"), Unanswered("reset"), BadAnswer("empty"))[0], GiveUp)


def test_each_error_is_noted_before_anything_else_is_done():
    noted = []
    errors = [BadAnswer("a"), Unavailable("b"), BadAnswer("c"), BadAnswer("d")]
    repeat(*errors, noted=noted)
    assert noted == errors
    repeat(StopRoute("key"), noted=noted)
    assert len(noted) == 5


def test_a_call_that_fails_over_and_over_while_others_are_answered_is_given_up():
    counts = iter(range(1000))
    result, slept = repeat(*[Unavailable("500")] * UNAVAILABLE, answered=lambda: next(counts))
    assert isinstance(result, GiveUp)
    assert str(result) == f"500, {UNAVAILABLE} times"
    assert len(slept) == UNAVAILABLE - 1


def test_limits_are_waited_out_for_ever_though_others_are_answered():
    counts = iter(range(1000))
    limit = Throttled("slowly")
    assert repeat(*[limit] * 200, "answer", answered=lambda: next(counts))[0] == "answer"
