"""What a worker's tasks are doing now, and which of them is past its deadline.

Each phase has a deadline that its own code keeps. One that lies far behind it shows a worker whose loop still
turns but whose task never will: the watchdog then replaces the worker.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """A phase past its deadline: what it does, and by how much (seconds)."""

    what: str
    seconds: float


class Phases:
    """The running phases with their deadlines; `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._running: dict[int, tuple[str, float]] = {}
        self._next_id = 0

    @contextmanager
    def phase(self, what: str, *, deadline_seconds: float) -> Iterator[None]:
        """Within, the current task is at `what`, for `deadline_seconds` at most."""
        self._next_id += 1
        id_, task = self._next_id, asyncio.current_task()
        name = task.get_name() if task else "a task"
        self._running[id_] = (f"{what} of {name}", self._clock() + deadline_seconds)
        try:
            yield
        finally:
            del self._running[id_]

    def most_overdue(self) -> Overdue | None:
        """The phase that lies furthest behind its deadline; None while all are in time."""
        if not self._running:
            return None
        what, deadline = min(self._running.values(), key=lambda running: running[1])
        late = self._clock() - deadline
        return Overdue(what=what, seconds=late) if late > 0 else None
