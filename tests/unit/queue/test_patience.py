"""Leases expire only where their workers could have renewed them."""

from datetime import UTC, datetime, timedelta

import pytest

from farm.queue.patience import Patience

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE_SECONDS = 10.0


class Watch:
    """Two clocks, the process's and the store's, and what a patience says as they go on."""

    def __init__(self) -> None:
        self.patience = Patience(LEASE_SECONDS)
        self.at = 0.0
        self.store_at = NOON

    def after(self, seconds: float, *, store_seconds: float | None = None) -> bool:
        self.at += seconds
        self.store_at += timedelta(seconds=seconds if store_seconds is None else store_seconds)
        return self.patience.allows(self.at, self.store_at)

    def waits(self) -> float:
        """How many seconds it takes until leases may expire."""
        waited = 0.0
        while not self.after(0.25):
            waited += 0.25
            assert waited < 60
        return waited


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_the_first_sight_of_the_store_is_enough(watch):
    assert watch.after(0)


def test_steady_passes_are_allowed(watch):
    assert all(watch.after(0.25) for _ in range(100))


@pytest.mark.parametrize(("gap", "allowed"), [(4.9, True), (5.1, False), (3600, False)])
def test_after_a_silence_of_half_a_lease_one_lease_is_waited(watch, gap, allowed):
    watch.after(0)
    assert watch.after(gap) is allowed
    assert allowed or watch.waits() == pytest.approx(LEASE_SECONDS, abs=0.5)


def test_time_spent_elsewhere_says_nothing_about_the_store(watch):
    watch.after(0)
    watch.patience.excuse(10.0)
    assert watch.after(10.2)
    assert not watch.after(10.2), "an excuse counts once"


@pytest.mark.parametrize("jump", [3600, 6, -6, -3600])
def test_after_a_jump_of_the_store_s_clock_one_lease_is_waited(watch, jump):
    watch.after(0)
    assert not watch.after(0.25, store_seconds=0.25 + jump)
    assert watch.waits() == pytest.approx(LEASE_SECONDS, abs=0.5)


def test_a_clock_that_is_corrected_a_little_is_no_jump(watch):
    watch.after(0)
    assert watch.after(0.25, store_seconds=1.0)
    assert watch.after(0.25, store_seconds=-1.0)
