"""Takes a query's rows up to a number of rows and an amount of memory, whatever the query would deliver."""

from collections.abc import Callable, Sequence
from typing import Any

CHUNK_ROWS = 200
MEMORY_LIMIT_BYTES = 64 * 1024 * 1024
VALUE_BYTES = 16
"""Counted for a value that is neither text nor bytes."""

Row = tuple[Any, ...]


def gather(fetch: Callable[[int], Sequence[Row]], *, row_limit: int) -> tuple[list[Row], bool]:
    """The rows that `fetch(n)` delivers, n at most at a time, none at the end; and whether some were left."""
    rows: list[Row] = []
    room_bytes = MEMORY_LIMIT_BYTES
    while True:
        chunk = fetch(min(CHUNK_ROWS, row_limit + 1 - len(rows)))
        if not chunk:
            return rows, False
        for row in chunk:
            room_bytes -= size_bytes(row)
            if len(rows) == row_limit or room_bytes < 0:
                return rows, True
            rows.append(row)


def size_bytes(row: Row) -> int:
    """About what a row weighs: characters of text, bytes of blobs."""
    return sum(len(value) if isinstance(value, str | bytes) else VALUE_BYTES for value in row)
