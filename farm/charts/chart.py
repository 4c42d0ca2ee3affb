"""A result as a Vega-Lite 6 specification, with its data in it; no expression in it needs to be compiled."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from farm.charts.columns import NOTHING, Column, Row, plotted, read_columns
from farm.charts.plan import MOST_COLUMNS, TITLES, Plan, Wish, planned

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
MOST_BARS = 50
HEIGHT = 340
MOST_STEPS = 60
BAR_STEP = 22
EXACT = ",.12~g"
LONG = 10**10
"""From here on EXACT leaves out digits, and a tooltip has the numbers of a column as text."""
CONFIG: Mapping[str, Any] = {
    "background": None,
    "view": {"stroke": None},
    "axis": {"labelLimit": 220, "titleLimit": 400, "labelOverlap": True},
    "legend": {"labelLimit": 220, "titleLimit": 220},
    "title": {"anchor": "start", "fontWeight": "normal", "fontSize": 12},
}
"""Colours are the page's own, so that dark and light follow."""


def chart(
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    kind: str | None = None,
    x: int | None = None,
    y: int | None = None,
    colour: int | None = None,
) -> dict[str, Any] | None:
    """What shows a result best; None where its table does, or where what is wished for cannot be drawn.

    `kind` is one of `kinds(columns, rows)`, the others are places of columns. One row of numbers gives
    {"tiles": [{"title", "value"}]}, which is no specification. In a specification fields are called c0, c1, …
    by their places, whatever the columns are called.
    """
    found = read_columns(columns[:MOST_COLUMNS], rows)
    plan = planned(found, rows, Wish(kind=kind, x=x, y=y, colour=colour))
    if plan is None:
        return None
    if plan.x is None or plan.y is None:
        values = zip(found, rows[0], strict=False)
        return {"tiles": [{"title": column.name, "value": value} for column, value in values]}
    return _specification(plan, plan.x, plan.y, rows)


def _specification(plan: Plan, x: Column, y: Column, rows: Sequence[Row]) -> dict[str, Any]:
    points, cut = _points(plan, x, y, rows)
    by_colour = f" and {plan.colour.name}" if plan.colour else ""
    made = {
        "$schema": SCHEMA,
        "description": f"{TITLES[plan.kind]}: {y.name} by {x.name}{by_colour}",
        "data": {"values": points},
        "width": "container",
        "height": {"step": BAR_STEP} if plan.kind == "bar" else HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "mark": MARKS[plan.kind],
        "encoding": _encoding(plan, x, y, points),
        "config": dict(CONFIG),
        "usermeta": {
            "kind": plan.kind,
            "x": x.place,
            "y": y.place,
            "colour": None if plan.colour is None else plan.colour.place,
        },
    }
    return made if cut is None else {**made, "title": cut}


STEPS = (("-01-01T00:00:00.000Z", "year", "%Y"), ("-01T00:00:00.000Z", "month", "%b %Y"))
MARKS: Mapping[str, dict[str, Any]] = {
    "line": {"type": "line", "point": True},
    "bar": {"type": "bar"},
    "grouped": {"type": "bar"},
    "stacked": {"type": "bar"},
    "scatter": {"type": "point", "filled": True, "opacity": 0.7},
}


def _encoding(plan: Plan, x: Column, y: Column, points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    across, up = _axis(plan, x, points), _axis(plan, y, points)
    found = {"y": across, "x": up} if plan.kind == "bar" else {"x": across, "y": up}
    if plan.colour is not None:
        named = {"field": plan.colour.field, "type": "nominal", "title": _title(plan.colour)}
        found["color"] = named
        if plan.kind == "grouped":
            found["xOffset"] = {"field": plan.colour.field, "type": "nominal"}
    if plan.kind == "stacked":
        found["y"] = {**up, "stack": "zero"}
    shown = [column for column in (x, plan.colour, y) if column is not None]
    return {**found, "tooltip": [_hint(column, points) for column in shown]}


def _axis(plan: Plan, column: Column, points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {"field": column.field, "title": _title(column)}
    if column.role == "number":
        return {**said, "type": "quantitative"}
    if column.role == "time" and plan.kind in ("line", "scatter"):
        steps = _steps([point[column.field] for point in points])
        return {**said, "type": "temporal", "scale": {"type": "utc"}, **steps}
    return {**said, "type": "ordinal", "sort": None}


def _steps(moments: Sequence[str | None]) -> dict[str, Any]:
    """How an axis of times is divided: by years or months where all of them begin one, else as it comes."""
    there = {moment for moment in moments if moment is not None}
    for start, interval, form in STEPS:
        if there and len(there) <= MOST_STEPS and all(moment.endswith(start) for moment in there):
            return {"axis": {"tickCount": interval, "format": form}}
    return {}


def _hint(column: Column, points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    text = f"t{column.place}"
    if column.role == "number" and not any(text in point for point in points):
        return {"field": column.field, "type": "quantitative", "title": _title(column), "format": EXACT}
    field = column.field if column.role == "category" else text
    return {"field": field, "type": "nominal", "title": _title(column)}


def _title(column: Column) -> str:
    return column.name or f"column {column.place + 1}"


def _points(plan: Plan, x: Column, y: Column, rows: Sequence[Row]) -> tuple[list[dict[str, Any]], str | None]:
    """The data in the order in which they are drawn, and what is said of those that are left out."""
    shown = [column for column in (x, plan.colour, y) if column is not None]
    points = [_point(plan, row, shown) for row in rows]
    for column in shown:
        if column.role == "number" and any(abs(point[column.field] or 0) >= LONG for point in points):
            for point, row in zip(points, rows, strict=True):
                point[f"t{column.place}"] = _told(row[column.place])
    if x.role != "category" or x.is_ordered:
        points.sort(key=lambda point: _order(point[f"o{x.place}"]))
    elif plan.kind == "bar":
        points.sort(key=lambda point: -(point[y.field] if point[y.field] is not None else float("-inf")))
    for point in points:
        del point[f"o{x.place}"]
    places = list(dict.fromkeys(point[x.field] for point in points))
    if plan.kind in ("line", "scatter") or len(places) <= MOST_BARS:
        return points, None
    kept = set(places[:MOST_BARS])
    said = f"{MOST_BARS} of {len(places):,} are shown"
    return [point for point in points if point[x.field] in kept], said


def _point(plan: Plan, row: Row, shown: Sequence[Column]) -> dict[str, Any]:
    """`t…` is a time as the result has it; `o…`, by which points are sorted, is taken out again."""
    point: dict[str, Any] = {}
    for column in shown:
        value = row[column.place]
        point[column.field] = plotted(value, column.role)
        if column.role == "time":
            point[f"t{column.place}"] = NOTHING if value is None else str(value)
            if plan.kind not in ("line", "scatter"):
                point[f"o{column.place}"] = point[column.field]
                point[column.field] = point[f"t{column.place}"]
    first = shown[0]
    point.setdefault(f"o{first.place}", point[first.field])
    return point


def _told(number: Any) -> str:
    """A number with all its digits."""
    if number is None:
        return NOTHING
    form = ",.15g" if isinstance(number, float) else ",f" if isinstance(number, Decimal) else ","
    return format(number, form)


def _order(value: Any) -> tuple[bool, bool, Any]:
    """Numbers before texts before nothing."""
    missing = value is None or value == NOTHING
    return missing, isinstance(value, str), "" if missing else value
