"""Issuing hints: the bounded window of RQ jobs that tells workers which tasks wait in the store."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import ResponseError
from rq.queue import EnqueueData

from farm.queue import aside
from farm.queue.aside import Kinds
from farm.queue.job import FAILURE_TTL_SECONDS, FUNCTION, NO_TIMEOUT, FarmQueue, job_id

AT_ONCE = 100
"""How many hints are written at once: where Redis has no room for all of them, some come through."""

T = TypeVar("T")


class Hints:
    """The producers' and reconcilers' side of the queues. Every hint may be lost or doubled without harm.

    Keys of the wrong type are set aside on the way; every method raises RedisError for anything else.
    """

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    def depth(self, queue: str) -> int:
        """How many hints wait in a queue."""
        key = self._queue(queue).key
        return self._mending(aside.queue_kinds(queue), lambda: int(self._connection.llen(key)))

    def waiting(self, queue: str) -> set[str]:
        """The job ids that wait in a queue."""
        key = self._queue(queue).key
        entries: Any = self._mending(aside.queue_kinds(queue), lambda: self._connection.lrange(key, 0, -1))
        return {entry.decode(errors="replace") for entry in entries}

    def issue(self, queue: str, tasks: Sequence[tuple[int, int]]) -> int:
        """Push a hint for each (task id, priority), in order; those above priority 0 go to the front."""
        rq_queue = self._queue(queue)
        urgent = [task_id for task_id, priority in tasks if priority > 0]
        others = [task_id for task_id, priority in tasks if priority <= 0]
        jobs = [_hint(task_id, at_front=True) for task_id in reversed(urgent)]
        jobs += [_hint(task_id, at_front=False) for task_id in others]
        for part in (jobs[place : place + AT_ONCE] for place in range(0, len(jobs), AT_ONCE)):
            kinds = {**aside.queue_kinds(queue), **aside.job_kinds([str(job.job_id) for job in part])}
            self._mending(kinds, partial(rq_queue.enqueue_many, part))
        return len(jobs)

    def clear(self, queue: str) -> None:
        """Withdraw every hint of a queue; the tasks stay in the store."""
        self._mending(aside.queue_kinds(queue), self._queue(queue).empty)

    def lead(self, queue: str, name: str, ttl_seconds: float) -> bool:
        """Whether `name` is the reconciler that issues for a queue now; spares doubled hints, nothing else.

        Nobody leads for longer than `ttl_seconds` without saying so again, whoever wrote the key.
        """
        key = aside.leader_key(queue)
        return self._mending({key: "string"}, lambda: self._lead(key, name, int(ttl_seconds * 1000)))

    def _lead(self, key: str, name: str, ttl_ms: int) -> bool:
        if self._connection.set(key, name, nx=True, px=ttl_ms):
            return True
        leads = self._connection.get(key) == name.encode()
        if leads or not 0 <= int(self._connection.pttl(key)) <= ttl_ms:
            self._connection.pexpire(key, ttl_ms)
        return leads

    def reconnect(self) -> None:
        """Use new connections from now on."""
        self._connection.connection_pool.disconnect()

    def set_aside(self) -> int:
        """How many refused entries and keys of the wrong type were set aside within about a day."""
        return aside.count(self._connection)

    def _mending(self, kinds: Kinds, action: Callable[[], T]) -> T:
        """Do it; where a key has the wrong type, set that aside and do it again."""
        try:
            return action()
        except ResponseError as error:
            if "WRONGTYPE" not in str(error) or not aside.mend(self._connection, kinds):
                raise
            return action()

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
