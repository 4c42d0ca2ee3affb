"""Rows for exports, as a query would give them."""

from collections.abc import Iterator
from typing import Any

from farm.errors import FarmError


class GivenRows:
    """Chunks of rows, and then an error if there is one."""

    def __init__(
        self,
        columns: tuple[str, ...],
        *chunks: list[tuple[Any, ...]],
        error: FarmError | None = None,
        truncated: bool = False,
    ) -> None:
        self.columns = columns
        self.truncated = truncated
        self._chunks = chunks
        self._error = error

    def __iter__(self) -> Iterator[list[tuple[Any, ...]]]:
        yield from self._chunks
        if self._error is not None:
            raise self._error
