"""Doing something to all tasks that match, in parts that each hold the store's locks for a moment."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from farm.store import browse
from farm.store.engine import Connection, Store
from farm.store.task_selection import IDS_PER_STATEMENT, Selection

PART = 5_000


def sweep(
    store: Store,
    selection: Selection,
    act: Callable[[Connection, Selection], int],
    *,
    most: int | None = None,
    part: int = PART,
) -> int:
    """Let `act` work on the tasks of a selection, from the newest down; returns how many it says it did.

    Each part is a transaction of its own; a task that changes meanwhile is left alone, since `act` holds the
    selection against it once more. It stops after about `most` tasks.
    """
    done = 0
    for ids in _parts(store, selection, part):
        if most is not None and done >= most:
            break
        rest = ids if most is None else ids[: most - done]
        if rest:
            with store.write() as connection:
                done += act(connection, replace(selection, task_ids=rest))
    return done


def _parts(store: Store, selection: Selection, part: int) -> Iterator[tuple[int, ...]]:
    if selection.task_ids is not None:
        ids = selection.task_ids
        size = min(part, IDS_PER_STATEMENT)
        yield from (ids[place : place + size] for place in range(0, len(ids), size))
        return
    after: int | None = None
    while True:
        with store.read() as connection:
            found, after = browse.ids(connection, selection, after=after, limit=part)
        yield tuple(found)
        if after is None:
            return
