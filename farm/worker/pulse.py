"""What a worker and its watchdog tell each other, over the two pipes between them."""

from dataclasses import dataclass
from enum import StrEnum

from farm.worker.phases import Overdue


class WorkerState(StrEnum):
    """Where a worker stands in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """A sign of life, sent about once a second from the event loop, so that a stuck loop goes silent.

    `overdue` is the phase that lies furthest behind its own deadline.
    """

    state: WorkerState
    in_flight: int = 0
    tasks_done: int = 0
    overdue: Overdue | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The worker cannot go on until somebody mends what `reason` says, or, if `passing`, until it passes."""

    reason: str
    passing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Retire:
    """The watchdog's word to a worker: take nothing more, finish what is in flight, and end."""

    reason: str
