"""What is said of a batch that has ended: the same names as in the HTTP API. Pure."""

import json
from datetime import datetime

from farm.store.states import TaskState
from farm.store.webhooks import Ended

TYPE = "batch.ended"


def body(batch: Ended, ending: int) -> str:
    """The document as JSON; `ending` counts the times that the batch ended."""
    progress = batch.progress
    said = {
        "type": TYPE,
        "timestamp": _time(batch.ended_at),
        "data": {
            "id": batch.id,
            "name": batch.name,
            "created_at": _time(batch.created_at),
            "ended_at": _time(batch.ended_at),
            "ending": ending,
            "total": progress.total,
            "counts": {state.value: getattr(progress, state.value) for state in TaskState},
            "prompt_tokens": progress.prompt_tokens,
            "completion_tokens": progress.completion_tokens,
            "cost_usd": progress.cost_usd,
        },
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
