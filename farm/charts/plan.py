"""Which chart fits a result, and from which of its columns it is drawn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from farm.charts.columns import Column, Row, plotted, read_columns

TITLES: Mapping[str, str] = {
    "tiles": "Numbers",
    "line": "Lines",
    "bar": "Bars",
    "grouped": "Grouped bars",
    "stacked": "Stacked bars",
    "scatter": "Points",
}
"""The kinds of charts as people call them, the one that says most first."""
MOST_TILES = 12
MOST_SERIES = 12
MOST_COLUMNS = 30
"""Of wider results only the first are thought about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A kind of chart and its columns; tiles have none of them."""

    kind: str
    x: Column | None = None
    y: Column | None = None
    colour: Column | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What somebody chose; None: what fits."""

    kind: str | None = None
    x: int | None = None
    y: int | None = None
    colour: int | None = None


def kinds(columns: Sequence[str], rows: Sequence[Row]) -> tuple[str, ...]:
    """The kinds of charts that can be made of a result, the best first; none where its table says it best."""
    found = read_columns(columns[:MOST_COLUMNS], rows)
    return tuple(
        kind for kind in TITLES if planned(found, rows, Wish(kind=kind), choosing_by_hand=True) is not None
    )


def planned(
    columns: Sequence[Column], rows: Sequence[Row], wish: Wish, *, choosing_by_hand: bool = False
) -> Plan | None:
    """The first chart that fits what is wished for; None where none does.

    Lines and bars need one row for each of their points, else they would show what is not there.
    """
    by_hand = choosing_by_hand or wish.kind is not None
    for plan in _candidates(columns, len(rows), by_hand=by_hand):
        if _grants(plan, wish) and (plan.kind in ("tiles", "scatter") or _is_one_each(plan, rows)):
            return plan
    return None


def _grants(plan: Plan, wish: Wish) -> bool:
    wanted = ((plan.x, wish.x), (plan.y, wish.y), (plan.colour, wish.colour))
    return (wish.kind is None or plan.kind == wish.kind) and all(
        place is None or (column is not None and column.place == place) for column, place in wanted
    )


def _candidates(columns: Sequence[Column], row_count: int, *, by_hand: bool) -> Iterator[Plan]:
    """All plans, the best first; `by_hand`: also those that are made only when somebody wants them."""
    measures = [column for column in columns if column.role == "number"]
    if row_count == 1 and measures and len(columns) <= MOST_TILES:
        yield Plan(kind="tiles")
    if row_count < 2 or not measures:
        return
    yield from _lines_and_bars(columns, measures)
    if by_hand:
        yield from _points(columns, measures)
    elif len(columns) == 2:
        yield from _points(measures, measures)


def _lines_and_bars(columns: Sequence[Column], measures: Sequence[Column]) -> Iterator[Plan]:
    times = [column for column in columns if column.role == "time" and column.distinct > 1]
    groups = [column for column in columns if column.role == "category"]
    groups.sort(key=lambda column: (column.is_id, column.is_ordered))
    series = [column for column in groups if 2 <= column.distinct <= MOST_SERIES]
    for kind, axes in (("line", times), ("bar", [*groups, *times])):
        yield from (Plan(kind=kind, x=x, y=y) for x in axes for y in measures)
    yield from (Plan(kind="line", x=x, y=y, colour=one) for x in times for one in series for y in measures)
    pairs = [(x, one) for x in (*groups, *times) for one in series if x is not one]
    pairs.sort(key=lambda pair: -pair[0].distinct)
    for kind in ("grouped", "stacked"):
        yield from (Plan(kind=kind, x=x, y=y, colour=one) for x, one in pairs for y in measures)
    ordered = [column for column in groups if column.is_ordered]
    yield from (Plan(kind="line", x=x, y=y) for x in ordered for y in measures)


def _points(columns: Sequence[Column], measures: Sequence[Column]) -> Iterator[Plan]:
    axes = [column for column in columns if column.role in ("number", "time")]
    few = [column for column in columns if column.role == "category" and 2 <= column.distinct <= MOST_SERIES]
    for x, y in permutations(axes, 2):
        if y in measures:
            yield Plan(kind="scatter", x=x, y=y)
            yield from (Plan(kind="scatter", x=x, y=y, colour=one) for one in few)


def _is_one_each(plan: Plan, rows: Sequence[Row]) -> bool:
    seen: set[tuple[Any, ...]] = set()
    for row in rows:
        key = tuple(
            plotted(row[column.place], column.role) for column in (plan.x, plan.colour) if column is not None
        )
        if key in seen:
            return False
        seen.add(key)
    return True
