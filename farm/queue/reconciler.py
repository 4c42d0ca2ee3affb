"""Bringing Redis in line with the store, again and again.

1. Leases that ran out are freed (their worker is gone or silent).
2. Each queue's window of hints is filled from the tasks that wait in the store.
3. A paused queue's hints are withdrawn.

It keeps no state between passes but the time of the last one, so losing all of Redis, or this process, costs
at most one pass. Several reconcilers may run; one at a time issues hints.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from redis.exceptions import RedisError

from farm.errors import StoreTrouble, TryAgain
from farm.queue.hints import Hints
from farm.queue.job import job_id
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
        self._lease_seconds = lease_seconds
        self._max_attempts = max_attempts
        self._clock = clock
        self._last_seen: float | None = None
        self._patient_until = float("-inf")
        self._troubled = False

    def tick(self) -> Pass:
        """One pass. Trouble with either server is logged once and left to the next pass."""
        try:
            done = Pass(
                expired=self._expire(), issued=sum(map(self._fill, self._queues)) if self._leads() else 0
            )
        except (TryAgain, StoreTrouble, RedisError) as error:
            if not self._troubled:
                log.warning("reconciler waits: %s", error)
            self._troubled = True
            return Pass()
        if self._troubled:
            log.info("reconciler goes on")
        self._troubled = False
        return done

    def _leads(self) -> bool:
        return self._hints.lead(self._name, LEADER_TTL_SECONDS)

    def _expire(self) -> int:
        """Free leases that ran out, but not right after an outage: their workers could not renew either."""
        at = self._clock()
        if self._last_seen is not None and at - self._last_seen > self._lease_seconds / 2:
            self._patient_until = at + self._lease_seconds
        if at < self._patient_until:
            with self._store.read():
                expired = 0
        else:
            with self._store.write() as connection:
                expired = tasks.expire(connection, max_attempts=self._max_attempts)
        self._last_seen = at
        return expired

    def _fill(self, queue: str) -> int:
        return fill(self._store, self._hints, queue, self._window)


def fill(store: Store, hints: Hints, queue: str, window: int) -> int:
    """Fill a queue's window of hints once it is half empty; returns how many were issued."""
    with store.read() as connection:
        paused = queue in workers.paused(connection)
        depth = hints.depth(queue)
        waiting = [] if paused or depth > window // 2 else tasks.waiting(connection, queue, window)
    if paused and depth:
        hints.clear(queue)
    return hints.issue(queue, missing(waiting, hints.waiting(queue))) if waiting else 0


def missing(waiting: Iterable[tuple[int, int, str]], hinted: set[str]) -> list[tuple[int, int]]:
    """Tasks without a hint as (id, priority), urgent first; a target's together, for prefix caches."""
    absent = [task for task in waiting if job_id(task[0]) not in hinted]
    absent.sort(key=lambda task: (-task[1], task[2], task[0]))
    return [(task_id, priority) for task_id, priority, _ in absent]
