"""From times to figures: percentiles, targets, and what the table and the JSON say of them."""

import json
from math import inf

import pytest

from benchmarks import recovery
from benchmarks.recoveries.cases import CASES
from benchmarks.recoveries.figures import Figure, percentile, seconds, summary
from benchmarks.recoveries.ledger import GOOD, NEVER, Ledger


def figure(*samples: float, target: float | None = 5.0) -> Figure:
    return Figure(what="a kill", samples=samples, target_seconds=target)


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [(1, 50, 1), (1, 99, 1), (2, 50, 1), (3, 50, 2), (100, 50, 50), (100, 99, 99), (101, 99, 100), (9, 0, 1)],
)
def test_a_percentile_is_the_sample_of_its_rank(count: int, percent: float, expected: float) -> None:
    assert percentile(list(range(count, 0, -1)), percent) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


@pytest.mark.parametrize(
    ("samples", "ok"),
    [
        ((1.0, 5.0), True),
        ((1.0, 5.01), False),
        ((), False),
        ((1.0,) * 99 + (60.0,), True),
        ((1.0, inf), False),
    ],
)
def test_a_target_holds_for_the_99th_percentile(samples: tuple[float, ...], ok: bool) -> None:
    assert figure(*samples).ok is ok


def test_what_never_came_is_missed_however_often_it_came_otherwise() -> None:
    assert not figure(*[1.0] * 999, inf).ok
    assert not figure(*[1.0] * 999, inf, target=None).ok
    assert figure(70.0, target=None).ok


def test_a_row_says_times_target_and_verdict() -> None:
    assert figure(0.05, 4.0).row() == ("a kill", "2", "50 ms", "4.00 s", "4.00 s", "≤ 5 s", "ok")
    assert figure(6.0, inf).row()[-4:] == ("never", "never", "≤ 5 s", "MISSED")
    assert figure(6.0, target=None).row()[-2:] == ("", "")
    assert figure().row()[-1] == "FAILED: never measured"


def test_what_is_left_out_misses_nothing_and_says_why() -> None:
    left_out = Figure(what="a cut", left_out="needs root")
    assert left_out.ok
    assert left_out.row()[-1] == "left out: needs root"


def test_times_are_told_in_a_unit_that_suits_them() -> None:
    told = [seconds(value) for value in (0.0004, 0.0996, 0.1, 12.346, inf)]
    assert told == ["0 ms", "100 ms", "0.10 s", "12.35 s", "never"]


def test_figures_travel_as_json_whole() -> None:
    figures = [figure(1.5, inf), figure(0.25, target=None), Figure(what="a cut", left_out="needs root")]
    assert [Figure.from_json(json.loads(json.dumps(one.json()))) for one in figures] == figures


def test_trouble_fails_a_run_whose_targets_are_kept() -> None:
    assert summary([figure(1.0)])["ok"]
    assert not summary([figure(1.0)], trouble=["a query is there twice"])["ok"]
    assert not summary([figure(1.0), figure(9.0)])["ok"]
    assert summary([figure(1.0, 2.0)])["figures"][0]["p99"] == 2.0


def test_a_ledger_says_what_is_planned_and_notes_each_request() -> None:
    ledger = Ledger()
    ledger.plan(["slow"], (NEVER, GOOD))
    assert [ledger.reply("slow", 1), ledger.reply("slow", 1), ledger.reply("slow", 1)] == [NEVER, GOOD, GOOD]
    assert ledger.reply("other", 1) == GOOD
    first, *rest = ledger.asked("slow")
    assert [first, *rest] == sorted([first, *rest])
    assert len(rest) == 2
    assert ledger.asked("never asked") == []


def test_every_case_is_run_unless_some_are_chosen() -> None:
    assert recovery.parsed([]).only == list(CASES)
    assert recovery.parsed(["--only", "wipe", "--count", "3"]).only == ["wipe"]


def test_a_kill_is_tried_often_enough_for_a_99th_percentile() -> None:
    assert CASES["kill-alone"].count >= 100


def test_the_defaults_take_less_than_ten_minutes() -> None:
    seconds = {name: case.count * case.seconds_each for name, case in CASES.items()}
    assert sum(seconds[name] for name, case in CASES.items() if case.busy) < 600
    assert sum(seconds.values()) / recovery.parsed([]).side_by_side < 600


def test_of_those_that_keep_the_processors_busy_one_runs_at_a_time() -> None:
    assert recovery.next_case(["kill-of-two", "wipe"], []) == "kill-of-two"
    assert recovery.next_case(["kill-of-two", "wipe"], ["kill-alone"]) == "wipe"
    assert recovery.next_case(["kill-of-two"], ["kill-alone", "wipe"]) is None
    assert recovery.next_case([], []) is None
