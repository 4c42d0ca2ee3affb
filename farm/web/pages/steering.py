"""Requeueing and cancelling tasks: one, those that were ticked, or all that match; each after a question."""

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from farm.api import Farm
from farm.errors import BadInput
from farm.store import actions, browse
from farm.store.browse import Count
from farm.store.states import TaskState
from farm.store.steering import CANCELLABLE, REQUEUEABLE
from farm.web.access import Role
from farm.web.page import farm_of, field, form, page, see, visitor
from farm.web.pages.tasks import MOST_IDS, Filters
from farm.web.templating import render

MOST = 100_000
"""So many tasks are counted exactly, and steered at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """What is done to tasks: its name, which states it is for, and what it says when it is done."""

    name: str
    states: tuple[TaskState, ...]
    done: str
    refusal: str


REQUEUE = Act(
    name="requeue",
    states=REQUEUEABLE,
    done="requeued",
    refusal="only rejected and dead tasks can be requeued; choose that state, or any",
)
CANCEL = Act(
    name="cancel",
    states=CANCELLABLE,
    done="cancelled",
    refusal="only waiting tasks can be cancelled; choose that state, or any",
)


def ask_requeue(request: Request) -> Response:
    """How many tasks would be worked again."""
    return _ask(request, REQUEUE, _filters(request.query_params))


def ask_cancel(request: Request) -> Response:
    """How many tasks would be ended."""
    return _ask(request, CANCEL, _filters(request.query_params))


def requeue(request: Request) -> Response:
    """Let them be worked again."""
    return _act(request, REQUEUE)


def cancel(request: Request) -> Response:
    """End them."""
    return _act(request, CANCEL)


def _ask(
    request: Request, act: Act, filters: Filters, *, expected: Count | None = None, model: str = ""
) -> Response:
    count = _count(farm_of(request), act, filters)
    pools = farm_of(request).settings.all_pools().values()
    return render(
        request,
        "task_steering.html",
        status=200 if expected is None else 409,
        act=act,
        filters=filters,
        count=count,
        expected=expected,
        most=MOST,
        model=model,
        models=list(dict.fromkeys(pool.model for pool in pools)),
    )


def _filters(given: ImmutableMultiDict[str, Any]) -> Filters:
    """The tasks meant; raises BadInput where some were to be named, and none is: not all are meant."""
    ids = [str(id) for id in given.getlist("id")]
    filters = Filters.of(given, ids)
    if len(filters.ids) != len(ids) or (given.get("chosen") and not ids):
        raise BadInput(
            f"no task was chosen, or more than {MOST_IDS:,}, or what is none; go back and tick some"
        )
    if given.get("batch", "").strip() and filters.batch is None:
        raise BadInput(f"{given['batch']!r:.80} is no batch; give its number")
    return filters


def _count(farm: Farm, act: Act, filters: Filters) -> Count:
    selection = filters.selection(act.states)
    if not selection.states:
        raise BadInput(act.refusal)
    with farm.store.read() as connection:
        return browse.count(connection, selection, cap=MOST)


def _act(request: Request, act: Act) -> Response:
    filters = _filters(form(request))
    model = field(request, "model") or None
    expected = Count(tasks=_whole(field(request, "expected")), exact=field(request, "exact") == "yes")
    counted = _count(farm_of(request), act, filters)
    if expected.exact and counted.tasks > expected.tasks:
        return _ask(request, act, filters, expected=expected, model=model or "")
    count = _steer(farm_of(request), act, filters, model)
    detail = {**_said(filters), "tasks": count, **({"model": model} if model else {})}
    with farm_of(request).store.write() as connection:
        actions.record(connection, actor=visitor(request).name, action=act.name, detail=detail)
    if len(filters.ids) == 1:
        return see(f"/tasks/{filters.ids[0]}")
    return see(filters.without_ids().url(**{act.done: str(count)}))


def _steer(farm: Farm, act: Act, filters: Filters, model: str | None) -> int:
    chosen = filters.selection(act.states)
    common: dict[str, Any] = {
        "task_ids": chosen.task_ids,
        "batch_id": chosen.batch_id,
        "target": chosen.target,
        "queue": chosen.queue,
        "text": chosen.text,
        "most": MOST,
    }
    if act is CANCEL:
        # What waits has no reason yet, so that none of it matches one.
        return 0 if chosen.reason_code else farm.cancel(**common)
    return farm.requeue(**common, states=chosen.states, reason_code=chosen.reason_code, model=model)


def _said(filters: Filters) -> dict[str, Any]:
    """The filters as the log tells them."""
    named = {name: value for name, value in filters.fields() if name != "id"}
    return {**named, **({"ids": list(filters.ids)} if filters.ids else {})}


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


ROUTES: tuple[BaseRoute, ...] = (
    page("/tasks/requeue", ask_requeue, role=Role.OPERATOR),
    page("/tasks/requeue", requeue, role=Role.OPERATOR, methods=("POST",)),
    page("/tasks/cancel", ask_cancel, role=Role.OPERATOR),
    page("/tasks/cancel", cancel, role=Role.OPERATOR, methods=("POST",)),
)
