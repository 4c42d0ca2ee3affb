"""What `farm top` shows, read from the store."""

import contextlib
import time
from dataclasses import dataclass
from datetime import datetime

from farm.api import Farm
from farm.errors import FarmError
from farm.health.overview import Overview, overview
from farm.store import browse, rollup, status
from farm.store.browse import TaskLine
from farm.store.engine import Store, now
from farm.store.task_selection import REQUEUEABLE, Selection

FAILURES_SHOWN = 10
SUMMING_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """A farm at that time. `tasks` counts them by state; `failures` are the latest refused ones."""

    at: datetime
    store: str
    tasks: dict[str, int]
    overview: Overview
    failures: tuple[TaskLine, ...]


def read(farm: Farm, *, hours: int) -> Figures:
    """How the farm stands now; acceptance over the last `hours`. Counts exactly, however long that takes."""
    _sum_up(farm.store)
    with farm.store.read() as connection:
        tasks = status.tasks_by_state(connection)
        queues = status.queues(connection, list(farm.settings.all_pools()))
        failures = browse.page(connection, Selection(states=REQUEUEABLE), limit=FAILURES_SHOWN)
    return Figures(
        at=now(),
        store=farm.store.where,
        tasks=tasks,
        overview=overview(farm, queues, hours=hours),
        failures=failures.tasks,
    )


def _sum_up(store: Store) -> None:
    """As the pages' server does, which may not run; what is left is summed up the next time."""
    give_up_at = time.monotonic() + SUMMING_SECONDS
    with contextlib.suppress(FarmError):  # a store that takes no writes shows what it has
        while rollup.advance(store) and time.monotonic() < give_up_at:
            pass
