"""What a worker tells its watchdog, over the pipe between them."""

from dataclasses import dataclass
from enum import StrEnum


class WorkerState(StrEnum):
    """Where a worker stands in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """A sign of life, sent about once a second from the event loop, so that a stuck loop goes silent."""

    state: WorkerState
    in_flight: int = 0
    tasks_done: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The worker cannot go on until somebody mends what `reason` says, or, if `passing`, until it passes."""

    reason: str
    passing: bool = False
