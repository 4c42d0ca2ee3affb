"""The rows of a query as far as a document shows them; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from farm.running.cells import from_json
from farm.sql.evidence import Evidence
from farm.store.runs import Run
from farm.targets.engine import Result

MOST_ROWS = 1_000
"""Of more rows a chart tells no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownResult:
    """The first rows of a result. `total` were counted, and with `more` there are others.

    `at` is when it was read, if that is known. `chart` is what somebody chose for it, as a run keeps it.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int
    more: bool
    at: datetime | None = None
    chart: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_sample(self) -> bool:
        """Whether too little of it is here for a chart to be true."""
        return len(self.rows) < min(self.total, MOST_ROWS)


def of_run(run: Run) -> ShownResult | None:
    """What a run has kept; None where it has let go of its rows."""
    if run.rows is None or run.columns is None:
        return None
    rows = tuple(tuple(from_json(value) for value in row) for row in run.rows[:MOST_ROWS])
    return ShownResult(
        columns=tuple(run.columns),
        rows=rows,
        total=len(run.rows),
        more=bool(run.truncated),
        at=run.finished_at,
        chart=run.chart or {},
    )


def of_evidence(evidence: Evidence) -> ShownResult:
    """The few rows that were kept as evidence when the query was checked."""
    return ShownResult(
        columns=evidence.columns, rows=evidence.sample, total=evidence.rows, more=evidence.more
    )


def of_rows(result: Result, at: datetime) -> ShownResult:
    """What a target has just answered."""
    return ShownResult(
        columns=tuple(map(str, result.columns)),
        rows=tuple(tuple(row) for row in result.rows[:MOST_ROWS]),
        total=len(result.rows),
        more=result.truncated,
        at=at,
    )
