"""Bringing Redis in line with the store, again and again.

1. Leases that ran out are freed (their worker is gone or silent).
2. Each queue's window of hints is filled from the tasks that wait in the store.
3. A paused queue's hints are withdrawn.

It keeps no state between passes but when it last saw the store, so losing all of Redis, or this process,
costs at most one pass. Several reconcilers may run, for the same queues or others; one at a time issues
hints for a queue.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from farm.errors import StoreTrouble, TryAgain
from farm.outage import MOST_PAUSE_SECONDS, Outage
from farm.queue.hints import Hints
from farm.queue.job import job_id
from farm.queue.patience import Patience
from farm.store import tasks, workers
from farm.store.engine import Store

LEADER_TTL_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What one pass did."""

    expired: int = 0
    issued: int = 0


class Reconciler:
    """Frees leases and issues hints. `clock` gives monotonic seconds."""

    def __init__(
        self,
        store: Store,
        hints: Hints,
        *,
        name: str,
        queues: Iterable[str],
        window: int,
        lease_seconds: float,
        max_attempts: int,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._hints = hints
        self._name = name
        self._queues = tuple(queues)
        self._window = window
        self._max_attempts = max_attempts
        self._clock = clock
        self._patience = Patience(lease_seconds)
        self._store_outage = Outage(log, "the store", clock=clock)
        self._redis_outage = Outage(log, "Redis", clock=clock)
        self._next_pass_at = self._next_issue_at = float("-inf")

    def tick(self) -> Pass:
        """One pass. Trouble with a server is said once and left to a later pass; anything else is raised."""
        if self._clock() < self._next_pass_at:
            return Pass()
        try:
            done = Pass(expired=self._expire(), issued=self._issue())
        except (TryAgain, StoreTrouble) as error:
            self._next_pass_at = self._clock() + self._store_outage.note(error)
            return Pass()
        except Exception:
            self._next_pass_at = self._clock() + MOST_PAUSE_SECONDS
            raise
        self._store_outage.over()
        return done

    def _expire(self) -> int:
        """Free leases that ran out, but not right after an outage: their workers could not renew either.

        A write transaction shows that workers can write; what the store's clock said at its start is the
        limit, so that no lease ends that was renewed while we waited for the store.
        """
        with self._store.write() as connection:
            limit = tasks.clock(connection)
            if not self._patience.allows(self._clock(), limit):
                return 0
            return tasks.expire(connection, max_attempts=self._max_attempts, before=limit)

    def _issue(self) -> int:
        began_at = self._clock()
        if began_at < self._next_issue_at:
            return 0
        try:
            issued = self._fill_all()
        except RedisError as error:
            if isinstance(error, ReadOnlyError):  # the server's name may lead to another one by now
                self._hints.reconnect()
            self._next_issue_at = self._clock() + self._redis_outage.note(error)
            self._patience.excuse(self._clock() - began_at)
            return 0
        self._redis_outage.over()
        return issued

    def _fill_all(self) -> int:
        """Fill every queue that we lead; one that Redis refuses to serve does not stop the others."""
        issued, refused = 0, None
        for queue in self._queues:
            try:
                if self._hints.lead(queue, self._name, LEADER_TTL_SECONDS):
                    issued += fill(self._store, self._hints, queue, self._window)
            except ResponseError as error:
                refused = error
        if refused is not None:
            raise refused
        return issued


def fill(store: Store, hints: Hints, queue: str, window: int) -> int:
    """Fill a queue's window of hints once it is half empty; returns how many were issued.

    Urgent tasks do not wait for that: their hints go in front of whatever is there.
    """
    depth = hints.depth(queue)
    with store.read() as connection:
        paused = queue in workers.paused(connection)
        urgent_only = depth > window // 2
        waiting = [] if paused else tasks.waiting(connection, queue, window, urgent_only=urgent_only)
    if paused and depth:
        hints.clear(queue)
    return hints.issue(queue, missing(waiting, hints.waiting(queue))) if waiting else 0


def missing(waiting: Iterable[tuple[int, int, str]], hinted: set[str]) -> list[tuple[int, int]]:
    """Tasks without a hint as (id, priority), urgent first; a target's together, for prefix caches."""
    absent = [task for task in waiting if job_id(task[0]) not in hinted]
    absent.sort(key=lambda task: (-task[1], task[2], task[0]))
    return [(task_id, priority) for task_id, priority, _ in absent]
