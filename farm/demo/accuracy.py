"""Execution accuracy: whether two results of queries say the same."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

Rows = Sequence[Sequence[object]]

# Half a cent and a little: an answer that is rounded to two decimals equals one that is not.
ABSOLUTE_TOLERANCE = 0.0051
RELATIVE_TOLERANCE = 1e-9


def same_result(gold: Rows, got: Rows, *, ordered: bool) -> bool:
    """Whether `got` has the rows and columns of `gold`, whatever the columns' names and order.

    Rows are compared as a multiset, and in order where `ordered`. Fractions are equal up to rounding at two
    decimals, whole numbers exactly, whether int, float or Decimal; dates are compared as ISO text; None
    equals only None.
    """
    if len(gold) != len(got):
        return False
    if not gold:
        return True
    if len(gold[0]) != len(got[0]):
        return False
    return _matches(_columns(gold), _columns(got), ordered, ())


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is compared: `text` says kind and exact value, `number` what may differ by rounding."""

    text: str
    number: float = 0.0


Column = tuple[Cell, ...]
Row = tuple[Cell, ...]


def _matches(gold: Sequence[Column], got: Sequence[Column], ordered: bool, taken: tuple[int, ...]) -> bool:
    """Extend `taken`, the columns of `got` that stand for the first ones of `gold`, while the rows agree.

    Columns that cannot agree alone are passed over and equal ones are tried once: the search is short.
    """
    depth = len(taken)
    if depth == len(gold):
        return True
    tried: list[Column] = []
    for place, column in enumerate(got):
        if place in taken or column in tried or not _same_values(gold[depth], column):
            continue
        tried.append(column)
        chosen = (*taken, place)
        if _same_rows(gold[: depth + 1], [got[n] for n in chosen], ordered) and _matches(
            gold, got, ordered, chosen
        ):
            return True
    return False


def _same_values(gold: Column, got: Column) -> bool:
    """Whether two columns agree as multisets."""
    return Counter(cell.text for cell in gold) == Counter(cell.text for cell in got) and all(
        _close(a, b) for a, b in zip(sorted(gold, key=_order), sorted(got, key=_order), strict=True)
    )


def _same_rows(gold: Sequence[Column], got: Sequence[Column], ordered: bool) -> bool:
    # Exact values decide the order, and fractions only between rows that are equal in all else: rounding may
    # have turned two of them round.
    pairs = sorted(zip(gold, got, strict=True), key=lambda pair: any(map(_fractional, pair)))
    gold, got = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    gold_rows, got_rows = list(zip(*gold, strict=True)), list(zip(*got, strict=True))
    if not ordered:
        gold_rows, got_rows = sorted(gold_rows, key=_row_order), sorted(got_rows, key=_row_order)
    return all(
        _close(a, b)
        for left, right in zip(gold_rows, got_rows, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def _order(cell: Cell) -> tuple[str, float]:
    return cell.text, cell.number


def _row_order(row: Row) -> tuple[tuple[str, ...], tuple[float, ...]]:
    return tuple(cell.text for cell in row), tuple(cell.number for cell in row)


def _fractional(column: Column) -> bool:
    return any(not cell.number.is_integer() for cell in column if math.isfinite(cell.number))


def _close(a: Cell, b: Cell) -> bool:
    return a.text == b.text and math.isclose(
        a.number, b.number, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE
    )


def _columns(rows: Rows) -> list[Column]:
    return [tuple(_cell(value) for value in column) for column in zip(*rows, strict=True)]


def _cell(value: object) -> Cell:
    match value:
        case None:
            return Cell("null")
        case int() | float() | Decimal():
            return Cell("number", float(value))
        case date():
            return Cell(f"text {value}")
        case bytes() | bytearray() | memoryview():
            return Cell(f"bytes {bytes(value)!r}")
    return Cell(f"text {value}")
