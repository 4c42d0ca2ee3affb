"""Reports: all that was accepted, by words and facets."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from farm.store import facets, reports, search, selection
from farm.store.engine import Connection, now
from farm.store.facets import Facets, Value
from farm.store.selection import Criteria, Selection
from farm.web.asked_reports import PERIODS, VIEWS, Asked
from farm.web.page import farm_of, page
from farm.web.templating import render

PAGE = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A link that narrows the list; `count` is of the reports counted, None where nobody has."""

    name: str
    href: str
    count: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The choices of one facet."""

    title: str
    choices: tuple[Choice, ...]


def index(request: Request) -> Response:
    """The newest reports that the address asks for."""
    asked = Asked.of(request.query_params)
    after = _after(request.query_params.get("after", ""))
    criteria = asked.criteria(now())
    with farm_of(request).store.read() as connection:
        chosen = selection.choose(connection, criteria)
        ids, is_last = _page(connection, criteria, chosen, after)
        found = reports.of(connection, ids)
        tags = reports.tags_of(connection, ids)
        counted = facets.count(connection, chosen.ids, more=chosen.more)
    answer = render(
        request,
        "reports.html",
        asked=asked,
        reports=found,
        tags=tags,
        total=len(chosen.ids),
        more=chosen.more,
        complete=counted.complete,
        counted=facets.COUNTED,
        groups=list(_groups(asked, counted)),
        views=[(view, asked.href(view=view)) for view in VIEWS],
        wordless=bool(asked.q) and not search.terms(asked.q),
        first_href=asked.href() if after else None,
        next_href=None if is_last else asked.href(after=ids[-1]),
        here=asked.href(after=after),
    )
    if "hx-history-restore-request" not in request.headers:  # going back goes to no new place
        answer.headers["hx-push-url"] = asked.href()  # without the fields that say nothing
    return answer


def _after(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _page(
    connection: Connection, criteria: Criteria, chosen: Selection, after: int | None
) -> tuple[tuple[int, ...], bool]:
    """The ids of one page, and whether there are none behind it."""
    ids = chosen.ids if after is None else tuple(each for each in chosen.ids if each < after)
    if len(ids) > PAGE or not chosen.more:
        return ids[:PAGE], len(ids) <= PAGE
    behind = selection.choose(connection, criteria, below=after, limit=PAGE)
    return behind.ids, not behind.more


def _groups(asked: Asked, counted: Facets) -> Any:
    """The facets that can narrow the list further."""
    for title, name, values in (
        ("Database", "target", counted.targets),
        ("Dialect", "dialect", counted.dialects),
        ("Model", "model", counted.models),
    ):
        if getattr(asked, name) is None and len(values) > 1:
            yield Group(title=title, choices=tuple(_choice(asked, name, value) for value in values))
    for title, name, values in (("Table", "table", counted.tables), ("Tag", "tag", counted.tags)):
        left = [value for value in values if value.name not in getattr(asked, name)]
        if left:
            choices = (
                Choice(name=value.name, count=value.count, href=asked.with_one(name, value.name))
                for value in left
            )
            yield Group(title=title, choices=tuple(choices))
    if judged := tuple(_judged(asked, counted)):
        yield Group(title="Mark", choices=judged)
    if asked.when is None:
        periods = (Choice(name=f"last {name}", href=asked.href(when=name)) for name in PERIODS)
        yield Group(title="Accepted", choices=tuple(periods))


def _choice(asked: Asked, name: str, value: Value) -> Choice:
    return Choice(name=value.name, count=value.count or None, href=asked.href(**{name: value.name}))


def _judged(asked: Asked, counted: Facets) -> Any:
    if not asked.starred:
        yield Choice(name="starred", count=counted.starred or None, href=asked.href(starred=True))
    if asked.mark is None:
        yield Choice(name="good", count=counted.good or None, href=asked.href(mark="good"))
        yield Choice(name="bad", count=counted.bad or None, href=asked.href(mark="bad"))
    if not asked.corrected:
        yield Choice(name="corrected", count=counted.corrected or None, href=asked.href(corrected=True))


ROUTES: tuple[BaseRoute, ...] = (page("/reports", index),)
