"""An outage is said once, waited out with growing and uneven pauses, and said to be over."""

import logging

import pytest

from farm.errors import Unavailable
from farm.outage import Outage


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said(caplog):
    caplog.set_level("INFO")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def outage(clock, *, spread=lambda low, high: 1.0, **options):
    return Outage(logging.getLogger("test"), "Redis", clock=clock, spread=spread, **options)


def test_it_is_said_once_and_its_end_as_well(clock, said):
    away = outage(clock)
    for _ in range(100):
        away.note(ConnectionError("refused"))
        clock.now += 1
    away.over()
    away.over()
    assert said() == [("WARNING", "waiting for Redis: refused"), ("INFO", "Redis is back after 100 s")]


def test_each_outage_is_said(clock, said):
    away = outage(clock)
    for _ in range(2):
        away.note(ConnectionError("refused"))
        away.over()
    assert [level for level, _ in said()] == ["WARNING", "INFO"] * 2


def test_another_trouble_is_said_but_not_the_same_with_other_details(clock, said):
    away = outage(clock)
    for error in (
        Unavailable("the store is locked (database is locked)"),
        Unavailable("the store cannot be written (disk is full)"),
        Unavailable("the store is locked (database table is locked)"),
        Unavailable("try 1 failed"),
        Unavailable("try 2 failed"),
        ConnectionError("try 3 failed"),
    ):
        away.note(error)
    assert [text.removeprefix("waiting for Redis: ") for _, text in said()] == [
        "the store is locked (database is locked)",
        "the store cannot be written (disk is full)",
        "try 1 failed",
        "try 3 failed",
    ]


def test_ever_new_troubles_are_not_said_for_ever(clock, said):
    away = outage(clock)
    for number in range(1000):
        away.note(ValueError(chr(0x4E00 + number)))
    assert len(said()) == 10


def test_pauses_double_up_to_the_most_and_start_over_with_the_next_outage(clock):
    away = outage(clock)
    pauses = [away.note("away") for _ in range(8)]
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5])
    away.over()
    assert away.note("away") == pytest.approx(0.2)


def test_those_who_wait_do_not_come_back_together(clock):
    low = outage(clock, spread=lambda low, high: low)
    high = outage(clock, spread=lambda low, high: high)
    assert (low.note("away"), high.note("away")) == pytest.approx((0.15, 0.25))
    real = [Outage(logging.getLogger("test"), "Redis").note("away") for _ in range(100)]
    assert len(set(real)) > 90
    assert all(0.15 <= pause <= 0.25 for pause in real)


def test_the_first_pause_is_no_longer_than_the_longest(clock):
    assert outage(clock, most_seconds=0.1).note("away") == pytest.approx(0.1)


def test_it_knows_whether_the_server_is_away(clock):
    away = outage(clock)
    assert not away
    away.note("away")
    assert away
    away.over()
    assert not away
