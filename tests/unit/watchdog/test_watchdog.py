"""The watchdog's loop over children that are only pretended, with a clock that only moves by hand."""

import signal

import pytest

from farm.watchdog.policy import Policy
from farm.watchdog.watchdog import SIGKILL, FarmEnded, Slot, Watchdog
from farm.worker.pulse import Failed, Pulse, WorkerState

READY = Pulse(state=WorkerState.READY)


class PretendedChild:
    """A child that lives until told otherwise."""

    def __init__(self, name: str) -> None:
        self.name, self.pid = name, 4711
        self.exit_code: int | None = None
        self.told: list[Pulse | Failed] = []
        self.signals: list[int] = []
        self.closed = False

    def messages(self) -> list[Pulse | Failed]:
        told, self.told = self.told, []
        return told

    def send_signal(self, number: int) -> None:
        self.signals.append(number)

    def close(self) -> None:
        self.closed = True


class Scene:
    """A watchdog over one slot."""

    def __init__(self, **policy: float) -> None:
        self.now = 0.0
        self.children: list[PretendedChild] = []
        self.ended: list[tuple[str, str]] = []
        self.dog = Watchdog(
            on_end=lambda name, reason: self.ended.append((name, reason)),
            policy=Policy(**({"jitter": 0.0} | policy)),
            clock=lambda: self.now,
        )
        self.dog.add(Slot(name="w", start=self.start))
        self.dog.tick()

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


def test_trouble_that_does_not_pass_ends_the_farm_with_its_reason():
    scene = Scene(rest_seconds=1.0)

    def fail_for_ever():
        while True:
            if scene.child.exit_code is None:
                scene.child.told = [Failed(reason="Redis is away", passing=True)]
                scene.child.exit_code = 3
            scene.tick(1.0)

    with pytest.raises(FarmEnded, match=r"children ended 4 times .*: Redis is away"):
        fail_for_ever()
    assert len(scene.ended) == 4


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
