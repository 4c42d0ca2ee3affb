"""What comes of an attempt, and when the next one is made."""

import pytest

from farm.webhooks.schedule import MOST_ATTEMPTS, Answered, decide


def outcome(attempt=1, **answered):
    return decide(Answered(**answered), attempt, spread=lambda low, high: 1.0)


@pytest.mark.parametrize(
    ("status_code", "state"),
    [(200, "delivered"), (204, "delivered"), (299, "delivered"), (410, "failed")]
    + [(status_code, "pending") for status_code in (199, 300, 302, 400, 401, 404, 408, 429, 500, 503)],
)
def test_any_2xx_delivers_410_ends_and_all_else_is_tried_again(status_code, state):
    assert outcome(status_code=status_code).state == state


def test_what_did_not_answer_is_tried_again_with_its_reason():
    found = outcome(trouble="no answer within 10 s")
    assert (found.state, found.reason, found.status_code) == ("pending", "no answer within 10 s", None)


def test_pauses_grow_to_six_hours_and_end_within_a_day():
    pauses = [outcome(attempt, status_code=500).pause_seconds for attempt in range(1, MOST_ATTEMPTS)]
    assert pauses == [5, 15, 45, 135, 405, 1215, 3645, 10935, 21600, 21600, 21600]
    assert 22 < sum(pauses) / 3600 < 24
    assert outcome(MOST_ATTEMPTS, status_code=500).state == "failed"
    assert outcome(MOST_ATTEMPTS, status_code=200).state == "delivered"


def test_pauses_are_spread():
    drawn = []
    decide(Answered(status_code=500), 1, spread=lambda low, high: drawn.append((low, high)) or 1.0)
    assert drawn == [(0.8, 1.2)]


@pytest.mark.parametrize(
    ("asked", "pause"), [(None, 5), (1.0, 5), (60.0, 60), (1e9, 21_600), (float("inf"), 21_600)]
)
def test_a_longer_pause_that_was_asked_for_is_kept_within_bounds(asked, pause):
    assert outcome(status_code=429, retry_after_seconds=asked).pause_seconds == pause
