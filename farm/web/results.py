"""A result as a table on a page: typed, sorted, nothing hidden without a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from farm.running.cells import text_of

CELL_LIMIT_CHARS = 300
LONG = 1e10
"""From here on twelve digits would leave out hundredths."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sorting:
    """By which column, counted from 0; None: as the query ordered its rows."""

    column: int | None = None
    descending: bool = False

    @classmethod
    def from_query(cls, text: str, width: int) -> "Sorting":
        """From `2` or `-2` (descending); anything else counts as not given."""
        digits = text.removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or len(digits) > 6 or int(digits) >= width:
            return cls()
        return cls(column=int(digits), descending=text.startswith("-"))

    def next_for(self, column: int) -> str:
        """What the heading of a column leads to: up, down, and as it was."""
        if self.column != column:
            return str(column)
        return "" if self.descending else f"-{column}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """`left_out`: how many characters of the value are not shown."""

    text: str
    kind: str
    left_out: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading:
    """A column's heading; `next` is the sorting that it leads to, `aria_sort` how it is sorted now."""

    name: str
    is_number: bool
    next: str
    aria_sort: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultTable:
    """What a page shows of a result."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], sorting: Sorting) -> ResultTable:
    """The table of a result; columns of one name stay apart."""
    if (by := sorting.column) is not None:
        rows = sorted(rows, key=lambda row: sort_key(row[by]), reverse=sorting.descending)
        rows = sorted(rows, key=lambda row: row[by] is None)
    numbers = [is_number([row[place] for row in rows]) for place in range(len(columns))]
    headings = (
        Heading(
            name=name or f"column {place + 1}",
            is_number=numbers[place],
            next=sorting.next_for(place),
            aria_sort=_aria(sorting, place),
        )
        for place, name in enumerate(columns)
    )
    return ResultTable(
        headings=tuple(headings), rows=tuple(tuple(cell(value) for value in row) for row in rows)
    )


def is_number(values: Sequence[Any]) -> bool:
    """Whether a column holds numbers alone."""
    there = [value for value in values if value is not None]
    return bool(there) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in there
    )


def cell(value: Any) -> Cell:
    """A value as a page shows it; its kind is a class of the style sheet."""
    if value is None:
        return Cell(text="NULL", kind="null")
    if isinstance(value, float):
        return Cell(text=f"{value:.15g}" if abs(value) >= LONG else f"{value:.12g}", kind="number")
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Cell(text=text_of(value), kind="number")
    text = text_of(value)
    kind = "time" if isinstance(value, date | time) else "text"
    return Cell(text=text[:CELL_LIMIT_CHARS], kind=kind, left_out=max(0, len(text) - CELL_LIMIT_CHARS))


def sort_key(value: Any) -> tuple[int, Any]:
    """Numbers before times before texts; values of one kind by themselves."""
    if isinstance(value, int | float | Decimal):
        is_nan = value.is_nan() if isinstance(value, Decimal) else value != value  # noqa: PLR0124
        return (1, 0) if is_nan else (0, value)
    if isinstance(value, datetime):
        return 2, value.replace(tzinfo=None).isoformat()
    if isinstance(value, date | time):
        return 2, value.isoformat()
    if isinstance(value, timedelta):
        return 3, value
    return 4, text_of(value).casefold()


def _aria(sorting: Sorting, place: int) -> str | None:
    if sorting.column != place:
        return None
    return "descending" if sorting.descending else "ascending"
