"""What the pipeline leaves in the store, as rows. Pure."""

from collections.abc import Sequence
from typing import Any

from farm.errors import BadInput
from farm.models.answer import Answer, FailedCall
from farm.prompt.prompt import PROMPT_VERSION
from farm.sql.verdict import Candidate
from farm.storable import storable
from farm.store.engine import now
from farm.store.states import TaskState
from farm.store.tasks import Claimed, Outcome, StoredAnswer
from farm.targets.target import DIALECTS, Dialect, Target


def answer(task: Claimed, call_no: int, said: Answer, prompt_hash: str) -> dict[str, Any]:
    """The row of `answers` for one model response."""
    return {
        "task_id": task.id,
        "call_no": call_no,
        "model": said.model,
        "raw": storable(said.text),
        "prompt_tokens": said.prompt_tokens,
        "completion_tokens": said.completion_tokens,
        "cost_usd": said.cost_usd,
        "latency_ms": said.latency_ms,
        "finish_reason": said.finish_reason,
        "prompt_version": PROMPT_VERSION,
        "prompt_hash": prompt_hash,
        "parameters": said.parameters,
        "created_at": now(),
    }


def failed_call(task: Claimed, call_no: int, failed: FailedCall) -> dict[str, Any]:
    """The row of `failed_calls` for one attempt at a call that gave no answer."""
    return {
        "task_id": task.id,
        "call_no": call_no,
        "created_at": now(),
        "model": failed.model,
        "code": failed.code,
        "message": storable(failed.message),
        "prompt_tokens": failed.usage.prompt_tokens if failed.usage else None,
        "completion_tokens": failed.usage.completion_tokens if failed.usage else None,
        "cost_usd": failed.cost_usd,
        "latency_ms": failed.latency_ms,
    }


def candidate(task: Claimed, call_no: int, position: int, tried: Candidate) -> dict[str, Any]:
    """The row of `candidates` for one query found in an answer."""
    return {
        "task_id": task.id,
        "call_no": call_no,
        "position": position,
        "sql": storable(tried.sql),
        "accepted": tried.verdict.accepted,
        "verdict": tried.verdict.to_dict(),
        "created_at": now(),
    }


def accepted(
    task: Claimed, target: Target, said: StoredAnswer, chosen: Candidate, tried: Sequence[dict[str, Any]]
) -> Outcome:
    """The outcome that keeps `chosen` as the task's query."""
    query = {
        "task_id": task.id,
        "question": task.question,
        "target": target.name,
        "dialect": target.dialect if chosen.rendered is None else target.output_dialect,
        "sql": chosen.rendered or chosen.sql,
        "original_sql": None if chosen.rendered is None else chosen.sql,
        "original_dialect": None if chosen.rendered is None else target.dialect,
        "canonical_key": chosen.canonical_key,
        "lineage": None if chosen.lineage is None else chosen.lineage.to_dict(),
        "model": said.model,
        "call_no": said.call_no,
        "dry_run": chosen.verdict.dry_run,
        "prompt_version": PROMPT_VERSION,
        "schema_fingerprint": target.fingerprint,
        "created_at": now(),
    }
    return Outcome(
        task_id=task.id, token=task.token, state=TaskState.ACCEPTED, query=query, candidates=tuple(tried)
    )


def refused(task: Claimed, code: str, reason: str, tried: Sequence[dict[str, Any]]) -> Outcome:
    """The outcome that rejects the task but keeps every candidate."""
    return Outcome(
        task_id=task.id,
        token=task.token,
        state=TaskState.REJECTED,
        reason_code=code,
        reason=storable(reason),
        candidates=tuple(tried),
    )


def known_dialect(name: str) -> Dialect:
    """A dialect that a task asks for; raises BadInput for one that this version does not know."""
    for dialect in DIALECTS:
        if dialect == name:
            return dialect
    raise BadInput(f"there is no dialect {name!r} here; known are {', '.join(DIALECTS)}")
