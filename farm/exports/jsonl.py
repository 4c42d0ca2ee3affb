"""JSON lines: one object per row. Of columns with the same name the later ones get a number.

Numbers stay exact: a decimal that no JSON number holds everywhere is text. Dates are ISO 8601, bytes `\\x…`.
"""

import json
import math
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from farm.errors import FarmError
from farm.exports.rows import Rows, unique
from farm.running.cells import text_of

FLOAT_DIGITS = 15
"""Every decimal of so many digits is told from others as a float, and comes back from it."""
NATIVE = frozenset({int, str, bool, type(None)})


def write(rows: Rows) -> Iterator[bytes]:
    """The file in pieces. An error is its last object, and is raised again: the file is not whole."""
    names = unique(rows.columns)
    encoded = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
    count = 0
    try:
        for chunk in rows:
            count += len(chunk)
            lines = [
                encoded(
                    {
                        name: value if type(value) in NATIVE else plain(value)
                        for name, value in zip(names, row, strict=True)
                    }
                )
                for row in chunk
            ]
            yield ("\n".join(lines) + "\n").encode("utf-8", "replace")
    except FarmError as error:
        yield _object({"error": str(error), "rows": count})
        raise
    if rows.truncated:
        yield _object({"truncated": True, "rows": count})


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if kind is Decimal:
        return exact(value)
    if kind is date:
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [plain(held) for held in value]
    return value if kind in NATIVE else text_of(value)


def exact(value: Decimal) -> int | float | str:
    """A decimal as a JSON number if that is the same number, else as text."""
    text = str(value)
    if value.is_finite():
        near = float(text)
        if math.isfinite(near) and (len(text) <= FLOAT_DIGITS or Decimal(repr(near)) == value):
            return int(near) if near.is_integer() and abs(near) < 2**53 else near
    return text_of(value)


def _object(said: dict[str, Any]) -> bytes:
    return (json.dumps(said, ensure_ascii=False) + "\n").encode("utf-8", "replace")
