"""Accepted queries: searched by words and facets, and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from farm.store import facets, reports, selection
from farm.store.facets import Facets
from farm.store.reports import Report
from farm.store.selection import Criteria
from farm.web.api.answers import VerdictAnswer, copied
from farm.web.api.fields import Day, Given, Id, Limit, Maybe, Name, Text, Truth
from farm.web.api.operation import Call, Nothing, Operation

Q = TypeVar("Q", bound="QueryAnswer")
Names = Annotated[tuple[Name, ...], Field(max_length=20)]


class QueriesQuery(Given):
    """Which queries; every condition that is given must hold."""

    q: Text = ""
    """Words of the title, the question or the SQL; the last may be a beginning, quotes make a phrase."""
    target: Maybe[Name] = None
    """The target that they are for."""
    dialect: Maybe[Name] = None
    """The dialect that they are in."""
    model: Maybe[Name] = None
    """The model that wrote them."""
    table: Names = ()
    """A table that they read; may stand there several times."""
    tag: Names = ()
    """A tag that they have; may stand there several times."""
    since: Maybe[Day] = None
    """The first day (UTC) of their acceptance."""
    until: Maybe[Day] = None
    """The day (UTC) before which they were accepted."""
    mark: Maybe[Literal["good", "bad"]] = None
    """What people think of them."""
    starred: Truth = False
    """Only those with a star."""
    corrected: Truth = False
    """Only those whose SQL somebody has changed."""
    facets: Truth = False
    """Count the values of targets, dialects, models, tables and tags over what was found."""
    after: Maybe[Id] = None
    """Where the page before ended: its `after`."""
    limit: Limit = 50
    """How many at most."""

    def criteria(self) -> Criteria:
        """As the store takes them."""
        return Criteria(
            words=self.q,
            target=self.target,
            dialect=self.dialect,
            model=self.model,
            tables=self.table,
            tags=self.tag,
            since=_midnight(self.since),
            until=_midnight(self.until),
            mark=self.mark,
            starred=self.starred,
            corrected=self.corrected,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryAnswer:
    """An accepted query.

    `same_as` is the first one that differs in spelling alone. `original_sql` is what the model wrote, where
    `sql` is that in another dialect. `author` corrected it last (null: as the model wrote it).
    """

    id: int
    task_id: int
    question: str
    title: str | None
    target: str
    dialect: str
    sql: str
    original_sql: str | None
    original_dialect: str | None
    model: str
    dry_run: str | None
    schema_fingerprint: str
    same_as: int | None
    tags: list[str]
    mark: str | None
    starred_at: datetime | None
    version: int
    author: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryDetail(QueryAnswer):
    """An accepted query with what it reads, and the verdict of its last check against a later schema."""

    call_no: int
    prompt_version: str
    canonical_key: str | None
    lineage: dict[str, Any] | None
    rechecked_at: datetime | None
    rechecked_fingerprint: str | None
    recheck: VerdictAnswer | None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueriesAnswer:
    """A page of queries, newest first; `after` gives the next one, null where there is none."""

    queries: list[QueryAnswer]
    after: int | None
    facets: Facets | None = None


def index(call: Call[QueriesQuery, None]) -> QueriesAnswer:
    """Find accepted queries by words and facets, newest first."""
    query = call.query
    with call.farm.store.read() as connection:
        found = selection.choose(connection, query.criteria(), below=query.after, limit=query.limit)
        tags = reports.tags_of(connection, found.ids)
        listed = reports.of(connection, found.ids)
        counted = None
        if query.facets:
            chosen = selection.choose(connection, query.criteria())
            counted = facets.count(connection, chosen.ids, more=chosen.more)
    return QueriesAnswer(
        queries=[_answer(QueryAnswer, report, tags) for report in listed],
        after=found.ids[-1] if found.more and found.ids else None,
        facets=counted,
    )


def show(call: Call[Nothing, None]) -> QueryDetail:
    """See an accepted query."""
    report = call.farm.query(call.id)
    with call.farm.store.read() as connection:
        tags = reports.tags_of(connection, [report.id])
    return _answer(
        QueryDetail,
        report,
        tags,
        lineage=None if report.lineage is None else report.lineage.to_dict(),
        recheck=None if report.recheck is None else VerdictAnswer.of(report.recheck),
    )


def _answer(kind: type[Q], report: Report, tags: Mapping[int, Sequence[str]], **more: Any) -> Q:
    return copied(kind, report, tags=list(tags.get(report.id, ())), **more)


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


OPERATIONS = (
    Operation(
        method="GET",
        path="/queries",
        endpoint=index,
        answer=QueriesAnswer,
        tag="queries",
        query=QueriesQuery,
    ),
    Operation(method="GET", path="/queries/{id}", endpoint=show, answer=QueryDetail, tag="queries"),
)
