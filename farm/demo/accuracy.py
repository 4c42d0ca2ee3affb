"""Execution accuracy: whether two results of queries say the same."""

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from datetime import date
from decimal import Decimal

Rows = Sequence[Sequence[object]]
Column = tuple[Hashable, ...]

# Sums in another order of additions differ by about 1e-12; anything coarser would hide a wrong rounding.
RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-9


def same_result(gold: Rows, got: Rows, *, ordered: bool) -> bool:
    """Whether `got` has the rows and columns of `gold`, whatever the columns' names and order.

    Rows are compared as a multiset, and in order where `ordered`. Numbers are equal up to floating noise, whether
    int, float or Decimal; dates are compared as ISO text; None equals only None.
    """
    if len(gold) != len(got):
        return False
    if not gold:
        return True
    if len(gold[0]) != len(got[0]):
        return False
    marks = _number_marks((*gold, *got))
    gold_columns, got_columns = _columns(gold, marks), _columns(got, marks)
    if ordered:
        return Counter(gold_columns) == Counter(got_columns)
    return _same_rows(gold_columns, got_columns)


def _same_rows(gold: Sequence[Column], got: Sequence[Column]) -> bool:
    """Whether some order of the columns `got` gives the multiset of rows of `gold`."""
    gold_values, got_values = [_values(c) for c in gold], [_values(c) for c in got]
    if Counter(gold_values) != Counter(got_values):
        return False
    choices = [[n for n, values in enumerate(got_values) if values == wanted] for wanted in gold_values]
    # Columns with few candidates first: they split the rows most before anything is tried.
    order = sorted(range(len(gold)), key=lambda column: len(choices[column]))
    return _matches([gold[n] for n in order], got, [choices[n] for n in order], ())


def _matches(
    gold: Sequence[Column], got: Sequence[Column], choices: Sequence[Sequence[int]], taken: tuple[int, ...]
) -> bool:
    """Extend `taken`, the columns of `got` chosen so far, as long as the rows up to there agree."""
    depth = len(taken)
    if depth == len(gold):
        return True
    tried: set[Column] = set()
    wanted = Counter(zip(*gold[: depth + 1], strict=True))
    for column in choices[depth]:
        if column in taken or got[column] in tried:
            continue
        tried.add(got[column])
        rows = Counter(zip(*(got[n] for n in (*taken, column)), strict=True))
        if rows == wanted and _matches(gold, got, choices, (*taken, column)):
            return True
    return False


def _values(column: Column) -> frozenset[tuple[Hashable, int]]:
    """The column as a multiset."""
    return frozenset(Counter(column).items())


def _columns(rows: Rows, marks: dict[float, int]) -> list[Column]:
    return [tuple(_comparable(value, marks) for value in column) for column in zip(*rows, strict=True)]


def _comparable(value: object, marks: dict[float, int]) -> Hashable:
    """A value that is equal exactly where two cells shall count as equal."""
    number = _number(value)
    if number is not None:
        return "number", marks[number]
    if isinstance(value, date):
        return "text", str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return "bytes", bytes(value)
    return ("null", None) if value is None else ("text", str(value))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | Decimal) else None


def _number_marks(rows: Rows) -> dict[float, int]:
    """A number for each group of numbers that lie within the tolerance of their neighbours."""
    numbers = sorted(set(_numbers(rows)))
    marks: dict[float, int] = {}
    previous, mark = math.nan, 0
    for number in numbers:
        close = math.isclose(number, previous, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
        mark += not close
        marks[number] = mark
        previous = number
    return marks


def _numbers(rows: Rows) -> Iterator[float]:
    for row in rows:
        for value in row:
            number = _number(value)
            if number is not None:
                yield number
