"""Choosing reports by words and facets together, the newest first, in bounded time over any number of them.

1. Of each condition the newest ids are read from its index, one more than `CAP`. One that has no more than
   that is rare: its ids are complete, and the rest need only be held against them.
2. Where none is rare, all are common, and walking back from the newest report meets enough of them soon.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, intersect, select
from sqlalchemy.orm import aliased

from farm.store import search, search_newest
from farm.store.search import Term
from farm.store.tables import QueryRow, QueryTableRow, QueryTagRow, QueryVersionRow

CAP = 5_000
"""So many reports are counted; beyond, it is said that there are more."""
WALKED = 2_000
"""So many, where several conditions are common: with each, the way to the next report is longer."""
LOOKED_INTO = 5_000
"""So many texts are sooner read than SQLite has searched all of them for words that are common."""
DISORDER = 10_000
"""Ids follow the times of creation, but for so many neighbours at most: groups of tasks settle at once."""
MARKS = ("good", "bad")


@dataclass(frozen=True, kw_only=True, slots=True)
class Criteria:
    """What reports are wanted; every condition that is given must hold.

    `since` and `until` bound the time of acceptance, `until` itself left out. All of `tables` must be read,
    all of `tags` be there. `corrected`: somebody has changed its SQL.
    """

    words: str = ""
    target: str | None = None
    dialect: str | None = None
    model: str | None = None
    tables: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    mark: str | None = None
    starred: bool = False
    corrected: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The ids of the reports that meet the criteria, newest first; `more`: there are others behind them."""

    ids: tuple[int, ...]
    more: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """One condition: the ids that meet it, in the column `id`, and whether another id (a column) does.

    `is_sorted`: an index gives the ids in their order.
    """

    ids: Select[Any]
    id: Any
    holds: Callable[[Any], ColumnElement[bool]]
    order: Any = None  # what to sort by, where sorting by the id itself would lead to another index
    is_sorted: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class _Span:
    """A range of ids: from `first` on, and less than `below`."""

    first: int | None = None
    below: int | None = None

    def newest(self, query: Select[Any], key: Any, order: Any = None) -> Select[Any]:
        """What a query finds in this range, by its `key`, from the highest id down."""
        return self.within(query, key).order_by((key if order is None else order).desc())

    def within(self, query: Select[Any], key: Any) -> Select[Any]:
        """What a query finds in this range."""
        if self.first is not None:
            query = query.where(key >= self.first)
        return query if self.below is None else query.where(key < self.below)


def choose(
    connection: Connection, criteria: Criteria, *, below: int | None = None, limit: int = CAP
) -> Selection:
    """The newest `limit` reports that meet `criteria`, of those with an id less than `below`.

    Where several conditions are met by many reports each, it is 2,000 at most.
    """
    dialect = connection.dialect.name
    wanted = search.terms(criteria.words)
    span = _span(connection, criteria, below)
    sources = _sources(criteria)
    if not wanted and not sources:
        return _cut(_read(connection, span.newest(select(QueryRow.id), QueryRow.id), limit), limit)
    rare, common = _told_apart(connection, sources, span)
    if wanted:
        found = search.matching(dialect, wanted)
        most = limit if rare is None and not common else CAP
        matched = _matched(connection, found, span, most)
        if most == limit and not sources:
            return _cut(matched, limit)
        if len(matched) <= CAP:
            rare, wanted = set(matched) if rare is None else rare & set(matched), ()
    if rare is None:
        most = min(limit, limit if len(common) + bool(wanted) == 1 else WALKED)
        return _cut(_read(connection, _walk(dialect, wanted, common, span), most), most)
    return _cut(sorted(_met(connection, rare, wanted, common), reverse=True), limit)


def _matched(connection: Connection, found: Select[Any], span: _Span, limit: int) -> list[int]:
    """The newest ids that hold the words, one more than `limit` at most."""
    if connection.dialect.name == "sqlite":
        return _read(connection, span.newest(found, _key(found)), limit)
    first, below = span.first or 0, span.below
    return search_newest.newest(connection, found, _key(found), first=first, below=below, limit=limit + 1)


def _told_apart(
    connection: Connection, sources: Sequence[_Source], span: _Span
) -> tuple[set[int] | None, list[_Source]]:
    """The ids that meet all rare conditions (None: there is no rare one), and the common conditions."""
    rare: set[int] | None = None
    common = []
    for source in sources:
        found = _read(connection, span.newest(source.ids, source.id, source.order), CAP)
        if len(found) > CAP:
            common.append(source)
        else:
            rare = set(found) if rare is None else rare & set(found)
    return rare, common


def _met(
    connection: Connection, ids: set[int], wanted: Sequence[Term], common: Sequence[_Source]
) -> set[int]:
    """Those of a few ids that also hold the words and meet the other conditions."""
    dialect = connection.dialect.name
    if common and ids:
        among = search.among(dialect, QueryRow.id, ids)
        met = select(QueryRow.id).where(among, *(source.holds(QueryRow.id) for source in common))
        ids = set(connection.scalars(met))
    if not (wanted and ids):
        return ids
    if dialect == "sqlite" and len(ids) <= LOOKED_INTO:
        texts = select(QueryRow.id, QueryRow.title, QueryRow.question, QueryRow.sql)
        rows = connection.execute(texts.where(search.among(dialect, QueryRow.id, ids)))
        return {row.id for row in rows if search.held((row.title, row.question, row.sql), wanted)}
    return set(connection.scalars(search.matching(dialect, wanted, within=ids)))


def _walk(dialect: str, wanted: Sequence[Term], common: Sequence[_Source], span: _Span) -> Any:
    """Back from the newest that holds the words, or meets the first condition; does it meet the others?"""
    if wanted:
        words = search.matching(dialect, wanted)
        key = held = _key(words)
        if any(source.id is QueryRow.id for source in common):
            words, held = words.join(QueryRow, QueryRow.id == key), QueryRow.id
        return span.newest(words.where(*(source.holds(held) for source in common)), key)
    if dialect == "sqlite" and len(common) > 1 and all(source.is_sorted for source in common):
        # It merges the indexes as they come; looking up each id of one would read whole reports.
        met = intersect(*(span.within(source.ids, source.id) for source in common))
        return met.order_by(met.selected_columns[0].desc())
    first, *others = common
    return span.newest(first.ids.where(*(source.holds(first.id) for source in others)), first.id)


def _key(found: Select[Any]) -> Any:
    return found.selected_columns.id.element


def _read(connection: Connection, query: Select[Any], limit: int) -> list[int]:
    return list(connection.scalars(query.limit(limit + 1)))


def _cut(ids: Sequence[int], limit: int) -> Selection:
    return Selection(ids=tuple(ids[:limit]), more=len(ids) > limit)


def _sources(criteria: Criteria) -> list[_Source]:
    """Those of other tables first: their indexes are the shortest way."""
    found = [
        *(_listed(QueryTagRow, "tag", tag) for tag in criteria.tags),
        *(_listed(QueryTableRow, "table_name", name) for name in criteria.tables),
    ]
    if criteria.corrected:
        found.append(_listed(QueryVersionRow, "version", 1))
    if criteria.starred:
        found.append(_own(QueryRow.starred_at.is_not(None), order=QueryRow.id + 0, is_sorted=False))
    for column in ("mark", "model", "dialect", "target"):
        if (value := getattr(criteria, column)) is not None:
            found.append(_own(getattr(QueryRow, column) == value))
    if times := _times(criteria):
        found.append(_own(and_(*times), is_sorted=False))
    return found


def _own(condition: ColumnElement[bool], order: Any = None, *, is_sorted: bool = True) -> _Source:
    def holds(key: Any) -> ColumnElement[bool]:
        if key is QueryRow.id:
            return condition
        return select(QueryRow.id).where(QueryRow.id == key, condition).exists()

    ids = select(QueryRow.id).where(condition)
    return _Source(ids=ids, id=QueryRow.id, holds=holds, order=order, is_sorted=is_sorted)


def _listed(row: Any, name: str, value: Any) -> _Source:
    """The rows of another table that have this value."""

    def holds(key: Any) -> ColumnElement[bool]:
        other = aliased(row)
        return select(other.query_id).where(other.query_id == key, getattr(other, name) == value).exists()

    ids = select(row.query_id).where(getattr(row, name) == value)
    return _Source(ids=ids, id=row.query_id, holds=holds)


def _times(criteria: Criteria) -> list[ColumnElement[bool]]:
    at = QueryRow.created_at
    return [
        *([at >= criteria.since] if criteria.since is not None else []),
        *([at < criteria.until] if criteria.until is not None else []),
    ]


def _span(connection: Connection, criteria: Criteria, below: int | None) -> _Span:
    """The ids of the period that is wanted, so that walking back begins and ends there."""
    times = _times(criteria)
    if not times:
        return _Span(below=below)
    at = QueryRow.created_at
    oldest = select(QueryRow.id).where(*times).order_by(at).limit(DISORDER).subquery()
    newest = select(QueryRow.id).where(*times).order_by(at.desc()).limit(DISORDER).subquery()
    first = connection.scalar(select(func.min(oldest.c.id)))
    last = connection.scalar(select(func.max(newest.c.id))) or 0
    return _Span(first=first, below=last + 1 if below is None else min(below, last + 1))
