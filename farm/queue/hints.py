"""Issuing hints: the bounded window of RQ jobs that tells workers which tasks wait in the store."""

from collections.abc import Sequence
from typing import Any

from redis import Redis
from rq.queue import EnqueueData

from farm.queue.job import FAILURE_TTL_SECONDS, FUNCTION, NO_TIMEOUT, FarmQueue, job_id

LEADER_KEY = "farm:reconciler"


class Hints:
    """The producers' and reconcilers' side of the queues. Every hint may be lost or doubled without harm."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    def depth(self, queue: str) -> int:
        """How many hints wait in a queue."""
        return int(self._connection.llen(self._queue(queue).key))

    def waiting(self, queue: str) -> set[str]:
        """The job ids that wait in a queue."""
        entries: Any = self._connection.lrange(self._queue(queue).key, 0, -1)
        return {entry.decode(errors="replace") for entry in entries}

    def issue(self, queue: str, tasks: Sequence[tuple[int, int]]) -> int:
        """Push a hint for each (task id, priority), in order; those above priority 0 go to the front."""
        rq_queue = self._queue(queue)
        urgent = [task_id for task_id, priority in tasks if priority > 0]
        others = [task_id for task_id, priority in tasks if priority <= 0]
        jobs = [_hint(task_id, at_front=True) for task_id in reversed(urgent)]
        jobs += [_hint(task_id, at_front=False) for task_id in others]
        if jobs:
            rq_queue.enqueue_many(jobs)
        return len(jobs)

    def clear(self, queue: str) -> None:
        """Withdraw every hint of a queue; the tasks stay in the store."""
        self._queue(queue).empty()  # type: ignore[no-untyped-call]

    def lead(self, name: str, ttl_seconds: float) -> bool:
        """Whether `name` is the reconciler that issues now; it spares doubled hints, nothing else."""
        ttl_ms = int(ttl_seconds * 1000)
        if self._connection.set(LEADER_KEY, name, nx=True, px=ttl_ms):
            return True
        if self._connection.get(LEADER_KEY) != name.encode():
            return False
        self._connection.pexpire(LEADER_KEY, ttl_ms)
        return True

    def _queue(self, name: str) -> FarmQueue:
        return FarmQueue(name, self._connection)


def _hint(task_id: int, *, at_front: bool) -> EnqueueData:
    return FarmQueue.prepare_data(
        FUNCTION,
        (task_id,),
        {},
        timeout=NO_TIMEOUT,
        result_ttl=0,
        failure_ttl=FAILURE_TTL_SECONDS,
        description=f"task {task_id}",
        job_id=job_id(task_id),
        at_front=at_front,
    )
