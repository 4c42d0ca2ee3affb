"""How somebody wants a result drawn, as an address or a form says it: a kind of chart, and columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from farm import charts
from farm.errors import BadInput
from farm.web.results import cell

FIELDS = ("chart", "x", "y", "colour")
NO_CHART = "table"
"""The kind of those who want the table alone."""

Rows = Sequence[Sequence[Any]]


def chosen(given: Mapping[str, Any]) -> dict[str, str]:
    """The choice in an address or a form, as it stands there."""
    return {name: value for name in FIELDS if isinstance(value := given.get(name), str) and value}


def require_drawable(columns: Sequence[str], rows: Rows, choice: Mapping[str, str]) -> None:
    """Raise BadInput for a choice that this result does not offer."""
    kinds = (*charts.kinds(columns, rows), NO_CHART)
    kind = choice.get("chart")
    if kind is not None and kind not in kinds:
        raise BadInput(f"there is no chart {kind[:40]!r} of this result; choose of {', '.join(kinds)}")
    for name in ("x", "y", "colour"):
        place = _place(choice.get(name, "0"))
        if place is None or place >= len(columns):
            raise BadInput(
                f"{name} is the place of a column, from 0 to {len(columns) - 1}; choose another one"
            )
    if kind != NO_CHART and choice and charts.chart(columns, rows, kind=kind, **_places(choice)) is None:
        raise BadInput("these columns cannot be drawn so; choose others, or no chart")


def drawn(columns: Sequence[str], rows: Rows, choice: Mapping[str, str]) -> dict[str, Any]:
    """What the page says of the chart: the specification or tiles, and what else could be drawn."""
    kinds = charts.kinds(columns, rows)
    kind = choice.get("chart")
    if kind == NO_CHART:
        found = None
    else:
        found = charts.chart(columns, rows, kind=kind if kind in kinds else None, **_places(choice))
    marks = (found or {}).get("usermeta", {})
    return {
        "spec": None if found is None or "tiles" in found else found,
        "tiles": [
            {"title": tile["title"], "text": _short(tile["value"])} for tile in (found or {}).get("tiles", [])
        ],
        "kinds": [(name, charts.TITLES[name]) for name in kinds],
        "kind": marks.get("kind", "tiles" if found else NO_CHART),
        "places": {name: marks.get(name) for name in ("x", "y", "colour")},
        "impossible": found is None and bool(kind) and kind != NO_CHART,
    }


def _short(value: Any) -> str:
    shown = cell(value)
    return f"{shown.text}…" if shown.left_out else shown.text


def _places(choice: Mapping[str, str]) -> dict[str, int | None]:
    return {name: _place(choice.get(name, "")) for name in ("x", "y", "colour")}


def _place(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
