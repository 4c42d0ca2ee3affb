"""What a target's opening is blamed for is believed for a while."""

import pytest

from farm.checker import doubts
from farm.checker.doubts import Doubts
from farm.targets.target import Target

SHOP = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE t (a int)")


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(doubts.time, "monotonic", lambda: now[0])
    return now


def test_a_target_does_without_its_engine_first_and_is_unfit_next():
    held = Doubts()
    assert (held.without_engine(SHOP), held.unfit(SHOP)) == (None, None)
    held.note(SHOP, "it took longer than 60 s")
    assert held.without_engine(SHOP) == "opening the target's engine failed: it took longer than 60 s"
    assert held.unfit(SHOP) is None
    held.note(SHOP, "it ended")
    assert held.unfit(SHOP) == "the schema of target 'shop' cannot be compiled: it ended"


def test_both_are_forgotten_once(clock):
    held = Doubts()
    held.note(SHOP, "it ended")
    held.note(SHOP, "it ended")
    assert not held.forgotten(SHOP)
    clock[0] += doubts.BELIEVED_SECONDS
    assert (held.without_engine(SHOP), held.unfit(SHOP)) == (None, None)
    assert [held.forgotten(SHOP) for _ in range(2)] == [True, False]


def test_a_doubt_that_has_ended_makes_no_target_unfit(clock):
    held = Doubts()
    held.note(SHOP, "it ended")
    clock[0] += doubts.BELIEVED_SECONDS
    held.note(SHOP, "it ended")
    assert held.unfit(SHOP) is None
