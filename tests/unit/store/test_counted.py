"""What changes of the store count for."""

from collections import Counter

import pytest

from farm.store.counted import as_json, kind_of_end, merged, observed, of_json, total, worked
from farm.store.engine import now
from farm.watchdog.child import describe_exit


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (describe_exit(-9), "killed"),
        (describe_exit(-64), "killed"),
        (describe_exit(3), "exited"),
        ("no heartbeat for 15 s", "hung"),
        ("the model call of task 7 is 12 s past its deadline", "hung"),
        ("it uses 1100 MiB of memory, more than the 1024 it may", "memory"),
        ("the model refuses the key", "failed"),
    ],
)
def test_ends_are_told_apart_by_what_their_reasons_say(reason: str, kind: str):
    assert kind_of_end(reason) == kind


def test_an_observation_falls_into_the_first_bucket_that_holds_it():
    at_the_bound = dict(observed("model_time", "m", micros=250_000))
    assert at_the_bound == {("model_time_bucket", "m", "0.25"): 1, ("model_time_microseconds", "m"): 250_000}
    assert ("model_time_bucket", "m", "0.5") in dict(observed("model_time", "m", micros=250_001))
    assert ("model_time_bucket", "m", "+Inf") in dict(observed("model_time", "m", micros=10**12))


def test_clocks_that_differ_make_no_time_negative():
    at = now()
    early = at.replace(year=at.year + 1)
    counted = dict(worked("accepted", created_at=early, claimed_at=None, ended_at=at))
    assert min(counted.values()) >= 0
    assert ("task_time_bucket", "accepted", "0.5") in counted


def test_models_beyond_so_many_are_others_for_good():
    totals = Counter({("model_calls", "first"): 1})
    calls = [
        Counter({("model_calls", name): 1, ("tasks_enqueued",): 1}) for name in ("second", "third", "first")
    ]
    added = merged(totals, calls, most_models=2)
    assert added == {
        ("model_calls", "second"): 1,
        ("model_calls", "other"): 1,
        ("model_calls", "first"): 1,
        ("tasks_enqueued",): 3,
    }
    assert merged(totals + added, calls, most_models=2) == added, "the same once they are totals"


def test_amounts_come_back_from_json_as_they_were():
    counted = Counter({("tasks_ended", "dead", ""): 2, ("tasks_enqueued",): 2**53 + 1})
    assert of_json(as_json(counted)) == counted


def test_a_total_leaves_out_what_is_nothing():
    amounts = [(("a", "x"), 2), (("b",), 0), (("a", "x"), 3)]
    assert total(amounts) == {("a", "x"): 5}
    assert len(total(amounts)) == 1
