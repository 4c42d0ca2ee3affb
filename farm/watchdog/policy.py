"""What the watchdog does about each child: pure decisions over what was seen, tested as a table of cases."""

from collections.abc import Sequence
from dataclasses import dataclass

SECOND = 1.0
MINUTE = 60 * SECOND
MOST_DOUBLINGS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The limits; all times in seconds."""

    boot_seconds: float = MINUTE
    silence_seconds: float = 15 * SECOND
    kill_after_seconds: float = 3 * SECOND
    first_delay_seconds: float = 0.5 * SECOND
    most_delay_seconds: float = 30 * SECOND
    jitter: float = 0.25
    healthy_seconds: float = MINUTE
    loop_ends: int = 5
    loop_window_seconds: float = MINUTE
    rest_seconds: float = MINUTE
    give_up_per_slot: int = 3
    give_up_window_seconds: float = 5 * MINUTE


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotView:
    """One place for a child, as seen at one moment; times are monotonic seconds.

    `ends` holds the times of unexpected ends, `last_reason` why the last one came about; `failed` is the
    reason a child gave for being unable to work until somebody mends it.
    """

    name: str
    running: bool
    started_at: float | None = None
    last_pulse_at: float | None = None
    aborted_at: float | None = None
    killed: bool = False
    restart_at: float = 0.0
    ends: tuple[float, ...] = ()
    last_reason: str | None = None
    failed: str | None = None
    pulses: bool = True


@dataclass(frozen=True, slots=True)
class Start:
    """Start the slot's child."""

    slot: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Ask a hung child for a stack dump and its end (SIGABRT)."""

    slot: str
    reason: str


@dataclass(frozen=True, slots=True)
class Kill:
    """End the child by force (SIGKILL)."""

    slot: str


@dataclass(frozen=True, slots=True)
class EndFarm:
    """Stop everything: going on would only spin."""

    reason: str


Action = Start | Abort | Kill | EndFarm


def decide(slots: Sequence[SlotView], now: float, policy: Policy) -> list[Action]:
    """What to do now. An end of the farm stands alone; all else is at most one action per slot."""
    if (reason := _hopeless(slots, now, policy)) is not None:
        return [EndFarm(reason)]
    return [action for slot in slots if (action := _decide_slot(slot, now, policy)) is not None]


def _hopeless(slots: Sequence[SlotView], now: float, policy: Policy) -> str | None:
    for slot in slots:
        if slot.failed is not None:
            return slot.failed
    recent = sum(end > now - policy.give_up_window_seconds for slot in slots for end in slot.ends)
    if recent > policy.give_up_per_slot * max(len(slots), 1):
        minutes = policy.give_up_window_seconds / MINUTE
        last = max((slot for slot in slots if slot.ends), key=lambda slot: slot.ends[-1])
        return (
            f"children ended {recent} times within {minutes:g} minutes, the last one by: {last.last_reason}"
        )
    return None


def _decide_slot(slot: SlotView, now: float, policy: Policy) -> Action | None:
    if not slot.running:
        return Start(slot.name) if now >= slot.restart_at else None
    if slot.aborted_at is not None:
        overdue = now - slot.aborted_at >= policy.kill_after_seconds and not slot.killed
        return Kill(slot.name) if overdue else None
    if (reason := _hung(slot, now, policy)) is not None:
        return Abort(slot.name, reason)
    return None


def _hung(slot: SlotView, now: float, policy: Policy) -> str | None:
    if not slot.pulses or slot.started_at is None:
        return None
    if slot.last_pulse_at is None:
        late = now - slot.started_at > policy.boot_seconds
        return f"not ready after {policy.boot_seconds:g} s" if late else None
    silent = now - slot.last_pulse_at
    return f"no heartbeat for {silent:.0f} s" if silent > policy.silence_seconds else None


def streak(last: int, lived_seconds: float, policy: Policy) -> int:
    """How many unexpected ends a slot has had in a row, given the count before this one; health resets it."""
    return 1 if lived_seconds >= policy.healthy_seconds else last + 1


def restart_delay_seconds(
    ends: Sequence[float], streak: int, now: float, policy: Policy, spread: float
) -> float:
    """How long a slot waits after the last of its unexpected `ends`; `spread` is from -1 to 1.

    The delay doubles with each end in a row from 0.5 s to 30 s; too many ends within a minute rest the slot
    for a minute.
    """
    recent = [end for end in ends if end > now - policy.loop_window_seconds]
    if len(recent) >= policy.loop_ends:
        return policy.rest_seconds
    doublings = min(max(streak - 1, 0), MOST_DOUBLINGS)
    delay = min(policy.first_delay_seconds * 2.0**doublings, policy.most_delay_seconds)
    return delay * (1 + policy.jitter * spread)
