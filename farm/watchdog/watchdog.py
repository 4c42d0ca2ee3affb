"""The watchdog's loop: look at every child, decide (policy), act.

It runs in the main thread: on Linux a child's parent-death signal follows the thread that started it.
"""

import signal
import sys
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
from farm.worker.pulse import Pulse

TICK_SECONDS = 0.1
HALT_SECONDS = 5.0
KILL_SECONDS = 3.0
WEIGH_SECONDS = 1.0
ENDS_KEPT = 100
SIGABRT = signal.SIGABRT
SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)

log = structlog.stdlib.get_logger(__name__)


class FarmEnded(FarmError):
    """The farm could not go on; the message is the reason."""


@dataclass(kw_only=True)
class Slot:
    """One place for a child, and what is remembered of the children it had. `pool` is None for a server.

    The ends of one that is not `vital` never end the farm.
    """

    name: str
    start: Callable[[int], Child]
    pool: str | None = "default"
    boot_seconds: float | None = None
    silence_seconds: float | None = None
    vital: bool = True
    child: Child | None = None
    lives: int = 0
    started_at: float | None = None
    last_pulse_at: float | None = None
    last_pulse: Pulse | None = None
    aborted_at: float | None = None
    abort_reason: str | None = None
    retire_reason: str | None = None
    killed: bool = False
    leaving: bool = False
    memory_mib: float = 0.0
    weighed_at: float = 0.0
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
            pool=self.pool,
            started_at=self.started_at,
            last_pulse_at=self.last_pulse_at,
            aborted_at=self.aborted_at,
            killed=self.killed,
            restart_at=self.restart_at,
            ends=tuple(self.ends),
            last_reason=self.last_reason,
            failed=self.failed,
            leaving=self.leaving,
            retiring=self.retire_reason is not None,
            overdue=self.last_pulse.overdue if self.last_pulse else None,
            memory_mib=self.memory_mib,
            tasks_done=self.last_pulse.tasks_done if self.last_pulse else 0,
            boot_seconds=self.boot_seconds,
            silence_seconds=self.silence_seconds,
            vital=self.vital,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """The end of one child's life. `wanted`: somebody had it end, and it did so by itself."""

    name: str
    pid: int
    slot: str
    pool: str | None
    reason: str
    wanted: bool


class Watchdog:
    """Keeps one child in every slot. `on_end` hears of each end; `closed` says why a pool was given up."""

    def __init__(
        self,
        *,
        on_end: Callable[[End], None],
        policy: Policy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_end = on_end
        self.policy = policy or Policy()
        self._clock = clock
        self._slots: dict[str, Slot] = {}
        self.closed: dict[str, str] = {}

    def add(self, slot: Slot) -> None:
        """Give the watchdog one more slot to fill."""
        self._slots[slot.name] = slot

    def knows(self, name: str) -> bool:
        """Whether there is a slot of that name."""
        return name in self._slots

    def has(self, name: str) -> bool:
        """Whether there is a slot of that name, and it is to stay."""
        return self.knows(name) and not self._slots[name].leaving

    @property
    def workers(self) -> list[str]:
        """The slots of workers, those included that are being given up."""
        return [slot.name for slot in self._slots.values() if slot.pool is not None]

    def retire(self, name: str, reason: str) -> None:
        """Replace the slot's child by a fresh one, once it has finished what it has."""
        slot = self._slots[name]
        if slot.child is not None and slot.retire_reason is None:
            slot.retire_reason = reason
            slot.child.retire(reason)

    def leave(self, name: str, reason: str) -> None:
        """Give up a slot, once its child has finished what it has."""
        self._slots[name].leaving = True
        self.retire(name, reason)
        if self._slots[name].child is None:
            del self._slots[name]

    def stay(self, name: str) -> None:
        """Keep a slot that was to be given up; its child is replaced once it has ended."""
        self._slots[name].leaving = False

    @property
    def children(self) -> list[Child]:
        """Every running child."""
        return [slot.child for slot in self._slots.values() if slot.child is not None]

    def ready(self, names: Iterable[str]) -> bool:
        """Whether the children of these slots have all shown life."""
        return all(self._slots[name].last_pulse_at is not None for name in names)

    def tick(self) -> None:
        """Look, decide and act once. Raises FarmEnded when going on would only spin."""
        for slot in list(self._slots.values()):
            self._look(slot)
        now = self._clock()
        for action in decide([slot.view() for slot in self._slots.values()], now, self.policy):
            self._apply(action, now)

    def _look(self, slot: Slot) -> None:
        if slot.child is None:
            return
        code = slot.child.exit_code
        self._listen(slot, slot.child)
        if code is not None:
            self._bury(slot, slot.child, code)
        elif slot.pool is not None and self._clock() - slot.weighed_at >= WEIGH_SECONDS:
            slot.memory_mib, slot.weighed_at = slot.child.memory_mib(), self._clock()

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
        wanted = slot.retire_reason is not None and code == 0
        reason = slot.retire_reason if wanted else None
        reason = reason or slot.failed or slot.passing or slot.abort_reason or describe_exit(code)
        if wanted:
            log.info("child retired", child=child.name, pid=child.pid, reason=reason)
        else:
            log.warning("child ended", child=child.name, pid=child.pid, reason=reason)
            slot.last_reason = reason
            if slot.passing is None:  # waiting for a server that is away is no fault of the child's
                slot.ends = [*slot.ends[-ENDS_KEPT:], now]
            slot.streak = streak(slot.streak, now - (slot.started_at or now), self.policy)
        slot.restart_at = now if wanted else now + self._delay_seconds(slot, now)
        child.close()
        slot.child = slot.passing = slot.last_pulse = slot.aborted_at = None
        slot.abort_reason = slot.retire_reason = None
        slot.killed, slot.memory_mib = False, 0.0
        if slot.leaving:
            del self._slots[slot.name]
        self._tell_end(slot, child, reason, wanted)

    def _tell_end(self, slot: Slot, child: Child, reason: str, wanted: bool) -> None:
        end = End(
            name=child.name, pid=child.pid, slot=slot.name, pool=slot.pool, reason=reason, wanted=wanted
        )
        self._on_end(end)

    def _note_stillbirth(self, slot: Slot, reason: str, now: float) -> None:
        log.warning("child not started", child=slot.name, reason=reason)
        slot.last_reason, slot.streak = reason, slot.streak + 1
        slot.ends = [*slot.ends[-ENDS_KEPT:], now]
        slot.restart_at = now + self._delay_seconds(slot, now)

    def _delay_seconds(self, slot: Slot, now: float) -> float:
        return restart_delay_seconds(slot.ends, slot.streak, now, self.policy, uniform(-1, 1))

    def _apply(self, action: Action, now: float) -> None:
        match action:
            case EndFarm(reason):
                raise FarmEnded(reason)
            case Start(name):
                self._start(self._slots[name], now)
            case ClosePool(pool, reason):
                self._close_pool(pool, reason)
            case Abort(name, reason):
                slot = self._slots[name]
                slot.aborted_at, slot.abort_reason = now, reason
                log.warning("child hangs", child=name, reason=reason)
                self._signal(slot, SIGABRT)
            case Kill(name, reason):
                slot = self._slots[name]
                slot.killed, slot.abort_reason = True, reason or slot.abort_reason
                self._signal(slot, SIGKILL)
            case Recycle(name, reason):
                self.retire(name, reason)

    def _close_pool(self, pool: str, reason: str) -> None:
        self.closed[pool] = reason
        log.error("pool stopped", pool=pool, reason=reason)
        for slot in [slot for slot in self._slots.values() if slot.pool == pool]:
            slot.abort_reason, slot.failed = slot.failed, None  # decided upon once
            self.leave(slot.name, f"its pool stopped: {reason}")

    def _start(self, slot: Slot, now: float) -> None:
        slot.lives += 1
        try:
            slot.child = slot.start(slot.lives)
        except OSError as error:  # no memory, no process, no descriptor is left just now
            self._note_stillbirth(slot, f"it could not be started ({error})", now)
            return
        slot.started_at, slot.weighed_at, slot.last_pulse_at = now, now, None
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
        self._end_politely(slots)
        if not self._await_ends(slots, grace_seconds, hurry):
            self._signal_all(slots, signal.SIGINT)  # a second SIGTERM could merge with one still pending
            if not self._await_ends(slots, HALT_SECONDS):
                self._signal_all(slots, SIGKILL)
                self._await_ends(slots, KILL_SECONDS)

    def _end_politely(self, slots: Iterable[Slot]) -> None:
        for slot in slots:
            if sys.platform == "win32" and slot.child is not None and slot.pool is not None:
                slot.child.retire("the farm ends")  # a signal would end it at once
            else:
                self._signal(slot, signal.SIGTERM)

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
        reason = slot.failed or ("stopped" if code == 0 else describe_exit(code))
        self._tell_end(slot, child, reason, code == 0)
