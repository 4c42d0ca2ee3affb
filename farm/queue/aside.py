"""Setting aside what cannot be used in Redis: kept for a day, counted, and out of the way.

1. A key of the wrong type is renamed, and its owner starts over with a key of the right one.
2. A refused entry of a queue is noted in a list; a job under an id of ours makes room for a hint.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from farm.queue.job import FAILURE_TTL_SECONDS, FarmJob, is_job_id

REFUSED_KEY = "farm:refused"
KEYS_KEY = "farm:set-aside"
KEPT = 1000
MAX_ID_BYTES = 200

Kinds = Mapping[str, str]
"""The type that each key must have, as Redis names it."""

log = logging.getLogger(__name__)


def leader_key(queue: str) -> str:
    """Where the reconciler that issues hints for a queue has its name."""
    return f"farm:reconciler:{queue}"


def queue_kinds(queue: str) -> Kinds:
    """The keys that issuing hints for a queue touches."""
    return {
        f"rq:queue:{queue}": "list",
        "rq:queues": "set",
        leader_key(queue): "string",
    }


def job_kinds(job_ids: Sequence[str]) -> Kinds:
    """The keys of jobs and their executions."""
    return {f"rq:job:{job_id}": "hash" for job_id in job_ids} | {
        f"rq:executions:{job_id}": "zset" for job_id in job_ids
    }


def worker_kinds(worker: str, queue: str) -> Kinds:
    """The keys that a worker of a queue touches."""
    return {
        f"rq:queue:{queue}": "list",
        "rq:workers": "set",
        f"rq:workers:{queue}": "set",
        f"rq:worker:{worker}": "hash",
        f"rq:worker:{worker}:executions": "set",
        f"rq:wip:{queue}": "zset",
        REFUSED_KEY: "list",
    }


def mend(connection: Redis, kinds: Kinds) -> list[str]:
    """Set aside every key that has another type than it must; returns these keys. Raises RedisError."""
    with connection.pipeline(transaction=False) as pipeline:
        for key in (*kinds, KEYS_KEY):
            pipeline.type(key)
        *found, index = pipeline.execute()
    if index not in (b"list", b"none"):
        connection.delete(KEYS_KEY)
    wrong = [
        (key, kind.decode())
        for key, kind in zip(kinds, found, strict=True)
        if kind.decode() not in (kinds[key], "none")
    ]
    return [key for key, kind in wrong if _set_key_aside(connection, key, kind)]


def _set_key_aside(connection: Redis, key: str, kind: str) -> bool:
    aside = aside_name(key)
    try:
        connection.rename(key, aside)
    except ResponseError as error:
        if "no such key" in str(error):  # somebody else was faster
            return True
        log.warning("%s is a %s, which the farm cannot use, and cannot be set aside: %s", key, kind, error)
        return False
    log.warning("%s was a %s, which the farm cannot use: kept as %s for a day", key, kind, aside)
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.expire(aside, FAILURE_TTL_SECONDS)
        _note(pipeline, KEYS_KEY, [aside])
        pipeline.execute(raise_on_error=False)
    return True


def refuse(pipeline: Any, entries: Sequence[bytes]) -> None:
    """Write into a pipeline what notes refused entries of a queue, and lets their jobs expire."""
    _note(pipeline, REFUSED_KEY, [shown(entry) for entry in entries])
    for entry in entries:
        if len(entry) > MAX_ID_BYTES:
            continue
        key: Any = FarmJob.redis_job_namespace_prefix.encode() + entry
        if is_job_id(entry):  # the next hint of this task needs the key
            aside = aside_name(key.decode())
            pipeline.rename(key, aside)
            key = aside
        pipeline.expire(key, FAILURE_TTL_SECONDS)


def shown(entry: bytes) -> str:
    """An entry for people: its beginning, as text."""
    return entry[:MAX_ID_BYTES].decode(errors="backslashreplace")


def count(connection: Redis) -> int:
    """How many entries and keys were set aside within about a day, KEPT of each at most."""
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.llen(REFUSED_KEY)
        pipeline.llen(KEYS_KEY)
        return sum(n for n in pipeline.execute(raise_on_error=False) if isinstance(n, int))


def aside_name(key: str) -> str:
    """Where a key is kept."""
    return f"{KEYS_KEY}:{key}:{time.time_ns() // 1_000_000}"


def _note(pipeline: Any, key: str, values: Sequence[str]) -> None:
    pipeline.rpush(key, *values)
    pipeline.ltrim(key, -KEPT, -1)
    pipeline.expire(key, FAILURE_TTL_SECONDS)
