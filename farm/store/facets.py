"""What a selection of reports can be narrowed by: each facet's values, counted over its newest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from farm.store import search
from farm.store.tables import QueryRow, QueryTableRow, QueryTagRow, TargetRow

COUNTED = 1_000
"""Counts are over so many reports of a selection, the newest; a larger one has at least as many."""
VALUES_LIMIT = 15
"""Of tags and tables, those that stand most often."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """A value of a facet; `count` is how many of the reports counted have it."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Facets:
    """The values of each facet, by how often they stand; `complete`: every report was counted.

    Targets, dialects and models are all there, also those that no counted report has.
    """

    targets: tuple[Value, ...]
    dialects: tuple[Value, ...]
    models: tuple[Value, ...]
    tables: tuple[Value, ...]
    tags: tuple[Value, ...]
    good: int
    bad: int
    starred: int
    corrected: int
    complete: bool


def count(connection: Connection, ids: Sequence[int], *, more: bool) -> Facets:
    """The facets of a selection: `ids`, newest first, and whether there are `more` behind them."""
    counted = ids[:COUNTED]
    own = _own(connection, counted)
    return Facets(
        targets=_all(own["target"], connection.scalars(select(TargetRow.name)).all()),
        dialects=_all(own["dialect"], _distinct(connection, QueryRow.dialect)),
        models=_all(own["model"], _distinct(connection, QueryRow.model)),
        tables=_listed(connection, QueryTableRow.table_name, QueryTableRow.query_id, counted),
        tags=_listed(connection, QueryTagRow.tag, QueryTagRow.query_id, counted),
        good=own["mark"].get("good", 0),
        bad=own["mark"].get("bad", 0),
        starred=own["starred"].get(True, 0),
        corrected=own["corrected"].get(True, 0),
        complete=not more and len(ids) <= COUNTED,
    )


def _own(connection: Connection, ids: Sequence[int]) -> dict[str, dict[Any, int]]:
    """How often the values of the columns of `queries` stand, in one pass."""
    columns = (
        QueryRow.target,
        QueryRow.dialect,
        QueryRow.model,
        QueryRow.mark,
        QueryRow.starred_at.is_not(None).label("starred"),
        (QueryRow.version > 1).label("corrected"),
    )
    query = select(*columns, func.count().label("reports"))
    query = query.where(search.among(connection.dialect.name, QueryRow.id, ids)).group_by(*columns)
    found: dict[str, dict[Any, int]] = {column.key: {} for column in columns}
    for row in connection.execute(query):
        for name, counts in found.items():
            value = row._mapping[name]
            counts[value] = counts.get(value, 0) + row.reports
    return found


def _listed(connection: Connection, name: Any, key: Any, ids: Sequence[int]) -> tuple[Value, ...]:
    counts = func.count().label("reports")
    query = select(name.label("name"), counts).where(search.among(connection.dialect.name, key, ids))
    query = query.group_by(name).order_by(counts.desc(), name).limit(VALUES_LIMIT)
    return tuple(Value(name=row.name, count=row.reports) for row in connection.execute(query))


def _all(counts: dict[Any, int], names: Sequence[str]) -> tuple[Value, ...]:
    values = (Value(name=name, count=counts.get(name, 0)) for name in names)
    return tuple(sorted(values, key=lambda value: (-value.count, value.name)))


def _distinct(connection: Connection, column: Any) -> Sequence[str]:
    """The values of an indexed column: from each to the next one by its index, never over all rows."""
    walked = select(func.min(column).label("value")).cte("walked", recursive=True)
    following: Select[Any] = select(func.min(column)).where(column > walked.c.value).correlate(walked)
    step = select(following.scalar_subquery()).where(walked.c.value.is_not(None))
    walked = walked.union_all(step.select_from(walked))
    return connection.scalars(select(walked.c.value).where(walked.c.value.is_not(None))).all()
