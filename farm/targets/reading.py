"""A query while it runs: its columns, and its rows as far as they are asked for."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from farm.errors import TargetTrouble

FIRST_CHUNK_ROWS = 16
CHUNK_ROWS = 1_000
CHUNK_BYTES = 1 << 20
MESSAGE_LIMIT_BYTES = 64 << 20

Row = tuple[Any, ...]


class Reading:
    """`fetch(n)` gives the next rows, n at most, none at the end; `columns` are known after the first fetch.

    `is_over`: no row is left. `truncated`: some are, beyond the limit of those who read.
    """

    def __init__(self, fetch: Callable[[int], Sequence[Row]], columns: tuple[str, ...] = ()) -> None:
        self._fetch = fetch
        self.columns = columns
        self.is_over = False
        self.truncated = False

    def fetch(self, count: int) -> Sequence[Row]:
        rows = self._fetch(count)
        self.is_over = not rows
        return rows


def packed_chunks(reading: Reading, *, row_limit: int | None) -> Iterator[bytes]:
    """All rows, `row_limit` at most, as pickled lists of about CHUNK_BYTES; the first comes even if empty.

    Raises TargetTrouble for a row that no message can hold.
    """
    wanted, count = FIRST_CHUNK_ROWS, 0
    while not reading.truncated:
        rows = list(reading.fetch(wanted if row_limit is None else min(wanted, row_limit + 1 - count)))
        if not rows and count:
            return
        count += len(rows)
        if row_limit is not None and count > row_limit:
            rows.pop()
            reading.truncated = True
        size_bytes = 0
        for packed in _packed(rows):
            size_bytes += len(packed)
            yield packed
        if not rows:
            return
        fitting = max(1, CHUNK_BYTES * len(rows) // size_bytes)
        wanted = min(CHUNK_ROWS, fitting, 8 * len(rows))


def _packed(rows: list[Row]) -> Iterator[bytes]:
    packed = pickle.dumps(rows, protocol=pickle.HIGHEST_PROTOCOL)
    if len(packed) <= MESSAGE_LIMIT_BYTES:
        yield packed
        return
    if len(rows) == 1:
        raise TargetTrouble(
            f"a row of the result is larger than {MESSAGE_LIMIT_BYTES >> 20} MiB; "
            "leave its large values out, or cut them with substr"
        )
    del packed
    middle = len(rows) // 2
    yield from _packed(rows[:middle])
    yield from _packed(rows[middle:])
