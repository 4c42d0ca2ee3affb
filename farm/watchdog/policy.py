"""What the watchdog does about each child: pure decisions over what was seen, tested as a table of cases."""

from collections.abc import Sequence
from dataclasses import dataclass

from farm.worker.phases import Overdue

SECOND = 1.0
MINUTE = 60 * SECOND
MOST_DOUBLINGS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The limits; all times in seconds, memory in MiB. None: no limit."""

    boot_seconds: float = MINUTE
    silence_seconds: float = 15 * SECOND
    overdue_seconds: float = 10 * SECOND
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
    recycle_mib: float | None = 512
    kill_mib: float | None = 1024
    recycle_tasks: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotView:
    """One place for a child, as seen at one moment; times are monotonic seconds.

    `pool` is the pool that a worker belongs to, None for a server. `ends` holds the times of unexpected ends,
    `last_reason` why the last one came about; `failed` is the reason a child gave for being unable to work
    until somebody mends it. `leaving` slots are given up with their present child; a `retiring` child has
    been told to finish what it has.
    """

    name: str
    running: bool
    pool: str | None = "default"
    started_at: float | None = None
    last_pulse_at: float | None = None
    aborted_at: float | None = None
    killed: bool = False
    restart_at: float = 0.0
    ends: tuple[float, ...] = ()
    last_reason: str | None = None
    failed: str | None = None
    leaving: bool = False
    retiring: bool = False
    overdue: Overdue | None = None
    memory_mib: float = 0.0
    tasks_done: int = 0
    boot_seconds: float | None = None
    silence_seconds: float | None = None
    vital: bool = True


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
    """End the child by force (SIGKILL); a reason where it was not aborted before."""

    slot: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Recycle:
    """Let the child finish what it has and end, to be replaced by a fresh one."""

    slot: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClosePool:
    """Give up one pool until somebody mends what is wrong; the others go on."""

    pool: str
    reason: str


@dataclass(frozen=True, slots=True)
class EndFarm:
    """Stop everything: going on would only spin."""

    reason: str


Action = Start | Abort | Kill | Recycle | ClosePool | EndFarm


def decide(slots: Sequence[SlotView], now: float, policy: Policy) -> list[Action]:
    """What to do now. An end of the farm stands alone; all else is at most one action per slot."""
    if (reason := _hopeless(slots, now, policy)) is not None:
        return [EndFarm(reason)]
    failed = _failed_pools(slots)
    closing: list[Action] = [ClosePool(pool, reason) for pool, reason in failed.items()]
    others = [slot for slot in slots if slot.pool not in failed]
    return closing + [action for slot in others if (action := _decide_slot(slot, now, policy)) is not None]


def _failed_pools(slots: Sequence[SlotView]) -> dict[str, str]:
    """Each pool of which a worker cannot go on, with the reason that the first one gave."""
    failed: dict[str, str] = {}
    for slot in slots:
        if slot.failed is not None and slot.pool is not None:
            failed.setdefault(slot.pool, slot.failed)
    return failed


def _hopeless(slots: Sequence[SlotView], now: float, policy: Policy) -> str | None:
    failed = _failed_pools(slots)
    if failed and not {slot.pool for slot in slots if slot.pool is not None} - failed.keys():
        return next(iter(failed.values()))
    slots = [slot for slot in slots if slot.vital]
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
        return Start(slot.name) if now >= slot.restart_at and not slot.leaving else None
    if slot.killed:
        return None
    if slot.aborted_at is not None:
        return Kill(slot.name) if now - slot.aborted_at >= policy.kill_after_seconds else None
    if (reason := _hung(slot, now, policy)) is not None:
        return Abort(slot.name, reason)
    if slot.pool is not None:
        return _decide_size(slot, policy)
    return None


def _hung(slot: SlotView, now: float, policy: Policy) -> str | None:
    if slot.started_at is None:
        return None
    if slot.last_pulse_at is None:
        boot_seconds = slot.boot_seconds or policy.boot_seconds
        return f"not ready after {boot_seconds:g} s" if now - slot.started_at > boot_seconds else None
    silent = now - slot.last_pulse_at
    if silent > (slot.silence_seconds or policy.silence_seconds):
        return f"no heartbeat for {silent:.0f} s"
    if slot.overdue is not None and slot.overdue.seconds > policy.overdue_seconds:
        return f"{slot.overdue.what} is {slot.overdue.seconds:.0f} s past its deadline"
    return None


def _decide_size(slot: SlotView, policy: Policy) -> Action | None:
    """Replace what has grown: between tasks while there is time, at once where there is none."""
    used = f"it uses {slot.memory_mib:.0f} MiB of memory"
    if policy.kill_mib is not None and slot.memory_mib > policy.kill_mib:
        return Kill(slot.name, f"{used}, more than the {policy.kill_mib:g} it may")
    if slot.retiring or not slot.tasks_done:  # what is too big from its start would be so again
        return None
    if policy.recycle_mib is not None and slot.memory_mib > policy.recycle_mib:
        return Recycle(slot.name, f"{used}, and is replaced above {policy.recycle_mib:g}")
    if policy.recycle_tasks is not None and slot.tasks_done >= policy.recycle_tasks:
        return Recycle(slot.name, f"it has worked {slot.tasks_done} tasks")
    return None


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
