"""Which faults come when: planned from a seed before anything runs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """What befalls the farm."""

    KILL_WORKER = "worker"
    KILL_CHECKER = "checker"
    KILL_FARM = "farm"
    KILL_REDIS = "redis"
    STOP_WORKER = "worker stopped"
    STOP_REDIS = "redis stopped"
    PAUSE_REDIS = "redis paused"
    FILL_REDIS = "redis full"
    WIPE_REDIS = "redis wiped"
    LOCK_STORE = "store locked"
    RESTART_STORE = "store restarted"
    FILL_DISK = "disk full"


KILLS = (Kind.KILL_WORKER, Kind.KILL_CHECKER, Kind.KILL_FARM, Kind.KILL_REDIS)
STALLS = (Kind.STOP_WORKER, Kind.STOP_REDIS, Kind.PAUSE_REDIS, Kind.FILL_REDIS)
OUTAGES = {
    "sqlite": (Kind.LOCK_STORE, Kind.FILL_DISK),
    "postgres": (Kind.RESTART_STORE, Kind.LOCK_STORE, Kind.FILL_DISK),
}
KILL_SHARES = {Kind.KILL_CHECKER: 0.18, Kind.KILL_FARM: 0.07, Kind.KILL_REDIS: 0.1}
STALL_SHARES = {Kind.STOP_REDIS: 0.15, Kind.PAUSE_REDIS: 0.15, Kind.FILL_REDIS: 0.2}
LONG_STOPS = 0.6

# Shortest and longest, in seconds; those of STOP_WORKER are multiples of the lease.
DURATIONS = {
    Kind.STOP_REDIS: (0.5, 8.0),
    Kind.PAUSE_REDIS: (0.5, 6.0),
    Kind.FILL_REDIS: (1.0, 5.0),
    Kind.LOCK_STORE: (2.0, 8.0),
    Kind.RESTART_STORE: (0.2, 5.0),
    Kind.FILL_DISK: (3.0, 8.0),
}
SHORT_STOP_LEASES = (0.1, 0.7)
LONG_STOP_LEASES = (1.1, 2.8)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One planned fault. `choice` is from 0 to 1 and picks among what is there to be hit."""

    at_seconds: float
    kind: Kind
    lasts_seconds: float = 0.0
    choice: float = 0.0


def plan(
    *,
    seed: int,
    store: str,
    seconds: float,
    lease_seconds: float,
    kills: int,
    stalls: int,
    wipes: int,
    outages: int,
) -> list[Fault]:
    """All faults of a run in order of time; each kind is spread over the whole of it, with jitter."""
    chance = Random(seed)
    kinds = OUTAGES[store]
    groups: list[list[Kind]] = [
        _shared(kills, KILL_SHARES, Kind.KILL_WORKER),
        _shared(stalls, STALL_SHARES, Kind.STOP_WORKER),
        [Kind.WIPE_REDIS] * wipes,
        [kinds[number % len(kinds)] for number in range(outages)],
    ]
    faults = []
    for group in groups:
        if group[:1] != [kinds[0]]:
            chance.shuffle(group)
        for place, kind in enumerate(group):
            at = (place + chance.random()) / len(group) * seconds
            lasts = _lasts(kind, chance, lease_seconds)
            faults.append(Fault(at_seconds=at, kind=kind, lasts_seconds=lasts, choice=chance.random()))
    return sorted(faults, key=lambda fault: fault.at_seconds)


def _shared(count: int, shares: dict[Kind, float], rest: Kind) -> list[Kind]:
    """`count` kinds: each share at least once where there is room, the rest of one kind."""
    kinds: list[Kind] = []
    for kind, share in shares.items():
        kinds += [kind] * max(round(count * share), 1)
    kinds = kinds[: max(count - 1, 0)]
    return kinds + [rest] * (count - len(kinds))


def _lasts(kind: Kind, chance: Random, lease_seconds: float) -> float:
    if kind is Kind.STOP_WORKER:
        leases = LONG_STOP_LEASES if chance.random() < LONG_STOPS else SHORT_STOP_LEASES
        return lease_seconds * chance.uniform(*leases)
    return chance.uniform(*DURATIONS[kind]) if kind in DURATIONS else 0.0


def count(faults: Sequence[Kind], kinds: Sequence[Kind]) -> int:
    """How many of `faults` are of these kinds."""
    return sum(kind in kinds for kind in faults)
