"""RQ's commands to a worker, as they come over its channel in Redis."""

import asyncio
from collections.abc import Callable
from random import uniform
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rq.command import parse_payload

from farm.queue.connection import BLOCK_SECONDS

AGAIN_SECONDS = 5.0

log = structlog.stdlib.get_logger(__name__)


async def listen_forever(redis: Redis, channel: str, handle: Callable[[dict[Any, Any]], None]) -> None:
    """Give each message of the channel to `handle`, and listen again when Redis was away."""
    while True:
        try:
            async with redis.pubsub(ignore_subscribe_messages=True) as commands:
                await commands.subscribe(channel)
                while True:
                    if message := await commands.get_message(timeout=BLOCK_SECONDS):
                        handle(message)
        except RedisError:
            await asyncio.sleep(AGAIN_SECONDS * uniform(0.75, 1.25))


def read(message: dict[Any, Any]) -> tuple[object, object]:
    """What is commanded, and the job it is about; None for each that is not said, or is no command."""
    try:
        payload = parse_payload(message)
        return payload.get("command"), payload.get("job_id")
    except (ValueError, AttributeError, RecursionError):
        log.warning("ignored a command that is no JSON object")
        return None, None
