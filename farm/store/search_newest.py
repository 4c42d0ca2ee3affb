"""The newest reports that hold some words, on Postgres, whose planner cannot tell how often words meet.

The newest are looked at first. Where many of them hold the words the walk goes on, for it will soon have
enough; where few do, few do at all, and the index of words gives all of them at once.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, func, select

from farm.store.tables import QueryRow

FIRST_LOOK = 20_000
FREQUENT = 0.02
"""From this share on, walking to 5,000 reports is shorter than reading all that hold the words."""


def newest(
    connection: Connection, found: Select[Any], key: Any, *, first: int, below: int | None, limit: int
) -> list[int]:
    """The highest ids that `found` finds by its `key`, from `first` on and less than `below`."""
    top = below
    if top is None:
        top = (connection.scalar(select(func.max(QueryRow.id))) or 0) + 1
    floor = max(first, top - FIRST_LOOK)
    ids = _between(connection, found, key, floor, top, limit)
    if len(ids) >= limit or floor <= first:
        return ids
    if len(ids) < FREQUENT * FIRST_LOOK:
        return _all(connection, found.where(key >= first, key < top), limit)
    for low, high in _stretches(first, floor):
        ids += _between(connection, found, key, low, high, limit - len(ids))
        if len(ids) >= limit:
            break
    return ids


def _stretches(first: int, below: int) -> Iterator[tuple[int, int]]:
    """Ranges of ids from `below` down to `first`, each twice as long as the one before."""
    length = 2 * FIRST_LOOK
    while below > first:
        low = max(first, below - length)
        yield low, below
        below, length = low, 2 * length


def _between(
    connection: Connection, found: Select[Any], key: Any, low: int, high: int, limit: int
) -> list[int]:
    within = found.where(key >= low, key < high).order_by(key.desc()).limit(limit)
    return list(connection.scalars(within))


def _all(connection: Connection, found: Select[Any], limit: int) -> list[int]:
    # Apart from the order and the limit, which would have it walk instead.
    every = found.cte("every").prefix_with("MATERIALIZED")
    return list(connection.scalars(select(every.c.id).order_by(every.c.id.desc()).limit(limit)))
