"""The tasks of one enqueue call: progress, results in order, cancel."""

import time
from collections.abc import Iterator

from farm.errors import NotFound
from farm.store import alike, results, steering
from farm.store.engine import Store
from farm.store.results import Progress, TaskResult
from farm.webhooks import standing
from farm.webhooks.standing import WebhookStanding

PAGE = 500
FIRST_PAUSE_SECONDS = 0.05
MOST_PAUSE_SECONDS = 1.0


class Batch:
    """A handle on a batch in the store.

    One that was just enqueued says how many of its tasks were `added` or `known` already, and whether the
    workers were told of them (`announced`: False where Redis is away, None where it does not run yet).
    """

    def __init__(
        self,
        store: Store,
        batch_id: int,
        *,
        added: int | None = None,
        known: int | None = None,
        announced: bool | None = None,
    ) -> None:
        self._store = store
        self.id = batch_id
        self.added = added
        self.known = known
        self.announced = announced

    def __repr__(self) -> str:
        return f"Batch({self.id})"

    def progress(self) -> Progress:
        """How far the batch has come; raises NotFound for an unknown batch."""
        with self._store.read() as connection:
            progress = results.progress(connection, self.id)
        if progress.total == 0:
            raise NotFound(f"there is no batch {self.id}, or it is empty")
        return progress

    def results(self, *, wait: bool = True, timeout_seconds: float | None = None) -> Iterator[TaskResult]:
        """Every task of the batch, in the order asked, each as soon as it and all before it have settled.

        Without `wait`, each task as it stands now. Raises TimeoutError when the next task takes longer than
        `timeout_seconds`; tasks go on, and results can be asked for again.
        """
        position = 0
        while page := self._page(position, wait=wait, timeout_seconds=timeout_seconds):
            yield from page
            position += len(page)

    def _page(self, position: int, *, wait: bool, timeout_seconds: float | None) -> list[TaskResult]:
        """The next results that are settled (all of them, without `wait`); empty at the end of the batch."""
        give_up_at = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            with self._store.read() as connection:
                page = results.by_position(connection, self.id, range(position, position + PAGE))
            ready = page if not wait else _leading_settled(page)
            if ready or not page:
                return ready
            if give_up_at is not None and time.monotonic() > give_up_at:
                raise TimeoutError(
                    f"task {page[0].task_id} is still {page[0].state} after {timeout_seconds:g} s; "
                    "is a farm running (`farm status`)?"
                )
            time.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, MOST_PAUSE_SECONDS)

    def duplicates(self) -> int:
        """How many of its tasks gave a query that was there before, up to its spelling (`same_as`)."""
        with self._store.read() as connection:
            return alike.duplicates(connection, self.id)

    def webhooks(self) -> list[WebhookStanding]:
        """How those stand that are told when the batch has ended."""
        with self._store.read() as connection:
            return standing.of_batch(connection, self.id)

    def cancel(self) -> int:
        """Let the tasks that still wait end as dead; returns how many. Tasks in work come to their end."""
        with self._store.write() as connection:
            return steering.cancel(connection, self.id)


def _leading_settled(page: list[TaskResult]) -> list[TaskResult]:
    end = next((place for place, result in enumerate(page) if not result.settled), len(page))
    return page[:end]
