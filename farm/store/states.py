"""The task state machine, as one table that the code and its tests both use.

queued ──claim──► leased(token, until) ──► accepted | rejected | dead
   ▲                   │
   └─ release, expire ─┘      (attempts left; else dead, with the reason)
"""

from enum import StrEnum


class TaskState(StrEnum):
    """Where a task stands. The last three are final until somebody requeues the task."""

    QUEUED = "queued"
    LEASED = "leased"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEAD = "dead"


SETTLED = frozenset({TaskState.ACCEPTED, TaskState.REJECTED, TaskState.DEAD})

TRANSITIONS: frozenset[tuple[TaskState, str, TaskState]] = frozenset(
    {
        (TaskState.QUEUED, "claim", TaskState.LEASED),
        (TaskState.QUEUED, "cancel", TaskState.DEAD),
        (TaskState.LEASED, "release", TaskState.QUEUED),
        (TaskState.LEASED, "expire", TaskState.QUEUED),
        (TaskState.LEASED, "expire", TaskState.DEAD),
        (TaskState.LEASED, "stop", TaskState.DEAD),
        (TaskState.LEASED, "accept", TaskState.ACCEPTED),
        (TaskState.LEASED, "reject", TaskState.REJECTED),
        (TaskState.REJECTED, "requeue", TaskState.QUEUED),
        (TaskState.DEAD, "requeue", TaskState.QUEUED),
    }
)
