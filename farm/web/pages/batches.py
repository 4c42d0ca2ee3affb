"""Batches: what was asked together, how far it has come, and what became of each task."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from farm.batch import Batch
from farm.errors import BadInput
from farm.exports.csv import guarded
from farm.storable import comparable
from farm.store import actions, alike, batch_pace, batch_tasks, batches, steering
from farm.store.batches import BatchLine, Standing
from farm.store.engine import Connection, Store
from farm.store.results import TaskResult
from farm.store.states import TaskState
from farm.web.access import Role
from farm.web.page import farm_of, field, number, page, see, visitor
from farm.web.pages.ask import asked_of
from farm.web.pages.live import stream
from farm.web.templating import fragment, render
from farm.webhooks.standing import of_batch

LINES = 25
TASKS = 50
CHUNK = 200
FILTERS: dict[str, tuple[TaskState, ...]] = {
    "": (),
    "open": (TaskState.QUEUED, TaskState.LEASED),
    "accepted": (TaskState.ACCEPTED,),
    "refused": (TaskState.REJECTED, TaskState.DEAD),
}
REQUEUEABLE: dict[str, tuple[TaskState, ...]] = {
    "refused": (TaskState.REJECTED, TaskState.DEAD),
    "rejected": (TaskState.REJECTED,),
    "dead": (TaskState.DEAD,),
}
COLUMNS = (
    "task_id",
    "key",
    "question",
    "target",
    "state",
    "sql",
    "reason_code",
    "reason",
    "query_id",
    "model",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
)
"""What a download says of each task."""


def index(request: Request) -> Response:
    """All batches, newest first."""
    before = _id(request, "before")
    search = comparable(request.query_params.get("q", "")).strip()[:200]
    with farm_of(request).store.read() as connection:
        lines = batches.find(connection, before=before, search=search, limit=LINES + 1)
        standings = batches.standings(connection, [line.id for line in lines[:LINES]])
    return render(
        request,
        "batches.html",
        lines=lines[:LINES],
        standings=standings,
        search=search,
        before=before,
        next=lines[LINES - 1].id if len(lines) > LINES else None,
        States=TaskState,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Which tasks of which batch the page shows."""

    batch_id: int
    chosen: str
    after: int | None

    @classmethod
    def of(cls, request: Request) -> "View":
        chosen = request.query_params.get("state", "")
        return cls(
            batch_id=number(request),
            chosen=chosen if chosen in FILTERS else "",
            after=_id(request, "after"),
        )

    @property
    def query(self) -> str:
        """As part of an address."""
        given = {"state": self.chosen, "after": self.after}
        return urlencode({name: value for name, value in given.items() if value not in ("", None)})


def show(request: Request) -> Response:
    """One batch: how it stands, and a page of its tasks."""
    view = View.of(request)
    asked = asked_of(request).get(request.query_params.get("form", ""))
    return render(
        request,
        "batch.html",
        **_seen(farm_of(request).store, view),
        asked=asked if asked is not None and asked.batch_id == view.batch_id else None,
        models=_models(request),
        live_query=view.query,
    )


async def follow(request: Request) -> Response:
    """The same as it changes."""
    view, store = View.of(request), farm_of(request).store
    await run_in_threadpool(_require, store, view.batch_id)
    return stream(
        request,
        key=f"batch {view}",
        load=lambda: _seen(store, view),
        render=lambda seen: fragment(request, "_batch.html", **seen),
        every_seconds=1.0,
    )


def _seen(store: Store, view: View) -> dict[str, Any]:
    """What the part of the page that is sent anew as it changes shows."""
    with store.read() as connection:
        batch = _found(connection, view.batch_id)
        standing = batches.standing(connection, batch.id)
        pace = batch_pace.tasks_per_second(connection, batch.id) if standing.open else 0.0
        small = standing.total <= batches.ONE.exact
        return {
            "batch": batch,
            "standing": standing,
            "spend": batch_pace.spend(connection, batch.id, standing),
            "pace": pace,
            "left": standing.open / pace if pace else None,
            "reasons": batches.reasons(connection, batch.id) if standing.refused else [],
            "webhooks": of_batch(connection, batch.id),
            "duplicates": alike.duplicates(connection, batch.id) if small else None,
            "found": batch_tasks.page(
                connection,
                batch.id,
                total=standing.total,
                states=FILTERS[view.chosen],
                after=view.after,
                limit=TASKS,
            ),
            "filters": tuple(FILTERS),
            "chosen": view.chosen,
            "after": view.after,
            "States": TaskState,
        }


def _found(connection: Connection, batch_id: int) -> BatchLine:
    batch = batches.get(connection, batch_id)
    if batch is None:
        raise HTTPException(404, f"There is no batch {batch_id}.")
    return batch


def _require(store: Store, batch_id: int) -> None:
    with store.read() as connection:
        _found(connection, batch_id)


def _id(request: Request, name: str) -> int | None:
    """A place in a list, from the address; None for what is none."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _models(request: Request) -> list[str]:
    return [pool.model for pool in farm_of(request).settings.all_pools().values()]


def ask_requeue(request: Request) -> Response:
    """How many tasks would be worked again; nothing is done yet."""
    which = request.query_params.get("which", "refused")
    if which not in REQUEUEABLE:
        raise HTTPException(404)
    model = request.query_params.get("model", "")
    with farm_of(request).store.read() as connection:
        batch = _found(connection, number(request))
        standing = batches.standing(connection, batch.id, batches.CONFIRM)
    return render(
        request,
        "batch_requeue.html",
        batch=batch,
        which=which,
        model=model if model in _models(request) else "",
        **_concerned(standing, REQUEUEABLE[which]),
    )


def _concerned(standing: Standing, states: tuple[TaskState, ...]) -> dict[str, Any]:
    return {
        "count": sum(standing.counts.get(state, 0) for state in states),
        "estimated": bool(standing.estimated & set(states)),
    }


def requeue(request: Request) -> Response:
    """Let what was rejected or died be worked again."""
    states = REQUEUEABLE.get(field(request, "which", "refused"))
    if states is None:
        raise BadInput("only rejected and dead tasks can be requeued")
    batch_id = number(request)
    with farm_of(request).store.read() as connection:
        _found(connection, batch_id)
    model = field(request, "model") or None
    count = farm_of(request).requeue(batch_id=batch_id, states=states, model=model)
    _log(request, "requeue", batch=batch_id, states=list(states), model=model, tasks=count)
    return see(f"/batches/{batch_id}", requeued=count)


def ask_cancel(request: Request) -> Response:
    """How many tasks would be cancelled; nothing is done yet."""
    with farm_of(request).store.read() as connection:
        batch = _found(connection, number(request))
        standing = batches.standing(connection, batch.id, batches.CONFIRM)
    return render(request, "batch_cancel.html", batch=batch, **_concerned(standing, (TaskState.QUEUED,)))


def cancel(request: Request) -> Response:
    """Let what waits end as dead."""
    batch_id = number(request)
    store = farm_of(request).store
    _require(store, batch_id)
    with store.write() as connection:
        count = steering.cancel(connection, batch_id)
        actions.record(
            connection,
            actor=visitor(request).name,
            action="cancel",
            detail={"batch": batch_id, "tasks": count},
        )
    return see(f"/batches/{batch_id}", cancelled=count)


def _log(request: Request, action: str, **detail: Any) -> None:
    with farm_of(request).store.write() as connection:
        actions.record(connection, actor=visitor(request).name, action=action, detail=detail)


def download(request: Request) -> Response:
    """Every task of a batch as it stands, in the order asked, streamed as CSV or JSONL."""
    batch_id, format = number(request), request.path_params["format"]
    if format not in ("csv", "jsonl"):
        raise HTTPException(404)
    store = farm_of(request).store
    _require(store, batch_id)
    kind = "text/csv; charset=utf-8" if format == "csv" else "application/x-ndjson"
    headers = {"content-disposition": f'attachment; filename="batch-{batch_id}.{format}"'}
    if request.method == "HEAD":
        return Response(media_type=kind, headers=headers)
    results = Batch(store, batch_id).results(wait=False)
    written = _csv(results) if format == "csv" else _jsonl(results)
    return StreamingResponse(written, media_type=kind, headers=headers)


def _values(result: TaskResult) -> dict[str, Any]:
    """What a download says of a task."""
    return {name: getattr(result, name) for name in COLUMNS}


def _jsonl(results: Iterator[TaskResult]) -> Iterator[str]:
    while chunk := list(islice(results, CHUNK)):
        yield "".join(json.dumps(_values(result), ensure_ascii=False) + "\n" for result in chunk)


def _csv(results: Iterator[TaskResult]) -> Iterator[str]:
    yield ",".join(COLUMNS) + "\r\n"
    while chunk := list(islice(results, CHUNK)):
        lines = io.StringIO()
        csv.writer(lines).writerows(
            [guarded(value) if isinstance(value, str) else value for value in _values(result).values()]
            for result in chunk
        )
        yield lines.getvalue()


ROUTES: tuple[BaseRoute, ...] = (
    page("/batches", index),
    page("/batches/{id}", show),
    page("/batches/{id}/live", follow),
    page("/batches/{id}/requeue", ask_requeue, role=Role.OPERATOR),
    page("/batches/{id}/requeue", requeue, role=Role.OPERATOR, methods=("POST",)),
    page("/batches/{id}/cancel", ask_cancel, role=Role.OPERATOR),
    page("/batches/{id}/cancel", cancel, role=Role.OPERATOR, methods=("POST",)),
    page("/batches/{id}/results.{format}", download),
)
