"""The dry run keeps one engine warm, and does without one in good order."""

import pytest

from farm.checker.dry_run import REST_SECONDS, DryRun
from farm.targets.engine import NoEngine


class Fragile:
    """An engine whose connection breaks on demand."""

    name = "fragile 1"

    def __init__(self):
        self.breaks = 0
        self.closed = False

    def prepare(self, sql):
        if self.breaks:
            self.breaks -= 1
            raise ConnectionError("server closed the connection\nunexpectedly")
        return None if sql == "good" else "refused"

    def close(self):
        self.closed = True


class Openings:
    """Hands engines out and counts them; raises what stands in the list instead."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.count = 0

    def __call__(self):
        self.count += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_the_engine_is_opened_once_and_asked():
    openings = Openings(Fragile())
    dry_run = DryRun(openings)
    assert (dry_run.name, dry_run("good"), dry_run("bad")) == ("fragile 1", None, "refused")
    assert openings.count == 1


def test_a_broken_connection_is_replaced_once():
    first, second = Fragile(), Fragile()
    first.breaks = 1
    assert DryRun(Openings(first, second))("good") is None
    assert first.closed


def test_an_engine_that_breaks_twice_is_left_alone_for_a_while():
    first, second, third = Fragile(), Fragile(), Fragile()
    first.breaks = second.breaks = 1
    now = [0.0]
    openings = Openings(first, second, third)
    dry_run = DryRun(openings, clock=lambda: now[0])
    with pytest.raises(NoEngine, match=r"server closed the connection$"):
        dry_run("good")
    with pytest.raises(NoEngine):
        dry_run("good")
    assert openings.count == 2
    now[0] = REST_SECONDS
    assert dry_run("good") is None


def test_an_engine_that_cannot_be_opened_says_why():
    dry_run = DryRun(Openings(OSError("no route to host")), clock=lambda: 0.0)
    with pytest.raises(NoEngine, match="no route to host"):
        _ = dry_run.name
    with pytest.raises(NoEngine, match="no route to host"):
        dry_run("good")


def test_no_engine_for_the_target_is_said_too():
    with pytest.raises(NoEngine, match="at hand"):
        DryRun(Openings(None))("good")


def test_closing_twice_is_fine():
    engine = Fragile()
    dry_run = DryRun(Openings(engine))
    dry_run("good")
    dry_run.close()
    dry_run.close()
    assert engine.closed
