"""CSV (RFC 4180, UTF-8, a line of names first; NULL is empty).

Spreadsheets run a text that begins with = + - @ as a formula, whoever wrote it into the database. Such texts
get an apostrophe in front, which spreadsheets take for "this is text"; numbers stay as they are.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from farm.errors import FarmError
from farm.exports.rows import Rows
from farm.running.cells import text_of

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write(rows: Rows, *, guards_formulas: bool = True) -> Iterator[bytes]:
    """The file in pieces. An error is its last line, and is raised again: the file is not whole."""
    text = guarded if guards_formulas else str
    yield _lines([[text(name) for name in rows.columns]])
    count = 0
    try:
        for chunk in rows:
            count += len(chunk)
            yield _lines([[cell(value, text) for value in row] for row in chunk])
    except FarmError as error:
        yield _lines([[f"# error: the rows end here, there are more: {' '.join(str(error).split())}"]])
        raise
    if rows.truncated:
        yield _lines([[f"# only the first {count:,} rows are here; there are more"]])


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    if text.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def cell(value: Any, text: Callable[[str], str]) -> Any:
    """What the writer is given for a value."""
    kind = type(value)
    if kind is str:
        return text(value)
    if kind in PLAIN:
        return value
    if kind is date:
        return value.isoformat()
    if kind in SAFE:
        return text_of(value)
    return text(text_of(value))


PLAIN = frozenset({int, float, type(None)})
SAFE = frozenset({bool, Decimal, datetime})


def _lines(rows: list[list[Any]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode("utf-8", "replace")
