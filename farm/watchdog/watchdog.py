"""The watchdog's loop: look at every child, decide (policy), act.

It runs in the main thread: on Linux a child's parent-death signal follows the thread that started it.
"""

import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import uniform

import structlog

from farm.errors import FarmError
from farm.watchdog.child import Child, describe_exit
from farm.watchdog.policy import (
    Abort,
    Action,
    EndFarm,
    Kill,
    Policy,
    SlotView,
    Start,
    decide,
    restart_delay_seconds,
    streak,
)
from farm.worker.pulse import Pulse

TICK_SECONDS = 0.1
HALT_SECONDS = 5.0
KILL_SECONDS = 3.0
ENDS_KEPT = 100
SIGABRT = signal.SIGABRT
SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)

log = structlog.stdlib.get_logger(__name__)


class FarmEnded(FarmError):
    """The farm could not go on; the message is the reason."""


@dataclass(kw_only=True)
class Slot:
    """One place for a child, and what is remembered of the children it had."""

    name: str
    start: Callable[[int], Child]
    pulses: bool = True
    child: Child | None = None
    lives: int = 0
    started_at: float | None = None
    last_pulse_at: float | None = None
    last_pulse: Pulse | None = None
    aborted_at: float | None = None
    abort_reason: str | None = None
    killed: bool = False
    restart_at: float = 0.0
    ends: list[float] = field(default_factory=list)
    streak: int = 0
    last_reason: str | None = None
    passing: str | None = None
    failed: str | None = None

    def view(self) -> SlotView:
        """What the policy may know."""
        return SlotView(
            name=self.name,
            running=self.child is not None,
            started_at=self.started_at,
            last_pulse_at=self.last_pulse_at,
            aborted_at=self.aborted_at,
            killed=self.killed,
            restart_at=self.restart_at,
            ends=tuple(self.ends),
            last_reason=self.last_reason,
            failed=self.failed,
            pulses=self.pulses,
        )


class Watchdog:
    """Keeps one child in every slot. `on_end(child name, reason)` hears of each end, expected or not."""

    def __init__(
        self,
        *,
        on_end: Callable[[str, str], None],
        policy: Policy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_end = on_end
        self._policy = policy or Policy()
        self._clock = clock
        self._slots: dict[str, Slot] = {}

    def add(self, slot: Slot) -> None:
        """Give the watchdog one more slot to fill."""
        self._slots[slot.name] = slot

    @property
    def children(self) -> list[Child]:
        """Every running child."""
        return [slot.child for slot in self._slots.values() if slot.child is not None]

    def ready(self, names: Iterable[str]) -> bool:
        """Whether the children of these slots have all shown life."""
        return all(self._slots[name].last_pulse_at is not None for name in names)

    def tick(self) -> None:
        """Look, decide and act once. Raises FarmEnded when going on would only spin."""
        for slot in self._slots.values():
            self._look(slot)
        now = self._clock()
        for action in decide([slot.view() for slot in self._slots.values()], now, self._policy):
            self._apply(action, now)

    def _look(self, slot: Slot) -> None:
        if slot.child is None:
            return
        code = slot.child.exit_code
        self._listen(slot, slot.child)
        if code is not None:
            self._bury(slot, slot.child, code)

    def _listen(self, slot: Slot, child: Child) -> None:
        for message in child.messages():
            if isinstance(message, Pulse):
                slot.last_pulse, slot.last_pulse_at = message, self._clock()
            elif message.passing:
                slot.passing = message.reason
            else:
                slot.failed = message.reason

    def _bury(self, slot: Slot, child: Child, code: int) -> None:
        now = self._clock()
        reason = slot.failed or slot.passing or slot.abort_reason or describe_exit(code)
        log.warning("child ended", child=child.name, pid=child.pid, reason=reason)
        child.close()
        slot.child = slot.passing = slot.abort_reason = slot.aborted_at = None
        slot.killed, slot.last_reason = False, reason
        slot.ends = [*slot.ends[-ENDS_KEPT:], now]
        slot.streak = streak(slot.streak, now - (slot.started_at or now), self._policy)
        slot.restart_at = now + restart_delay_seconds(
            slot.ends, slot.streak, now, self._policy, uniform(-1, 1)
        )
        self._on_end(child.name, reason)

    def _apply(self, action: Action, now: float) -> None:
        match action:
            case EndFarm(reason):
                raise FarmEnded(reason)
            case Start(name):
                self._start(self._slots[name], now)
            case Abort(name, reason):
                slot = self._slots[name]
                slot.aborted_at, slot.abort_reason = now, reason
                log.warning("child hangs", child=name, reason=reason)
                self._signal(slot, SIGABRT)
            case Kill(name):
                slot = self._slots[name]
                slot.killed = True
                self._signal(slot, SIGKILL)

    def _start(self, slot: Slot, now: float) -> None:
        slot.lives += 1
        slot.child = slot.start(slot.lives)
        slot.started_at, slot.last_pulse_at = now, None
        log.info("child started", child=slot.child.name, pid=slot.child.pid, restarts=slot.lives - 1)

    def _signal(self, slot: Slot, number: int) -> None:
        if slot.child is not None:
            slot.child.send_signal(number)

    def stop(
        self, names: Iterable[str], *, grace_seconds: float, hurry: Callable[[], bool] = lambda: False
    ) -> None:
        """End the children of these slots: politely, after `grace_seconds` firmly, then by force.

        `hurry` cuts the grace short, as a second Ctrl-C does.
        """
        slots = [slot for name in names if (slot := self._slots.pop(name, None)) is not None]
        self._signal_all(slots, signal.SIGTERM)
        if not self._await_ends(slots, grace_seconds, hurry):
            self._signal_all(slots, signal.SIGINT)  # a second SIGTERM could merge with one still pending
            if not self._await_ends(slots, HALT_SECONDS):
                self._signal_all(slots, SIGKILL)
                self._await_ends(slots, KILL_SECONDS)

    def _signal_all(self, slots: Iterable[Slot], number: int) -> None:
        for slot in slots:
            self._signal(slot, number)

    def _await_ends(
        self, slots: Iterable[Slot], seconds: float, hurry: Callable[[], bool] = lambda: False
    ) -> bool:
        """Whether all ended within `seconds`."""
        until = self._clock() + seconds
        while alive := [slot for slot in slots if slot.child is not None]:
            for slot in alive:
                self._look_for_end(slot)
            if self._clock() > until or hurry():
                return not any(slot.child for slot in slots)
            time.sleep(TICK_SECONDS / 2)
        return True

    def _look_for_end(self, slot: Slot) -> None:
        child = slot.child
        if child is None or (code := child.exit_code) is None:
            return
        self._listen(slot, child)
        child.close()
        slot.child = None
        self._on_end(child.name, slot.failed or ("stopped" if code == 0 else describe_exit(code)))
