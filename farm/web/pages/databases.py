"""Databases: what queries are written for, with tables, keys and what reads them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from farm.errors import BadInput, FarmError
from farm.sql.outline import Outline, OutlineTable, read_outline
from farm.store import actions, databases
from farm.store.databases import NEWEST, Database
from farm.targets import urls
from farm.targets.target import fingerprint
from farm.web.access import Role
from farm.web.diagram import MOST_BOXES, Diagram, diagram
from farm.web.page import farm_of, field, page, see, visitor
from farm.web.templating import render

TABLES = 100
SEARCH_LIMIT_CHARS = 200
DDL_LIMIT_CHARS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A target in the list. `table_count` is None where its schema cannot be read."""

    database: Database
    table_count: int | None
    has_url: bool


def index(request: Request) -> Response:
    """All targets."""
    farm = farm_of(request)
    with farm.store.read() as connection:
        found = databases.known(connection)
    entries = []
    for database in found:
        outline, _ = _outline(database)
        entries.append(
            Entry(
                database=database,
                table_count=None if outline is None else len(outline.tables),
                has_url=urls.find(farm.settings, database.name) is not None,
            )
        )
    return render(request, "databases.html", entries=entries)


def show(request: Request) -> Response:
    """One target."""
    return _show(request, None)


def refresh(request: Request) -> Response:
    """Read a target's schema again from its database; what goes wrong is shown beside what is known."""
    if field(request, "action") != "refresh":
        raise BadInput("there is nothing to do; choose to read the schema again")
    farm, name = farm_of(request), request.path_params["name"]
    before = _database(request)
    try:
        farm.refresh_target(name)
    except FarmError as error:
        return _show(request, error)
    changed = _database(request).fingerprint != before.fingerprint
    with farm.store.write() as connection:
        detail = {"target": name, "changed": changed}
        actions.record(connection, actor=visitor(request).name, action="refresh", detail=detail)
    return see(address(name), refreshed="changed" if changed else "same")


def address(name: str) -> str:
    """Where a target's page is."""
    return f"/databases/{quote(name, safe='')}"


def _database(request: Request) -> Database:
    name = request.path_params["name"]
    with farm_of(request).store.read() as connection:
        found = None if "\0" in name else databases.get(connection, name)
    if found is None:
        raise HTTPException(
            404, f"There is no database {name!r:.120}; the databases page lists those there are."
        )
    return found


def _show(request: Request, error: FarmError | None) -> Response:
    database = _database(request)
    query = request.query_params
    search, chosen = query.get("q", "").strip()[:SEARCH_LIMIT_CHARS], query.get("table") or None
    outline, problem = _outline(database)
    tables = _matching(outline, search, chosen) if outline is not None else []
    start = max(0, int(query["from"])) if query.get("from", "").isdecimal() and len(query["from"]) < 7 else 0
    with farm_of(request).store.read() as connection:
        reports = databases.reports_by_table(connection, database.name)
    return render(
        request,
        "database.html",
        status=200 if error is None else 502,
        database=database,
        address=address(database.name),
        has_url=urls.find(farm_of(request).settings, database.name) is not None,
        problem=problem,
        error=None if error is None else str(error),
        refreshed=query.get("refreshed"),
        table_count=0 if outline is None else len(outline.tables),
        shown=tables[start : start + TABLES],
        found_count=len(tables),
        start=start,
        next=start + TABLES if start + TABLES < len(tables) else None,
        search=search,
        chosen=chosen,
        reports=reports,
        newest=NEWEST,
        picture=_picture(outline, chosen),
        most_boxes=MOST_BOXES,
        referring=_referring(outline) if outline is not None else {},
        long_ddl=len(database.ddl) > DDL_LIMIT_CHARS and query.get("ddl") != "whole",
        fingerprint=fingerprint(database.ddl),
        link=_Links(address(database.name), database.name),
    )


def _outline(database: Database) -> tuple[Outline | None, str | None]:
    """The schema, or why it cannot be read."""
    try:
        return read_outline(database.ddl, database.dialect), None
    except BadInput as error:
        return None, str(error)


def _matching(outline: Outline, search: str, chosen: str | None) -> list[OutlineTable]:
    """The tables that are shown: the chosen one, or those where every word of the search stands somewhere."""
    if chosen is not None:
        return [table for table in outline.tables if table.label == chosen]
    words = search.lower().split()
    return [table for table in outline.tables if all(word in _text(table) for word in words)]


def _text(table: OutlineTable) -> str:
    parts = [table.label, table.comment]
    parts += [part for column in table.columns for part in (column.name, column.comment)]
    return "\n".join(parts).lower()


def _picture(outline: Outline | None, chosen: str | None) -> Diagram | None:
    return None if outline is None else diagram(outline, chosen)


def _referring(outline: Outline) -> dict[str, list[tuple[str, str]]]:
    """For each table, those that refer to it, and by which columns."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table in outline.tables:
        for key in table.foreign_keys:
            found.setdefault(key.parent, []).append((table.label, ", ".join(key.columns)))
    return found


@dataclass(frozen=True, slots=True)
class _Links:
    """Addresses of this target's parts and of what reads them."""

    base: str
    name: str

    def table(self, label: str) -> str:
        """This page with one table."""
        return f"{self.base}?{urlencode({'table': label})}"

    def reports(self, label: str) -> str:
        """The reports that read a table."""
        return f"/reports?{urlencode({'target': self.name, 'table': label})}"

    def here(self, **query: Any) -> str:
        """This page with something else in its address."""
        given = {name: value for name, value in query.items() if value not in (None, "", 0)}
        return f"{self.base}?{urlencode(given)}" if given else self.base


ROUTES: tuple[BaseRoute, ...] = (
    page("/databases", index),
    page("/databases/{name:path}", show),
    page("/databases/{name:path}", refresh, role=Role.OPERATOR, methods=("POST",)),
)
