"""Live progress of a batch: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from farm.batch import Batch
from farm.cli.shared import errors
from farm.store.results import Progress as BatchProgress

PLAIN_EVERY_SECONDS = 10.0
POLL_SECONDS = 0.25


class Shown(Protocol):
    """Takes the latest state of a batch."""

    def __call__(self, progress: BatchProgress) -> None: ...


@contextmanager
def shown(total: int) -> Iterator[Shown]:
    """Show progress until the end of the block; call what it gives with each new state."""
    if not errors.is_terminal:
        yield _Plain()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("[green]{task.fields[accepted]} accepted[/]  [red]{task.fields[refused]} refused[/]"),
        TextColumn("{task.fields[tokens]:,} tokens"),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=False) as bar:
        row = bar.add_task("answering", total=total, accepted=0, refused=0, tokens=0)

        def show(progress: BatchProgress) -> None:
            bar.update(
                row,
                total=progress.total,
                completed=progress.done,
                accepted=progress.accepted,
                refused=progress.rejected + progress.dead,
                tokens=progress.tokens,
            )

        yield show


class _Plain:
    """Prints a line when something has changed, at most every few seconds, and one at the end."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._next = 0.0
        self._last_done = -1

    def __call__(self, progress: BatchProgress) -> None:
        now = time.monotonic()
        ended = progress.done == progress.total
        if progress.done == self._last_done or (now < self._next and not ended):
            return
        self._next, self._last_done = now + PLAIN_EVERY_SECONDS, progress.done
        elapsed = now - self._started
        left = elapsed / progress.done * (progress.total - progress.done) if progress.done else None
        eta = "" if left is None or ended else f", about {left:.0f} s left"
        refused = progress.rejected + progress.dead
        errors.print(
            f"{progress.done:,} of {progress.total:,} done: {progress.accepted:,} accepted, "
            f"{refused:,} refused, {progress.tokens:,} tokens, {elapsed:.0f} s{eta}",
            soft_wrap=True,
        )


def follow(batch: Batch) -> None:
    """Show a batch's progress until all of it has settled."""
    progress = batch.progress()
    with shown(progress.total) as show:
        while True:
            show(progress)
            if progress.done == progress.total:
                return
            time.sleep(POLL_SECONDS)
            progress = batch.progress()
