"""`rq suspend` and `rq resume`: meanwhile tasks in flight come to their end, and none is taken."""

import asyncio
import contextlib

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rq.suspension import WORKERS_SUSPENDED

WAIT_SECONDS = 0.5

log = structlog.stdlib.get_logger(__name__)


class Suspension:
    """Whether work is suspended, as last seen."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self.holds = False

    async def look(self) -> None:
        """See whether it is; while Redis is away everything stays as it was."""
        try:
            found = bool(await self._connection.exists(WORKERS_SUSPENDED))
        except RedisError:
            return
        if found and not self.holds:
            log.warning("suspended by `rq suspend`: no task is taken before `rq resume`")
        elif self.holds and not found:
            log.info("resumed")
        self.holds = found

    async def wait(self, drain: asyncio.Event) -> None:
        """A moment, or until `drain`, whichever comes first."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(drain.wait(), WAIT_SECONDS)
