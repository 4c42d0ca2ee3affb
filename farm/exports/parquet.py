"""Parquet through pyarrow. The types are those of the first rows; the file is whole only with its end.

A column whose first rows are of several kinds, or all NULL, is written as text.
"""

import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from typing import Any

from farm.errors import BadInput
from farm.exports.rows import Rows, unique
from farm.running.cells import text_of

SAMPLE_ROWS = 10_000
GROUP_ROWS = 20_000
MISSING = (
    "Parquet files need the package pyarrow, which is not installed here; install it with: "
    "pip install 'sqlfarm[parquet]', or export CSV or JSON lines"
)
DIGITS = 38


def require() -> Any:
    """The library; raises BadInput that tells how to install it."""
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise BadInput(MISSING) from None
    return pyarrow


def write(rows: Rows) -> Iterator[bytes]:
    """The file in pieces; where an error is raised the file has no end, and nothing reads it.

    Raises BadInput for a value that does not fit its column's type.
    """
    arrow = require()
    groups = _groups(rows)
    sample = next(groups, [])
    names = unique(rows.columns)
    kinds = [kind_of([row[place] for row in sample[:SAMPLE_ROWS]]) for place in range(len(names))]
    schema = arrow.schema([(name, arrow_type(arrow, kind)) for name, kind in zip(names, kinds, strict=True)])
    sink = Sink()
    writer = arrow.parquet.ParquetWriter(sink, schema, compression="snappy")
    try:
        for group in chain([sample], groups):
            writer.write_table(_table(arrow, group, names, kinds, schema))
            yield sink.take()
        if rows.truncated:
            writer.add_key_value_metadata({"truncated": "true"})
        writer.close()
        yield sink.take()
    finally:
        writer.is_open = False  # or its end would be written, wherever that is now, once it is let go


def kind_of(values: Sequence[Any]) -> str:
    """The kind that all of a column's values have, such as int, decimal.2 or date; text where they differ."""
    kinds = {_kind(value) for value in values if value is not None}
    if "decimal" in kinds and kinds <= {"decimal", "int"}:
        scale = max(_scale(value) for value in values if isinstance(value, Decimal))
        return f"decimal.{min(scale, DIGITS - 1)}"
    if kinds == {"int", "float"}:
        return "float"
    return kinds.pop() if len(kinds) == 1 else "text"


def arrow_type(arrow: Any, kind: str) -> Any:
    """The type of a kind."""
    if kind.startswith("decimal."):
        return arrow.decimal128(DIGITS, int(kind.partition(".")[2]))
    return {
        "int": arrow.int64,
        "float": arrow.float64,
        "bool": arrow.bool_,
        "date": arrow.date32,
        "datetime": lambda: arrow.timestamp("us"),
        "datetime utc": lambda: arrow.timestamp("us", tz="UTC"),
        "time": lambda: arrow.time64("us"),
        "bytes": arrow.binary,
    }.get(kind, arrow.string)()


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -(2**63) <= value < 2**63 else "text"
    if isinstance(value, datetime):
        return "datetime" if value.tzinfo is None else "datetime utc"
    if isinstance(value, Decimal):
        return "decimal" if value.is_finite() else "text"
    if isinstance(value, time):
        return "time" if value.tzinfo is None else "text"
    for kind, name in ((float, "float"), (date, "date"), (bytes, "bytes")):
        if isinstance(value, kind):
            return name
    return "text"


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _groups(rows: Rows) -> Iterator[list[tuple[Any, ...]]]:
    group: list[tuple[Any, ...]] = []
    for chunk in rows:
        group += chunk
        if len(group) >= GROUP_ROWS:
            yield group
            group = []
    if group:
        yield group


def _table(arrow: Any, group: list[tuple[Any, ...]], names: list[str], kinds: list[str], schema: Any) -> Any:
    columns = list(zip(*group, strict=True)) if group else [()] * len(names)
    arrays = []
    for name, kind, values, field in zip(names, kinds, columns, schema, strict=True):
        given = [_text(value) for value in values] if kind == "text" else values
        try:
            arrays.append(arrow.array(given, type=field.type))
        except (arrow.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise BadInput(
                f"column {name!r} looked like {kind} in the first rows and holds something else later "
                f"({' '.join(str(error).split())[:200]}); export CSV or JSON lines instead"
            ) from error
    return arrow.Table.from_arrays(arrays, schema=schema)


def _text(value: Any) -> str | None:
    return None if value is None else text_of(value).encode("utf-8", "replace").decode()


class Sink(io.RawIOBase):
    """A file that is taken away while it is written."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._length_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any, /) -> int:
        self._pieces.append(bytes(piece))
        self._length_bytes += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        return self._length_bytes

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
