"""The watchdog's decisions, as tables of cases."""

from dataclasses import replace

import pytest

from farm.watchdog.policy import (
    Abort,
    ClosePool,
    EndFarm,
    Kill,
    Policy,
    Recycle,
    SlotView,
    Start,
    decide,
    restart_delay_seconds,
    streak,
)
from farm.worker.phases import Overdue

POLICY = Policy()
NOW = 1000.0


def slot(**seen) -> SlotView:
    return SlotView(**{"name": "w", "running": True, "started_at": 0.0, "last_pulse_at": NOW} | seen)


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        ({"running": False}, Start("w")),
        ({"running": False, "restart_at": NOW}, Start("w")),
        ({"running": False, "restart_at": NOW + 0.1}, None),
        ({}, None),
        ({"last_pulse_at": NOW - 15}, None),
        ({"last_pulse_at": NOW - 15.6}, Abort("w", "no heartbeat for 16 s")),
        ({"last_pulse_at": None, "started_at": NOW - 60}, None),
        ({"last_pulse_at": None, "started_at": NOW - 60.1}, Abort("w", "not ready after 60 s")),
        ({"last_pulse_at": None, "started_at": None}, None),
        ({"last_pulse_at": NOW - 20, "aborted_at": NOW - 2.9}, None),
        ({"last_pulse_at": NOW - 20, "aborted_at": NOW - 3}, Kill("w")),
        ({"last_pulse_at": NOW - 20, "aborted_at": NOW - 9, "killed": True}, None),
        ({"last_pulse_at": NOW, "aborted_at": NOW - 3}, Kill("w")),
        ({"pool": None, "last_pulse_at": None, "boot_seconds": 120, "started_at": NOW - 119}, None),
        (
            {"pool": None, "last_pulse_at": None, "boot_seconds": 120, "started_at": NOW - 121},
            Abort("w", "not ready after 120 s"),
        ),
        ({"pool": None, "silence_seconds": 30, "last_pulse_at": NOW - 29}, None),
        (
            {"pool": None, "silence_seconds": 30, "last_pulse_at": NOW - 31},
            Abort("w", "no heartbeat for 31 s"),
        ),
        ({"pool": None, "memory_mib": 9000}, None),
        ({"overdue": Overdue(what="the check of task 3", seconds=10)}, None),
        (
            {"overdue": Overdue(what="the check of task 3", seconds=11)},
            Abort("w", "the check of task 3 is 11 s past its deadline"),
        ),
        ({"memory_mib": 512}, None),
        ({"memory_mib": 600, "tasks_done": 0}, None),
        (
            {"memory_mib": 600, "tasks_done": 1},
            Recycle("w", "it uses 600 MiB of memory, and is replaced above 512"),
        ),
        ({"memory_mib": 600, "retiring": True}, None),
        ({"memory_mib": 1024, "retiring": True}, None),
        (
            {"memory_mib": 1025, "retiring": True},
            Kill("w", "it uses 1025 MiB of memory, more than the 1024 it may"),
        ),
        ({"memory_mib": 1025, "killed": True}, None),
        ({"tasks_done": 10**9}, None),
        ({"leaving": True, "running": False}, None),
        ({"leaving": True, "last_pulse_at": NOW - 16}, Abort("w", "no heartbeat for 16 s")),
        ({"retiring": True, "last_pulse_at": NOW - 16}, Abort("w", "no heartbeat for 16 s")),
        ({"failed": "the key is wrong"}, EndFarm("the key is wrong")),
        ({"failed": "the key is wrong", "running": False}, EndFarm("the key is wrong")),
        ({"ends": (NOW - 3, NOW - 2, NOW - 1), "running": False}, Start("w")),
    ],
)
def test_a_slot_is_decided_upon(seen, action):
    assert decide([slot(**seen)], NOW, POLICY) == ([action] if action else [])


def test_each_slot_gets_its_own_action():
    slots = [
        slot(name="away", running=False),
        slot(name="well"),
        slot(name="silent", last_pulse_at=NOW - 30),
        slot(name="aborted", last_pulse_at=NOW - 30, aborted_at=NOW - 4),
    ]
    assert decide(slots, NOW, POLICY) == [
        Start("away"),
        Abort("silent", "no heartbeat for 30 s"),
        Kill("aborted"),
    ]


def test_a_pool_that_cannot_go_on_is_closed_while_another_one_can():
    slots = [
        slot(name="a-1", pool="a", failed="no such model"),
        slot(name="a-2", pool="a", failed="no such model, either"),
        slot(name="b-1", pool="b", running=False),
        slot(name="valkey", pool=None),
    ]
    assert decide(slots, NOW, POLICY) == [ClosePool("a", "no such model"), Start("b-1")]
    others_too = [replace(slots[2], failed="the key is wrong"), *slots]
    assert decide(others_too, NOW, POLICY) == [EndFarm("the key is wrong")]


def test_a_worker_is_replaced_after_as_many_tasks_as_it_may_work():
    policy = Policy(recycle_tasks=1000, recycle_mib=None, kill_mib=None)
    assert decide([slot(tasks_done=999, memory_mib=1e6)], NOW, policy) == []
    assert decide([slot(tasks_done=1000)], NOW, policy) == [Recycle("w", "it has worked 1000 tasks")]


def test_the_farm_s_end_stands_alone():
    slots = [slot(name="a", running=False), slot(name="b", failed="no such model")]
    assert decide(slots, NOW, POLICY) == [EndFarm("no such model")]


@pytest.mark.parametrize(
    ("ends_of_a", "ends_of_b", "gives_up"),
    [
        (6, 0, False),
        (7, 0, True),
        (3, 3, False),
        (4, 3, True),
    ],
)
def test_more_than_three_ends_per_slot_in_five_minutes_end_the_farm(ends_of_a, ends_of_b, gives_up):
    slots = [
        slot(name="a", ends=tuple(NOW - 299 + n for n in range(ends_of_a)), last_reason="killed by SIGSEGV"),
        slot(name="b", ends=tuple(NOW - 150 + n for n in range(ends_of_b)), last_reason="exit code 1"),
    ]
    actions = decide(slots, NOW, POLICY)
    assert bool(actions) is gives_up
    if gives_up:
        last = "exit code 1" if ends_of_b else "killed by SIGSEGV"
        assert actions == [EndFarm(f"children ended 7 times within 5 minutes, the last one by: {last}")]


def test_ends_of_long_ago_are_forgiven():
    assert decide([slot(ends=tuple(NOW - 300 - n for n in range(50)))], NOW, POLICY) == []


@pytest.mark.parametrize(
    ("in_a_row", "seconds"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 30), (8, 30), (5000, 30)]
)
def test_the_delay_doubles_up_to_half_a_minute(in_a_row, seconds):
    assert restart_delay_seconds([NOW], in_a_row, NOW, POLICY, 0.0) == seconds


@pytest.mark.parametrize(("spread", "seconds"), [(-1, 1.5), (-0.5, 1.75), (0, 2.0), (1, 2.5)])
def test_the_delay_is_spread_by_a_quarter(spread, seconds):
    assert restart_delay_seconds([NOW], 3, NOW, POLICY, spread) == seconds


def test_five_ends_within_a_minute_rest_the_slot_for_a_minute():
    ends = [NOW - 40, NOW - 30, NOW - 20, NOW - 10, NOW]
    assert restart_delay_seconds(ends, 5, NOW, POLICY, 1.0) == 60
    assert restart_delay_seconds([NOW - 60, *ends[1:]], 5, NOW, POLICY, 0.0) == 8


@pytest.mark.parametrize(("last", "lived", "now"), [(0, 0.1, 1), (3, 59.9, 4), (3, 60, 1), (9, 1e6, 1)])
def test_a_minute_s_health_resets_the_doubling(last, lived, now):
    assert streak(last, lived, POLICY) == now
