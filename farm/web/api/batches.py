"""Batches: how far each has come, what became of its tasks, and steering it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal, TypeVar

from starlette.responses import StreamingResponse

from farm.batch import Batch
from farm.errors import NotFound
from farm.store import actions, batch_pace, batch_tasks, batches, steering
from farm.store import webhooks as store_webhooks
from farm.store.batches import BatchLine, Reason, Standing
from farm.store.engine import Connection
from farm.store.results import TaskResult
from farm.store.states import TaskState
from farm.web.access import Role
from farm.web.api.fields import Given, Id, Limit, Maybe, Name, Text
from farm.web.api.operation import JSONL, Call, Nothing, Operation, adapter
from farm.webhooks.standing import WebhookStanding, of_batch

LINES_LIMIT = 100
CHUNK = 200
Refused = Literal["rejected", "dead"]


class BatchesQuery(Given):
    """Which batches."""

    q: Text = ""
    """A part of their names."""
    after: Maybe[Id] = None
    """Where the page before ended: its `after`."""
    limit: Limit = 25
    """How many at most; a page has no more than 100."""


class ResultsQuery(Given):
    """Which tasks of a batch."""

    state: Maybe[Literal["queued", "leased", "accepted", "rejected", "dead"]] = None
    """Only tasks in this state."""
    after: Maybe[Id] = None
    """Where the page before ended: its `after`."""
    limit: Limit = 100
    """How many at most."""
    format: Literal["json", "jsonl"] = "json"
    """`jsonl` streams all tasks of the batch, one a line, whatever the other parameters say."""


class RequeueBody(Given):
    """Which tasks of the batch, and what they shall be asked of."""

    states: tuple[Refused, ...] = ("rejected", "dead")
    """In which states."""
    model: Maybe[Name] = None
    """Ask this model instead; a pool must ask it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchAnswer:
    """A batch. `total` is exact; of a large batch, counts in the states that `estimated` names are not."""

    id: int
    name: str | None
    created_at: datetime
    total: int
    done: int
    open: int
    counts: dict[str, int]
    estimated: list[str]


B = TypeVar("B", bound=BatchAnswer)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchDetail(BatchAnswer):
    """A batch with its spending, its pace, why tasks ended without a query, and who is told of its end."""

    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    spend_estimated: bool
    tasks_per_second: float
    seconds_left: float | None
    reasons: list[Reason]
    webhooks: list[WebhookStanding]


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchesAnswer:
    """A page of batches, newest first; `after` gives the next one, null where there is none."""

    batches: list[BatchAnswer]
    after: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultsAnswer:
    """A page of a batch's tasks, in the order asked.

    `own_only`: of a very large batch, tasks in a state are only those that it added itself.
    """

    results: tuple[TaskResult, ...]
    after: int | None
    own_only: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Steered:
    """How many tasks it was done to."""

    tasks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Resent:
    """How many messages will be sent again."""

    webhooks: int


def index(call: Call[BatchesQuery, None]) -> BatchesAnswer:
    """List batches, newest first."""
    query, limit = call.query, min(call.query.limit, LINES_LIMIT)
    with call.farm.store.read() as connection:
        found = batches.find(connection, before=query.after, search=query.q, limit=limit + 1)
        lines = found[:limit]
        standings = batches.standings(connection, [line.id for line in lines])
    return BatchesAnswer(
        batches=[_answer(BatchAnswer, line, standings[line.id]) for line in lines],
        after=lines[-1].id if len(found) > limit else None,
    )


def show(call: Call[Nothing, None]) -> BatchDetail:
    """See how far a batch has come.

    In bounded time, however large it is: `open` is 0 once all tasks have come to their end.
    """
    with call.farm.store.read() as connection:
        line = _found(connection, call.id)
        standing = batches.standing(connection, line.id)
        spend = batch_pace.spend(connection, line.id, standing)
        pace = batch_pace.tasks_per_second(connection, line.id) if standing.open else 0.0
        reasons = batches.reasons(connection, line.id) if standing.refused else []
        webhooks = of_batch(connection, line.id)
    return _answer(
        BatchDetail,
        line,
        standing,
        prompt_tokens=spend.prompt_tokens,
        completion_tokens=spend.completion_tokens,
        cost_usd=spend.cost_usd,
        spend_estimated=spend.estimated,
        tasks_per_second=round(pace, 3),
        seconds_left=round(standing.open / pace, 1) if pace else None,
        reasons=reasons,
        webhooks=webhooks,
    )


def results(call: Call[ResultsQuery, None]) -> ResultsAnswer | StreamingResponse:
    """Fetch a batch's tasks as they stand, in the order asked.

    Accepted ones with their SQL, refused ones with the reason.
    """
    query, store = call.query, call.farm.store
    with store.read() as connection:
        line = _found(connection, call.id)
        if query.format == "json":
            states = () if query.state is None else (TaskState(query.state),)
            total = batches.standing(connection, line.id).total if states else 0
            page = batch_tasks.page(
                connection, line.id, total=total, states=states, after=query.after, limit=query.limit
            )
            return ResultsAnswer(results=page.tasks, after=page.after, own_only=page.own_only)
    return StreamingResponse(_lines(Batch(store, line.id).results(wait=False)), media_type=JSONL)


def _lines(found: Iterator[TaskResult]) -> Iterator[bytes]:
    dump = adapter(TaskResult).dump_json
    while chunk := list(islice(found, CHUNK)):
        yield b"".join(dump(result) + b"\n" for result in chunk)


def cancel(call: Call[Nothing, Nothing]) -> Steered:
    """Let the waiting tasks of a batch end; those in work come to their end."""
    store = call.farm.store
    with store.read() as connection:
        _found(connection, call.id)
    with store.write() as connection:
        count = steering.cancel(connection, call.id)
        actions.record(
            connection,
            actor=call.visitor.name,
            action="cancel",
            detail={"batch": call.id, "tasks": count},
        )
    return Steered(tasks=count)


def resend(call: Call[Nothing, Nothing]) -> Resent:
    """Send a batch's webhooks again, under the same ids: those that were taken, and those given up."""
    with call.farm.store.read() as connection:
        _found(connection, call.id)
    with call.farm.store.write() as connection:
        count = store_webhooks.send_again(connection, call.id)
        detail = {"batch": call.id, "webhooks": count}
        actions.record(connection, actor=call.visitor.name, action="resend", detail=detail)
    return Resent(webhooks=count)


def requeue(call: Call[Nothing, RequeueBody]) -> Steered:
    """Let the rejected and dead tasks of a batch be worked again, optionally by another model."""
    states = [TaskState(state) for state in call.body.states]
    with call.farm.store.read() as connection:
        _found(connection, call.id)
    count = call.farm.requeue(batch_id=call.id, states=states, model=call.body.model)
    detail = {"batch": call.id, "states": list(states), "model": call.body.model, "tasks": count}
    with call.farm.store.write() as connection:
        actions.record(connection, actor=call.visitor.name, action="requeue", detail=detail)
    return Steered(tasks=count)


def _found(connection: Connection, batch_id: int) -> BatchLine:
    line = batches.get(connection, batch_id)
    if line is None:
        raise NotFound(f"there is no batch {batch_id}")
    return line


def _answer(kind: type[B], line: BatchLine, standing: Standing, **more: Any) -> B:
    return kind(
        id=line.id,
        name=line.name,
        created_at=line.created_at,
        total=standing.total,
        done=standing.done,
        open=standing.open,
        counts={state.value: standing.counts.get(state, 0) for state in TaskState},
        estimated=sorted(state.value for state in standing.estimated),
        **more,
    )


OPERATIONS = (
    Operation(
        method="GET", path="/batches", endpoint=index, answer=BatchesAnswer, tag="batches", query=BatchesQuery
    ),
    Operation(method="GET", path="/batches/{id}", endpoint=show, answer=BatchDetail, tag="batches"),
    Operation(
        method="GET",
        path="/batches/{id}/results",
        endpoint=results,
        answer=ResultsAnswer,
        tag="batches",
        query=ResultsQuery,
        streams=(JSONL,),
    ),
    Operation(
        method="POST",
        path="/batches/{id}/cancel",
        endpoint=cancel,
        answer=Steered,
        tag="batches",
        role=Role.OPERATOR,
        body=Nothing,
    ),
    Operation(
        method="POST",
        path="/batches/{id}/requeue",
        endpoint=requeue,
        answer=Steered,
        tag="batches",
        role=Role.OPERATOR,
        body=RequeueBody,
    ),
    Operation(
        method="POST",
        path="/batches/{id}/resend",
        endpoint=resend,
        answer=Resent,
        tag="batches",
        role=Role.OPERATOR,
        body=Nothing,
    ),
)
