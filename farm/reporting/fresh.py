"""Running accepted queries for a document: read-only, in a child process, within the settings' limits."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from farm.api import Farm
from farm.reporting.result import MOST_ROWS
from farm.running.pool import RunnerPool
from farm.running.service import require_url
from farm.store.reports import Report
from farm.targets.engine import Result
from farm.targets.orders import Order
from farm.targets.target import Target

Run = Callable[[Report], Result]


@contextmanager
def runs(farm: Farm) -> Iterator[Run]:
    """A function that runs a query, one after the other; it raises TargetTrouble. Nothing is kept of it."""
    pool, targets = RunnerPool(), dict[str, Target]()

    def run(report: Report) -> Result:
        target = targets.setdefault(report.target, farm.target(report.target))
        require_url(target)
        order = Order(
            sql=report.original_sql or report.sql,
            row_limit=min(farm.settings.row_limit, MOST_ROWS),
            timeout_seconds=farm.settings.run_timeout_seconds,
        )
        with pool.lent(target) as runner:
            return runner.run(order, cancelled=threading.Event())

    try:
        yield run
    finally:
        pool.close()
