"""Charts as pictures that stand in the document itself."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from farm import charts
from farm.charts import image
from farm.errors import BadInput
from farm.reporting.result import ShownResult

LARGEST_SVG_BYTES = 200_000
"""What is drawn with more lines than that becomes pixels."""
LARGEST_PNG_BYTES = 1_000_000
NO_CHART = "table"


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A chart as a data: URL, which runs no script and loads nothing, and what it shows in words."""

    url: str
    alt: str


class Draughtsman:
    """Draws charts, counts them, and notes if the library for that is not installed."""

    def __init__(self) -> None:
        self.drawn = 0
        self.is_missing = False

    def draw(self, result: ShownResult) -> Picture | None:
        """The chart that fits a result; None where its table says it better, or it cannot be drawn."""
        found = None if result.is_sample else specification(result)
        if found is None or self.is_missing:
            return None
        try:
            url = data_url(found)
        except BadInput:
            self.is_missing = True
            return None
        if url is None:
            return None
        self.drawn += 1
        return Picture(url=url, alt=found["description"])


def specification(result: ShownResult) -> dict[str, Any] | None:
    """The chart that somebody chose for a result, else the one that fits; None where there is none."""
    wish = result.chart
    if wish.get("chart") == NO_CHART:
        return None
    kind = str(wish.get("chart"))
    places = {name: _place(str(wish.get(name, ""))) for name in ("x", "y", "colour")}
    found = charts.chart(result.columns, result.rows, kind=kind if kind in charts.TITLES else None, **places)
    return None if found is None or "tiles" in found else found


def _place(text: str) -> int | None:
    """The place of a column; None for what is none, as stores of earlier versions kept whatever was sent."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def data_url(specification: dict[str, Any]) -> str | None:
    """A specification drawn on white; None where that cannot be done in moderate size. Raises BadInput."""
    white = {**specification, "config": {**specification["config"], "background": "white"}}
    try:
        drawn = image.to_svg(white).encode()
        if len(drawn) <= LARGEST_SVG_BYTES:
            return f"data:image/svg+xml;base64,{b64encode(drawn).decode()}"
        pixels = image.to_png(white)
    except ValueError:  # what Vega does not draw
        return None
    return f"data:image/png;base64,{b64encode(pixels).decode()}" if len(pixels) <= LARGEST_PNG_BYTES else None
