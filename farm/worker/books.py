"""What RQ is told of a worker and its jobs. Nothing depends on it: whatever Redis refuses is left out."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import redis
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from farm.outage import Outage
from farm.queue import aside
from farm.queue.reading import Refused

MOST_REFUSALS_SAID = 100
GONE = "no such key"

log = structlog.stdlib.get_logger(__name__)


class Sent(Enum):
    """What became of a pipeline; IN_PART: keys of the wrong type were in the way, and are not any more."""

    ALL = "all"
    IN_PART = "in part"
    NOT = "not"


class Books:
    """RQ's keys in Redis, as one worker of one queue writes them."""

    def __init__(self, worker: str, queue: str, connection: Redis, blocking: "redis.Redis") -> None:
        self._kinds = aside.worker_kinds(worker, queue)
        self._connection = connection
        self._blocking = blocking
        self._outage = Outage(logging.getLogger(__name__), "RQ's books in Redis")
        self._refusals: set[str] = set()

    def pipeline(self) -> Any:
        """RQ only writes commands into a pipeline, so it fills an asynchronous one as well."""
        return self._connection.pipeline(transaction=False)

    async def send(self, pipeline: Any, job_ids: Sequence[str] = ()) -> bool:
        """Send what stands in a pipeline about these jobs; False: Redis is away, and it may be sent again."""
        return await self._send(pipeline, job_ids) is not Sent.NOT

    async def _send(self, pipeline: Any, job_ids: Sequence[str] = ()) -> "Sent":
        try:
            replies = await pipeline.execute(raise_on_error=False)
        except RedisError:
            return Sent.NOT  # whoever takes work says so
        errors = [reply for reply in replies if isinstance(reply, Exception) and GONE not in str(reply)]
        if not errors:
            self._outage.over()
        elif await self.mend(errors, aside.job_kinds(job_ids)):
            return Sent.IN_PART
        else:
            self._outage.note(errors[0])
        return Sent.ALL

    async def mend(self, errors: Sequence[Exception], kinds: Mapping[str, str] | None = None) -> bool:
        """Set aside keys of the wrong type, if that is the trouble; returns whether there were some."""
        if not any("WRONGTYPE" in str(error) for error in errors):
            return False
        try:
            return bool(await asyncio.to_thread(aside.mend, self._blocking, {**self._kinds, **(kinds or {})}))
        except RedisError:
            return False

    async def set_aside(self, refused: Sequence[Refused]) -> None:
        """Keep refused entries where somebody can look at them, and say so once for each kind."""
        if not refused:
            return
        for one in refused:
            if one.kind not in self._refusals and len(self._refusals) < MOST_REFUSALS_SAID:
                self._refusals.add(one.kind)
                log.warning("refused a job", job=one.shown, reason=one.reason)
        for _ in range(2):
            async with self.pipeline() as pipeline:
                aside.refuse(pipeline, [one.entry for one in refused])
                if await self._send(pipeline) is not Sent.IN_PART:
                    return
