"""What running an accepted query showed: a small, bounded part of its result."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from farm.storable import storable

SAMPLE_ROWS = 5
SAMPLE_COLUMNS = 50
CELL_CHARS = 80

Cell = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A result in short. `rows` were counted; with `more` there are at least so many, and more were left.

    `sample` has the first few rows, of the first columns, with long values cut: no more than about 20 KB.
    """

    columns: tuple[str, ...]
    rows: int
    more: bool
    sample: tuple[tuple[Cell, ...], ...]
    elapsed_ms: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        sample = tuple(tuple(row) for row in value["sample"])
        return cls(**{**value, "columns": tuple(value["columns"]), "sample": sample})


def evidence(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, more: bool, elapsed_ms: float
) -> Evidence:
    """Of a result's rows, as far as they were fetched; `more`: some were not."""
    return Evidence(
        columns=tuple(shown(name) for name in columns[:SAMPLE_COLUMNS]),
        rows=len(rows),
        more=more,
        sample=tuple(tuple(_cell(value) for value in row[:SAMPLE_COLUMNS]) for row in rows[:SAMPLE_ROWS]),
        elapsed_ms=round(elapsed_ms, 3),
    )


def _cell(value: Any) -> Cell:
    """A value as JSON can have it and every database can keep it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"({len(value):,} bytes)"
    return shown(str(value))


def shown(text: str) -> str:
    """Text in short, and such as every database can keep."""
    cut = text if len(text) <= CELL_CHARS else text[: CELL_CHARS - 1] + "…"
    return storable(cut)
