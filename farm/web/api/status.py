"""How the farm stands, and pausing its queues."""

from dataclasses import dataclass
from typing import Any

from farm.health.status import status as current_status
from farm.store import actions
from farm.store.status import EndStatus, QueueStatus, WorkerStatus
from farm.web.access import Role
from farm.web.api.operation import Call, Nothing, Operation, adapter


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueAnswer(QueueStatus):
    """A queue: how many tasks wait, whether it is paused, and how many workers `farm scale` set for it."""

    paused: bool
    scale: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusAnswer:
    """As `farm status --json`: `set_aside` counts what could not be used in Redis (null: it is away)."""

    tasks: dict[str, int]
    workers: list[WorkerStatus]
    ends: list[EndStatus]
    queues: list[QueueAnswer]
    calls: int
    failed_calls: int
    prompt_tokens: int
    completion_tokens: int
    tokens: int
    cost_usd: float | None
    set_aside: int | None
    webhooks: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class PausedAnswer:
    """Whether a queue is paused now."""

    name: str
    paused: bool


def show(call: Call[Nothing, None]) -> StatusAnswer:
    """See how many tasks stand where, the queues, the living workers, and what was spent."""
    found: StatusAnswer = adapter(StatusAnswer).validate_python(current_status(call.farm))
    return found


def pause(call: Call[Nothing, Nothing]) -> PausedAnswer:
    """Issue no more work for a queue; tasks in flight come to their end."""
    call.farm.pause(call.name)
    return _logged(call, "pause", paused=True)


def resume(call: Call[Nothing, Nothing]) -> PausedAnswer:
    """Issue work for a queue again."""
    call.farm.resume(call.name)
    return _logged(call, "resume", paused=False)


def _logged(call: Call[Nothing, Nothing], action: str, *, paused: bool) -> PausedAnswer:
    with call.farm.store.write() as connection:
        actions.record(connection, actor=call.visitor.name, action=action, detail={"queue": call.name})
    return PausedAnswer(name=call.name, paused=paused)


def _steering(path: str, endpoint: Any) -> Operation:
    return Operation(
        method="POST",
        path=path,
        endpoint=endpoint,
        answer=PausedAnswer,
        tag="queues",
        role=Role.OPERATOR,
        body=Nothing,
    )


OPERATIONS = (
    Operation(method="GET", path="/status", endpoint=show, answer=StatusAnswer, tag="status"),
    _steering("/queues/{name}/pause", pause),
    _steering("/queues/{name}/resume", resume),
)
