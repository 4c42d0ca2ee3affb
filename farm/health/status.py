"""How a farm stands now, as one plain value: for `farm status --json` and whoever watches."""

from dataclasses import asdict
from typing import Any

from farm.api import Farm
from farm.store import status as counts
from farm.store import workers


def status(farm: Farm) -> dict[str, Any]:
    """Tasks by state, queues, living workers, and what was spent; all read in one transaction."""
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
        }
