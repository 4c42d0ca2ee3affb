"""How many tasks stand where: counted in the background, so that no page waits for a million of them."""

import threading
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from starlette.applications import Starlette

from farm.store import browse, status
from farm.store.browse import Count
from farm.store.engine import Store, now
from farm.store.states import TaskState
from farm.store.status import QueueStatus
from farm.store.task_selection import Selection

CAP = 10_000
PATIENCE_SECONDS = 0.08
STALE_SECONDS = 10.0
SHORTEST_SECONDS = 1.0
SHARE_OF_TIME = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many tasks stand in each state, and what waits in each queue, at that time."""

    at: datetime
    tasks: dict[str, Count]
    queues: tuple[QueueStatus, ...]


class Counting:
    """Counts again when somebody asks and the last count is old, and for a twentieth of the time at most."""

    def __init__(self, store: Store, queues: Sequence[str]) -> None:
        self._store, self._queues = store, list(queues)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="counting")
        self._lock = threading.Lock()
        self._under_way: Future[None] | None = None
        self._counts: Counts | None = None
        self._again_at = 0.0

    def now(self) -> Counts:
        """The last count; one up to a cap, where the last one is old and a new one takes its time."""
        under_way = self.begin()
        if under_way is not None:
            wait([under_way], PATIENCE_SECONDS)
        counts = self._counts
        if counts is not None and (now() - counts.at).total_seconds() < STALE_SECONDS:
            return counts
        return capped(self._store, self._queues)

    def begin(self) -> Future[None] | None:
        """Count anew if that is due; returns the last count, which may be under way."""
        with self._lock:
            idle = self._under_way is None or self._under_way.done()
            if idle and time.monotonic() >= self._again_at:
                self._under_way = self._thread.submit(self._count)
            return self._under_way

    def close(self) -> None:
        """Count no more."""
        self._thread.shutdown(cancel_futures=True)

    def _count(self) -> None:
        began = time.monotonic()
        try:
            with self._store.read() as connection:
                tasks = status.tasks_by_state(connection)
                queues = status.queues(connection, self._queues)
            exact = {state: Count(tasks=number, exact=True) for state, number in tasks.items()}
            self._counts = Counts(at=now(), tasks=exact, queues=tuple(queues))
        finally:
            ended = time.monotonic()
            self._again_at = ended + max(SHORTEST_SECONDS, (ended - began) / SHARE_OF_TIME)


def capped(store: Store, queues: Sequence[str]) -> Counts:
    """The counts up to a cap, in milliseconds whatever there is; without the ages of the oldest."""
    with store.read() as connection:
        tasks = {
            state.value: browse.count(connection, Selection(states=(state,)), cap=CAP) for state in TaskState
        }
        depths = [(name, status.depth(connection, name, cap=CAP)) for name in queues]
    waiting = tuple(QueueStatus(name=name, depth=depth, oldest_seconds=None) for name, depth in depths)
    return Counts(at=now(), tasks=tasks, queues=waiting)


@asynccontextmanager
async def service(app: Starlette) -> AsyncIterator[None]:
    """Makes `app.state.counting`."""
    farm = app.state.farm
    counting = app.state.counting = Counting(farm.store, list(farm.settings.all_pools()))
    counting.begin()
    try:
        yield
    finally:
        counting.close()
