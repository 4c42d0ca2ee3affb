"""Tasks: every question that was asked, filtered and searched, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from farm.errors import NotFound
from farm.storable import comparable
from farm.store import browse, targets, task_details
from farm.store.browse import Count, TaskPage
from farm.store.engine import Connection
from farm.store.states import TaskState
from farm.store.task_selection import REQUEUEABLE, Selection
from farm.web.page import farm_of, number, page
from farm.web.templating import render

STATES: dict[str, tuple[TaskState, ...]] = {
    "": tuple(TaskState),
    "failed": REQUEUEABLE,
    **{state.value: (state,) for state in TaskState},
}
STATE_NAMES = {
    "": "any state",
    "failed": "rejected or dead",
    "queued": "waiting",
    "leased": "in work",
    "accepted": "accepted",
    "rejected": "rejected",
    "dead": "dead",
}
TEXT_LIMIT_CHARS = 200
MOST_IDS = 1_000
PATIENCE = browse.Patience()


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What tasks are looked for, as it stands in the URL; empty texts and None stand for any."""

    state: str = ""
    target: str = ""
    queue: str = ""
    reason: str = ""
    batch: int | None = None
    text: str = ""
    ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any], ids: list[str]) -> "Filters":
        """Out of the query of a URL or the fields of a form; what makes no sense is left out."""
        said = {
            name: _clean(given.get(name, "")) for name in ("state", "target", "queue", "reason", "batch", "q")
        }
        return cls(
            state=said["state"] if said["state"] in STATES else "",
            target=said["target"],
            queue=said["queue"],
            reason=said["reason"],
            batch=_number(said["batch"]),
            text=said["q"],
            ids=tuple(id for text in ids[:MOST_IDS] if (id := _number(text)) is not None),
        )

    @classmethod
    def of_url(cls, request: Request) -> "Filters":
        return cls.of(request.query_params, request.query_params.getlist("id"))

    def fields(self) -> list[tuple[str, str]]:
        """As names and values of a form or URL."""
        plain = {
            "q": self.text,
            "state": self.state,
            "target": self.target,
            "queue": self.queue,
            "reason": self.reason,
            "batch": "" if self.batch is None else str(self.batch),
        }
        return [(name, value) for name, value in plain.items() if value] + [
            ("id", str(id)) for id in self.ids
        ]

    def url(self, path: str = "/tasks", **more: Any) -> str:
        """A page of ours with these filters."""
        query = urlencode([*self.fields(), *((name, str(value)) for name, value in more.items())])
        return f"{path}?{query}" if query else path

    def without_ids(self) -> "Filters":
        """The same for all tasks, not for those that were ticked."""
        return replace(self, ids=())

    def selection(self, states: tuple[TaskState, ...] | None = None) -> Selection:
        """As the store takes it; of the states only those of `states`, where they are given."""
        own = STATES[self.state]
        return Selection(
            task_ids=self.ids or None,
            batch_id=self.batch,
            target=self.target or None,
            states=own if states is None else tuple(state for state in own if state in states),
            queue=self.queue or None,
            reason_code=self.reason or None,
            text=self.text or None,
        )

    @property
    def steps(self) -> bool:
        """Whether tasks are looked through in steps, so that counting all of them is left undone."""
        selection = self.selection()
        return not set(selection.by_name()) <= {selection.driver()}


def _clean(value: Any) -> str:
    """A text that every database can compare, with single spaces and of bounded length."""
    return " ".join(comparable(str(value)).split())[:TEXT_LIMIT_CHARS]


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def index(request: Request) -> Response:
    """Tasks that match, the newest first."""
    filters, after = Filters.of_url(request), _number(request.query_params.get("after", ""))
    farm = farm_of(request)
    with farm.store.read() as connection:
        found = browse.page(connection, filters.selection(), after=after, patience=PATIENCE)
        count = _count(connection, filters, found, after)
        reasons = browse.reason_codes(connection)
    return render(
        request,
        "tasks.html",
        filters=filters,
        found=found,
        count=count,
        after=after,
        next_url=None if found.after is None else filters.url(after=found.after),
        states=STATE_NAMES,
        targets=_with(targets.names(farm.store), filters.target),
        queues=_with(list(farm.settings.all_pools()), filters.queue),
        reasons=_with(reasons, filters.reason),
        requeueable=REQUEUEABLE,
        done={name: _number(request.query_params.get(name, "")) for name in ("requeued", "cancelled")},
        can_requeue=bool(filters.selection(REQUEUEABLE).states),
        can_cancel=bool(filters.selection((TaskState.QUEUED,)).states) and not filters.reason,
    )


def _count(connection: Connection, filters: Filters, found: TaskPage, after: int | None) -> Count | None:
    """How many tasks match, where that is known at once."""
    if after is None and found.after is None:
        return Count(tasks=len(found.tasks), exact=True)
    return None if filters.steps else browse.count(connection, filters.selection())


def _with(known: list[str], chosen: str) -> list[str]:
    """The values to choose from, with the one that is chosen."""
    return known if not chosen or chosen in known else [*known, chosen]


def show(request: Request) -> Response:
    """One task with its attempts."""
    task_id = number(request)
    with farm_of(request).store.read() as connection:
        task = task_details.get(connection, task_id)
    if task is None:
        raise NotFound(f"there is no task {task_id}")
    return render(
        request,
        "task.html",
        task=task,
        state_name=STATE_NAMES[task.state.value],
        can_requeue=task.state in REQUEUEABLE,
        can_cancel=task.state is TaskState.QUEUED,
        text_limit=task_details.TEXT_LIMIT_CHARS,
    )


ROUTES: tuple[BaseRoute, ...] = (page("/tasks", index), page("/tasks/{id}", show))
