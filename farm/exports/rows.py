"""What an export writes: rows as they come."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol


class Rows(Protocol):
    """A query's rows in chunks; iterating raises a FarmError where the query fails half-way.

    `truncated`, at the end: there were more rows than an export writes.
    """

    columns: tuple[str, ...]
    truncated: bool

    def __iter__(self) -> Iterator[list[tuple[Any, ...]]]: ...


def unique(names: Sequence[str]) -> list[str]:
    """The names of columns, later ones of the same name with a number: total, total_2."""
    found: list[str] = []
    taken = set(names)
    seen: set[str] = set()
    for name in names:
        free, number = name, 2
        while free in seen or (number > 2 and free in taken):
            free, number = f"{name}_{number}", number + 1
        seen.add(free)
        found.append(free)
    return found
