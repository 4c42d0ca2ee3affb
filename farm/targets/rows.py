"""Takes a query's rows up to a number of rows and an amount of memory, whatever the query would deliver."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from farm.targets.engine import Result
from farm.targets.reading import Reading

FIRST_CHUNK_ROWS = 16
CHUNK_ROWS = 200
MEMORY_LIMIT_BYTES = 64 * 1024 * 1024

Row = tuple[Any, ...]


def result_of(query: AbstractContextManager[Reading], *, row_limit: int) -> Result:
    """What a query gives, and how long it took from its start."""
    started = time.perf_counter()
    with query as reading:
        rows, truncated = gather(reading.fetch, row_limit=row_limit)
    elapsed_ms = (time.perf_counter() - started) * 1000
    return Result(columns=reading.columns, rows=rows, truncated=truncated, elapsed_ms=elapsed_ms)


def gather(fetch: Callable[[int], Sequence[Row]], *, row_limit: int) -> tuple[list[Row], bool]:
    """The rows that `fetch(n)` delivers, n at most at a time, none at the end; and whether some were left.

    It asks for few rows at first, and then for no more than fit were they all as large as the largest yet.
    """
    rows: list[Row] = []
    room_bytes = MEMORY_LIMIT_BYTES
    chunk_rows, largest_bytes = FIRST_CHUNK_ROWS, 1
    while True:
        fitting = max(1, room_bytes // largest_bytes)
        chunk = fetch(min(chunk_rows, fitting, row_limit + 1 - len(rows)))
        if not chunk:
            return rows, False
        for row in chunk:
            weight_bytes = size_bytes(row)
            room_bytes -= weight_bytes
            largest_bytes = max(largest_bytes, weight_bytes)
            if len(rows) == row_limit or room_bytes < 0:
                return rows, True
            rows.append(row)
        chunk_rows = CHUNK_ROWS


def size_bytes(row: Row) -> int:
    """The memory that a row takes, with all that is in its arrays and JSON documents."""
    waiting: list[Any] = [row]
    total = 0
    while waiting:
        here = waiting.pop()
        total += sys.getsizeof(here)
        if isinstance(here, tuple | list | set | frozenset):
            waiting += here
        elif isinstance(here, dict):
            waiting += [*here, *here.values()]
    return total
