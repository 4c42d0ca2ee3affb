"""The plan of faults: as many as asked, each kind of them, the same for the same seed."""

from collections import Counter
from typing import Any

import pytest

from benchmarks.harness.schedule import KILLS, OUTAGES, STALLS, Fault, Kind, plan


def planned(**changes: Any) -> list[Fault]:
    asked = {
        "seed": 1,
        "store": "postgres",
        "seconds": 600.0,
        "lease_seconds": 5.0,
        "kills": 100,
        "stalls": 20,
        "wipes": 4,
        "outages": 3,
    }
    return plan(**(asked | changes))


def test_the_same_seed_plans_the_same_and_another_one_does_not() -> None:
    assert planned() == planned()
    assert planned() != planned(seed=2)


def test_there_are_as_many_faults_as_asked_for_and_some_of_each_kind() -> None:
    kinds = Counter(fault.kind for fault in planned())
    assert sum(kinds[kind] for kind in KILLS) == 100
    assert sum(kinds[kind] for kind in STALLS) == 20
    assert kinds[Kind.WIPE_REDIS] == 4
    assert [kinds[kind] for kind in OUTAGES["postgres"]] == [1, 1, 1]
    assert min(kinds.values()) >= 1
    assert set(kinds) == set(Kind)


@pytest.mark.parametrize("kills", [0, 1, 2, 5])
def test_a_few_kills_are_workers_first(kills: int) -> None:
    kinds = Counter(fault.kind for fault in planned(kills=kills))
    assert sum(kinds[kind] for kind in KILLS) == kills
    assert kinds[Kind.KILL_WORKER] >= min(kills, 1)


def test_faults_come_in_order_and_are_spread_over_the_whole_time() -> None:
    times = [fault.at_seconds for fault in planned() if fault.kind in KILLS]
    assert times == sorted(times)
    assert all(0 <= at <= 600 for at in times)
    assert [sum(low <= at < low + 60 for at in times) for low in range(0, 600, 60)] == pytest.approx(
        [10] * 10, abs=1
    )


def test_some_workers_are_stopped_for_less_and_some_for_more_than_their_lease() -> None:
    stops = [fault.lasts_seconds for fault in planned(stalls=100) if fault.kind is Kind.STOP_WORKER]
    assert min(stops) < 5.0 < max(stops)
    assert sum(stop > 5.0 for stop in stops) > len(stops) / 3


def test_sqlite_has_no_server_to_restart() -> None:
    kinds = {fault.kind for fault in planned(store="sqlite", outages=4)}
    assert Kind.RESTART_STORE not in kinds
    assert {Kind.LOCK_STORE, Kind.FILL_DISK} < kinds
