"""The watchdog's loop over children that are only pretended, with a clock that only moves by hand."""

import signal
from itertools import pairwise

import pytest

from farm.watchdog.policy import Policy
from farm.watchdog.watchdog import SIGKILL, End, FarmEnded, Slot, Watchdog
from farm.worker.phases import Overdue
from farm.worker.pulse import Failed, Pulse, WorkerState

READY = Pulse(state=WorkerState.READY)


class PretendedChild:
    """A child that lives until told otherwise."""

    def __init__(self, name: str) -> None:
        self.name, self.pid = name, 4711
        self.exit_code: int | None = None
        self.told: list[Pulse | Failed] = []
        self.signals: list[int] = []
        self.retired: list[str] = []
        self.mib = 100.0
        self.closed = False

    def messages(self) -> list[Pulse | Failed]:
        told, self.told = self.told, []
        return told

    def memory_mib(self) -> float:
        return self.mib

    def send_signal(self, number: int) -> None:
        self.signals.append(number)

    def retire(self, reason: str) -> None:
        self.retired.append(reason)

    def close(self) -> None:
        self.closed = True


class Scene:
    """A watchdog over one slot."""

    def __init__(self, **policy: float) -> None:
        self.now = 0.0
        self.children: list[PretendedChild] = []
        self.ended: list[tuple[str, str]] = []
        self.wanted: list[bool] = []
        self.dog = Watchdog(
            on_end=self.note_end,
            policy=Policy(**({"jitter": 0.0} | policy)),
            clock=lambda: self.now,
        )
        self.dog.add(Slot(name="w", start=self.start))
        self.dog.tick()

    def note_end(self, end: End) -> None:
        self.ended.append((end.name, end.reason))
        self.wanted.append(end.wanted)

    def start(self, life: int) -> PretendedChild:
        self.children.append(PretendedChild(f"w-{life}"))
        return self.children[-1]

    @property
    def child(self) -> PretendedChild:
        return self.children[-1]

    def tick(self, seconds: float = 0.1) -> None:
        self.now += seconds
        self.dog.tick()


def test_a_child_that_ends_is_buried_and_started_again_after_a_pause():
    scene = Scene()
    scene.child.exit_code = -9
    scene.tick()
    assert scene.ended == [("w-1", "killed by SIGKILL")]
    assert scene.child.closed
    scene.tick(0.4)
    assert len(scene.children) == 1
    scene.tick(0.2)
    assert scene.child.name == "w-2"


def test_ready_means_that_the_present_child_has_shown_life():
    scene = Scene()
    assert not scene.dog.ready(["w"])
    scene.child.told = [READY]
    scene.tick()
    assert scene.dog.ready(["w"])
    scene.child.exit_code = 1
    scene.tick()
    scene.tick(1.0)
    assert not scene.dog.ready(["w"])


def test_a_silent_child_is_aborted_then_killed_and_its_end_carries_the_reason():
    scene = Scene()
    scene.child.told = [READY]
    scene.tick()
    scene.tick(15.5)
    assert scene.child.signals == [signal.SIGABRT]
    scene.tick(2.9)
    assert scene.child.signals == [signal.SIGABRT]
    scene.tick(0.2)
    scene.tick(5.0)
    assert scene.child.signals == [signal.SIGABRT, SIGKILL]
    scene.child.exit_code = -9
    scene.tick()
    assert scene.ended == [("w-1", "no heartbeat for 16 s")]


def test_pulses_read_late_still_count():
    scene = Scene()
    scene.child.told = [READY]
    scene.tick()
    scene.child.told = [READY] * 60
    scene.tick(60.0)
    assert scene.child.signals == []


def test_what_a_child_told_before_its_end_is_heard():
    scene = Scene()
    scene.child.told = [READY, Failed(reason="the key is wrong")]
    scene.child.exit_code = 3
    with pytest.raises(FarmEnded, match="the key is wrong"):
        scene.tick()
    assert scene.ended == [("w-1", "the key is wrong")]


def test_trouble_that_may_pass_costs_a_restart_and_not_the_farm():
    scene = Scene()
    scene.child.told = [Failed(reason="Redis is away", passing=True)]
    scene.child.exit_code = 3
    scene.tick()
    assert scene.ended == [("w-1", "Redis is away")]
    scene.tick(1.0)
    assert scene.child.name == "w-2"


def test_trouble_that_may_pass_is_waited_for_with_growing_pauses():
    scene = Scene()
    starts = []
    for _ in range(3000):
        if scene.child.exit_code is None:
            starts.append(scene.now)
            scene.child.told = [Failed(reason="Redis is away", passing=True)]
            scene.child.exit_code = 3
        scene.tick(0.1)
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses[:4] == pytest.approx([0.5, 1, 2, 4], abs=0.3)
    assert max(pauses) == pytest.approx(30, abs=0.3)
    assert set(scene.ended) == {(f"w-{life}", "Redis is away") for life in range(1, len(starts) + 1)}


def test_a_child_that_ends_over_and_over_ends_the_farm_with_its_reason():
    scene = Scene(rest_seconds=1.0)

    def crash_for_ever():
        while True:
            scene.child.exit_code = -11
            scene.tick(1.0)

    with pytest.raises(FarmEnded, match=r"children ended 4 times .*: killed by SIGSEGV"):
        crash_for_ever()
    assert len(scene.ended) == 4


@pytest.mark.parametrize(
    ("mib", "tasks", "reason"),
    [
        (513.0, 1, "it uses 513 MiB of memory, and is replaced above 512"),
        (100.0, 50, "it has worked 50 tasks"),
    ],
)
def test_a_child_that_has_grown_is_replaced_when_it_has_finished(mib, tasks, reason):
    scene = Scene(recycle_tasks=50)
    scene.child.told, scene.child.mib = [Pulse(state=WorkerState.READY, tasks_done=tasks)], mib
    for _ in range(30):
        scene.tick()
    assert scene.child.retired == [reason], "it is told once"
    assert scene.child.signals == []
    scene.child.exit_code = 0
    scene.tick()
    assert (scene.ended, scene.wanted) == ([("w-1", reason)], [True])
    assert scene.child.name == "w-2", "there is no pause after an end that was wanted"


def test_a_child_that_uses_far_too_much_is_killed_at_once_and_its_end_says_so():
    scene = Scene()
    scene.child.mib = 2000.0
    scene.tick(1.5)
    scene.tick()
    assert scene.child.signals == [SIGKILL]
    scene.child.exit_code = -9
    scene.tick()
    assert scene.ended == [("w-1", "it uses 2000 MiB of memory, more than the 1024 it may")]
    assert scene.wanted == [False]


def test_a_child_that_crashes_while_it_retires_has_not_ended_as_wanted():
    scene = Scene()
    scene.dog.retire("w", "its settings have changed")
    scene.child.exit_code = -11
    scene.tick()
    assert (scene.ended, scene.wanted) == ([("w-1", "killed by SIGSEGV")], [False])


def test_a_phase_past_its_deadline_ends_the_child_and_names_the_task():
    scene = Scene()
    late = Overdue(what="the model call of task 7", seconds=10.4)
    scene.child.told = [Pulse(state=WorkerState.READY, overdue=late)]
    scene.tick()
    assert scene.child.signals == [signal.SIGABRT]
    scene.child.exit_code = -6
    scene.tick()
    assert scene.ended == [("w-1", "the model call of task 7 is 10 s past its deadline")]


def test_a_slot_that_is_given_up_goes_with_its_child():
    scene = Scene()
    scene.dog.leave("w", "scaled down")
    assert scene.child.retired == ["scaled down"]
    assert (scene.dog.has("w"), scene.dog.knows("w")) == (False, True)
    scene.child.exit_code = 0
    scene.tick()
    scene.tick(100.0)
    assert len(scene.children) == 1
    assert not scene.dog.knows("w")
    assert scene.ended == [("w-1", "scaled down")]


def test_a_slot_that_is_wanted_again_before_its_child_has_ended_stays():
    scene = Scene()
    scene.dog.leave("w", "scaled down")
    scene.dog.stay("w")
    scene.child.exit_code = 0
    scene.tick()
    assert scene.child.name == "w-2"


def test_a_slot_between_two_children_is_given_up_at_once():
    scene = Scene()
    scene.child.exit_code = -9
    scene.tick()
    scene.dog.leave("w", "scaled down")
    scene.tick(100.0)
    assert len(scene.children) == 1


def test_one_pool_is_closed_with_its_reason_and_the_other_goes_on():
    scene = Scene()
    others = []
    scene.dog.add(
        Slot(
            name="b", start=lambda life: others.append(PretendedChild(f"b-{life}")) or others[-1], pool="big"
        )
    )
    scene.tick()
    others[0].told, others[0].exit_code = [Failed(reason="no such model")], 3
    for _ in range(50):
        scene.tick()
    assert scene.dog.closed == {"big": "no such model"}
    assert scene.dog.workers == ["w"]
    assert scene.ended == [("b-1", "no such model")]
    assert len(others) == len(scene.children) == 1
    scene.child.told = [Failed(reason="the key is wrong")]
    with pytest.raises(FarmEnded, match="the key is wrong"):
        scene.tick()


def test_stopping_hurries_with_another_signal_and_then_kills(monkeypatch):
    scene = Scene()
    monkeypatch.setattr("farm.watchdog.watchdog.time.sleep", lambda s: setattr(scene, "now", scene.now + s))
    started = scene.now
    scene.dog.stop(["w"], grace_seconds=20)
    assert scene.child.signals == [signal.SIGTERM, signal.SIGINT, SIGKILL]
    assert scene.now - started == pytest.approx(20 + 5 + 3, abs=0.3)


def test_hurry_cuts_the_grace_short(monkeypatch):
    scene = Scene()
    monkeypatch.setattr("farm.watchdog.watchdog.time.sleep", lambda s: setattr(scene, "now", scene.now + s))
    scene.dog.stop(["w"], grace_seconds=1000, hurry=lambda: True)
    assert scene.now < 10


def test_a_child_that_was_stopped_leaves_a_plain_reason():
    scene = Scene()
    scene.child.exit_code = 0
    scene.dog.stop(["w"], grace_seconds=20)
    assert scene.ended == [("w-1", "stopped")]
    scene.tick(100.0)
    assert len(scene.children) == 1


def test_a_child_that_cannot_be_started_just_now_is_tried_again_later():
    scene = Scene()
    refusals = [OSError(11, "Resource temporarily unavailable")] * 2
    start = scene.dog._slots["w"].start

    def reluctant(life: int) -> PretendedChild:
        if refusals:
            raise refusals.pop()
        return start(life)

    scene.dog._slots["w"].start = reluctant
    scene.child.exit_code = -9
    for _ in range(50):
        scene.tick()
    assert len(scene.children) == 2
    assert refusals == []
    assert [name for name, _ in scene.ended] == ["w-1"]
