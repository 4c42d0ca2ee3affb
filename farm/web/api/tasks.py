"""Tasks: found by what they are, seen with their attempts, requeued and cancelled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from farm.errors import BadInput, NotFound
from farm.store import actions, browse, task_details
from farm.store.browse import TaskLine
from farm.store.states import TaskState
from farm.store.task_details import CallDetail, FailedCallDetail, TaskDetail
from farm.store.task_selection import REQUEUEABLE, Selection
from farm.web.access import Role
from farm.web.api.answers import VerdictAnswer, copied
from farm.web.api.batches import Steered
from farm.web.api.fields import Given, Id, Limit, Maybe, Name, Text
from farm.web.api.operation import Call, Nothing, Operation

MOST_STEERED = 100_000
STATES: dict[str, tuple[TaskState, ...]] = {
    "failed": REQUEUEABLE,
    **{state.value: (state,) for state in TaskState},
}
NARROWING = ("ids", "batch", "target", "queue", "reason", "text")
CANCEL_NARROWING = ("ids", "batch", "target", "queue", "text")
Ids = Annotated[tuple[Id, ...], Field(min_length=1, max_length=10_000)]


def _one_of(names: tuple[str, ...]) -> dict[str, Any]:
    """One of these at least must be given, or `all`."""
    everything = {"required": ["all"], "properties": {"all": {"const": True}}}
    return {"anyOf": [*({"required": [name]} for name in names), everything]}


class TasksQuery(Given):
    """Which tasks; every condition that is given must hold."""

    state: Maybe[Literal["queued", "leased", "accepted", "rejected", "dead", "failed"]] = None
    """`failed` means rejected or dead."""
    target: Maybe[Name] = None
    """The target that they are for."""
    queue: Maybe[Name] = None
    """The queue that they go through."""
    reason: Maybe[Name] = None
    """The code of the reason why they ended without a query."""
    batch: Maybe[Id] = None
    """The batch that they stand in."""
    q: Text = ""
    """Words that the question must all have."""
    id: tuple[Id, ...] = Field(default=(), max_length=1_000)
    """Only these; may stand there several times."""
    after: Maybe[Id] = None
    """Where the page before ended: its `after`."""
    limit: Limit = 50
    """How many at most."""

    def selection(self) -> Selection:
        """As the store takes it."""
        return Selection(
            task_ids=self.id or None,
            batch_id=self.batch,
            target=self.target,
            states=tuple(TaskState) if self.state is None else STATES[self.state],
            queue=self.queue,
            reason_code=self.reason,
            text=self.q.strip() or None,
        )


class Which(Given):
    """Which tasks; every condition that is given must hold, and one at least must be, or `all`."""

    ids: Maybe[Ids] = None
    """These tasks."""
    batch: Maybe[Id] = None
    """The batch that they stand in."""
    target: Maybe[Name] = None
    """The target that they are for."""
    queue: Maybe[Name] = None
    """The queue that they went through."""
    text: Maybe[Name] = None
    """Words that the question must all have."""
    all: bool = False
    """Needed when nothing narrows the choice."""

    def require_choice(self, narrowing: tuple[str, ...]) -> None:
        """Raise BadInput for what would be all tasks, unless it says so."""
        if not self.all and not any(getattr(self, name) is not None for name in narrowing):
            raise BadInput(f"this would be all tasks; give one of {', '.join(narrowing)}, or all: true")

    def conditions(self) -> dict[str, Any]:
        """As Farm.requeue and Farm.cancel take them."""
        return {
            "task_ids": self.ids,
            "batch_id": self.batch,
            "target": self.target,
            "queue": self.queue,
            "text": self.text,
            "most": MOST_STEERED,
        }

    def said(self) -> dict[str, Any]:
        """What was given, for the action log."""
        return self.model_dump(mode="json", exclude_unset=True)


class CancelTasks(Which):
    """Which waiting tasks shall end."""

    model_config = ConfigDict(json_schema_extra=_one_of(CANCEL_NARROWING))


class RequeueTasks(Which):
    """Which rejected and dead tasks shall be worked again, and by which model."""

    model_config = ConfigDict(json_schema_extra=_one_of(NARROWING))

    states: tuple[Literal["rejected", "dead"], ...] = ("rejected", "dead")
    """In which states."""
    reason: Maybe[Name] = None
    """The code of the reason why they ended without a query."""
    model: Maybe[Name] = None
    """Ask this model instead; a pool must ask it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TasksAnswer:
    """A page of tasks, newest first; `after` gives the next one, null where there is none.

    `cut_short`: so many tasks (`looked_at`) were looked at that the rest was left for the next page, which
    may hold some even where this one is empty.
    """

    tasks: tuple[TaskLine, ...]
    after: int | None
    cut_short: bool
    looked_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateAnswer:
    """A query found in a model's answer, and the verdict on it."""

    sql: str
    verdict: VerdictAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class CallAnswer:
    """A model call that gave an answer. `raw` is its beginning, `length_chars` the length of the whole."""

    call_no: int
    model: str
    raw: str
    length_chars: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    latency_ms: float
    finish_reason: str
    prompt_version: str
    prompt_hash: str
    created_at: datetime
    candidates: tuple[CandidateAnswer, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskAnswer:
    """A task with every call to a model. `query_id` is the query that it gave."""

    id: int
    batch_id: int
    key: str
    question: str
    target: str
    dialect: str | None
    model: str | None
    queue: str
    priority: int
    tags: list[str]
    state: TaskState
    attempt: int
    worker: str | None
    reason_code: str | None
    reason: str | None
    created_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None
    query_id: int | None
    calls: tuple[CallAnswer, ...]
    failed_calls: tuple[FailedCallDetail, ...]


def index(call: Call[TasksQuery, None]) -> TasksAnswer:
    """Find tasks, newest first, in bounded time."""
    with call.farm.store.read() as connection:
        found = browse.page(
            connection, call.query.selection(), after=call.query.after, limit=call.query.limit
        )
    return copied(TasksAnswer, found)


def show(call: Call[Nothing, None]) -> TaskAnswer:
    """See a task with its attempts: every answer, every verdict, every call that failed."""
    with call.farm.store.read() as connection:
        task = task_details.get(connection, call.id)
    if task is None:
        raise NotFound(f"there is no task {call.id}")
    return _answer(task)


def _answer(task: TaskDetail) -> TaskAnswer:
    return copied(TaskAnswer, task, calls=tuple(_call(one) for one in task.calls))


def _call(one: CallDetail) -> CallAnswer:
    candidates = tuple(
        CandidateAnswer(sql=candidate.sql, verdict=VerdictAnswer.of(candidate.verdict))
        for candidate in one.candidates
    )
    return copied(CallAnswer, one, candidates=candidates)


def requeue(call: Call[Nothing, RequeueTasks]) -> Steered:
    """Let rejected and dead tasks be worked again, at most 100,000 at once."""
    body = call.body
    body.require_choice(NARROWING)
    states = [TaskState(state) for state in body.states]
    count = call.farm.requeue(**body.conditions(), states=states, reason_code=body.reason, model=body.model)
    return _logged(call, "requeue", count)


def cancel(call: Call[Nothing, CancelTasks]) -> Steered:
    """Let waiting tasks end, at most 100,000 at once; those in work come to their end."""
    call.body.require_choice(CANCEL_NARROWING)
    return _logged(call, "cancel", call.farm.cancel(**call.body.conditions()))


def _logged(call: Call[Nothing, Any], action: str, count: int) -> Steered:
    with call.farm.store.write() as connection:
        detail = {**call.body.said(), "tasks": count}
        actions.record(connection, actor=call.visitor.name, action=action, detail=detail)
    return Steered(tasks=count)


OPERATIONS = (
    Operation(method="GET", path="/tasks", endpoint=index, answer=TasksAnswer, tag="tasks", query=TasksQuery),
    Operation(
        method="POST",
        path="/tasks/requeue",
        endpoint=requeue,
        answer=Steered,
        tag="tasks",
        role=Role.OPERATOR,
        body=RequeueTasks,
    ),
    Operation(
        method="POST",
        path="/tasks/cancel",
        endpoint=cancel,
        answer=Steered,
        tag="tasks",
        role=Role.OPERATOR,
        body=CancelTasks,
    ),
    Operation(method="GET", path="/tasks/{id}", endpoint=show, answer=TaskAnswer, tag="tasks"),
)
