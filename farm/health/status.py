"""How a farm stands now, as one plain value: for `farm status --json` and whoever watches."""

from dataclasses import asdict
from typing import Any

from redis.exceptions import RedisError

from farm.api import Farm
from farm.queue.connection import connect
from farm.queue.hints import Hints
from farm.store import status as counts
from farm.store import webhooks, workers

REDIS_TIMEOUT_SECONDS = 1.0


def status(farm: Farm) -> dict[str, Any]:
    """Tasks by state, queues, living workers, and what was spent; all of it read in one transaction.

    `set_aside` counts what could not be used in Redis and was put out of the way within about a day; None
    while the queue's server does not answer. `webhooks`: how many wait for their batch's end, are to be sent,
    and were given up within a day.
    """
    set_aside = _set_aside(farm)
    with farm.store.read() as connection:
        paused, scale = workers.paused(connection), workers.scale(connection)
        spent = counts.spent(connection)
        queues = counts.queues(connection, list(farm.settings.all_pools()))
        return {
            "tasks": counts.tasks_by_state(connection),
            "workers": [asdict(worker) for worker in counts.workers(connection)],
            "ends": [asdict(end) for end in counts.ends(connection)],
            "queues": [
                {**asdict(queue), "paused": queue.name in paused, "scale": scale.get(queue.name)}
                for queue in queues
            ],
            "calls": spent.calls,
            "failed_calls": spent.failed_calls,
            "prompt_tokens": spent.prompt_tokens,
            "completion_tokens": spent.completion_tokens,
            "tokens": spent.prompt_tokens + spent.completion_tokens,
            "cost_usd": spent.cost_usd,
            "set_aside": set_aside,
            "webhooks": webhooks.counts(connection),
        }


def _set_aside(farm: Farm) -> int | None:
    url = farm.redis_url()
    if url is None:
        return None
    connection = connect(url, timeout_seconds=REDIS_TIMEOUT_SECONDS)
    try:
        return Hints(connection).set_aside()
    except RedisError:
        return None
    finally:
        connection.close()
