"""Runs of accepted queries: what was run, how it ended, and the rows while they are kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, null, or_, select, update

from farm.errors import NotFound
from farm.store import counted, counters
from farm.store.engine import now
from farm.store.tables import RunRow

MOST_UNKEPT = 500
UNKEPT_AGE = timedelta(hours=24)
OVERDUE = timedelta(seconds=60)
"""How long after its time-out a run that still counts as running is taken for lost with its process."""
LOST = "the process that ran it ended before the query did; run it again"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRun:
    """What is about to be run: `sql` has the `parameters` in it."""

    query_id: int
    version: int
    target: str
    sql: str
    parameters: dict[str, str]
    started_by: str | None
    row_limit: int
    timeout_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run. `state` is running, done, failed or cancelled.

    `rows` hold JSON values (farm.running.cells); they and `columns` are None unless it is done, and again
    when they have been pruned. `truncated`: there were more rows than `row_limit`.
    """

    id: int
    query_id: int
    version: int
    target: str
    sql: str
    parameters: dict[str, str]
    state: str
    error: str | None
    started_by: str | None
    started_at: datetime
    finished_at: datetime | None
    duration_ms: float | None
    row_limit: int
    timeout_seconds: float
    row_count: int | None
    truncated: bool | None
    columns: list[str] | None = None
    rows: list[list[Any]] | None = None
    chart: dict[str, Any] | None = None
    kept_at: datetime | None = None


_WITHOUT_ROWS = [
    column for column in RunRow.__table__.columns if column.name not in ("columns", "rows", "chart")
]


def start(connection: Connection, run: NewRun) -> int:
    """Note that a run begins; returns its id."""
    values = {name: getattr(run, name) for name in NewRun.__dataclass_fields__}
    statement = insert(RunRow).values(**values, state="running", started_at=now()).returning(RunRow.id)
    return connection.execute(statement).scalar_one()


def finish(
    connection: Connection,
    run_id: int,
    *,
    columns: list[str],
    rows: list[list[Any]],
    truncated: bool,
    duration_ms: float,
) -> bool:
    """Keep the result of a run; False where it had ended otherwise."""
    return _end(
        connection,
        run_id,
        state="done",
        columns=columns,
        rows=rows,
        row_count=len(rows),
        truncated=truncated,
        duration_ms=duration_ms,
    )


def fail(connection: Connection, run_id: int, error: str, *, duration_ms: float | None = None) -> bool:
    """Note why a run failed; False where it had ended otherwise."""
    return _end(connection, run_id, state="failed", error=error, duration_ms=duration_ms)


def cancel(connection: Connection, run_id: int, *, duration_ms: float | None = None) -> bool:
    """Note that somebody stopped a run; False where it had ended otherwise."""
    return _end(connection, run_id, state="cancelled", duration_ms=duration_ms)


def stop(connection: Connection, run_id: int) -> bool:
    """Cancel a run, whichever process works on it; `ended` tells it. False where there is none to cancel."""
    started_at = connection.scalar(select(RunRow.started_at).where(RunRow.id == run_id))
    if started_at is None:
        return False
    return cancel(connection, run_id, duration_ms=(now() - started_at) / timedelta(milliseconds=1))


def ended(connection: Connection, ids: Iterable[int]) -> list[int]:
    """Those of the runs that are under way no more."""
    chosen = select(RunRow.id).where(RunRow.id.in_(list(ids)), RunRow.state != "running")
    return list(connection.scalars(chosen))


def _end(connection: Connection, run_id: int, **values: Any) -> bool:
    statement = (
        update(RunRow)
        .where(RunRow.id == run_id, RunRow.state == "running")
        .values(finished_at=now(), **values)
    )
    if connection.execute(statement).rowcount != 1:
        return False
    counters.add(connection, counted.run_ended(values["state"]))
    return True


def get(connection: Connection, run_id: int) -> Run:
    """A run with its rows; raises NotFound."""
    row = connection.execute(select(*RunRow.__table__.columns).where(RunRow.id == run_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return Run(**row._mapping)


def of_query(
    connection: Connection, query_id: int, *, after: int | None = None, kept: bool = False, limit: int = 20
) -> list[Run]:
    """Runs of a query without their rows, newest first, older than run `after`; `kept`: snapshots alone."""
    statement = select(*_WITHOUT_ROWS).where(RunRow.query_id == query_id)
    if after is not None:
        statement = statement.where(RunRow.id < after)
    if kept:
        statement = statement.where(RunRow.kept_at.is_not(None))
    rows = connection.execute(statement.order_by(RunRow.id.desc()).limit(limit))
    return [Run(**row._mapping) for row in rows]


def was_done(connection: Connection, *, query_id: int, version: int, target: str) -> bool:
    """Whether this version of a query has run to its end on the target before."""
    done = select(RunRow.id).where(
        RunRow.query_id == query_id,
        RunRow.version == version,
        RunRow.target == target,
        RunRow.state == "done",
    )
    return connection.execute(done.limit(1)).first() is not None


def keep(connection: Connection, run_id: int, *, kept: bool = True) -> bool:
    """Make a snapshot of a run's result, or none of it any more; False where there is no result to keep."""
    statement = update(RunRow).where(RunRow.id == run_id, RunRow.rows.is_not(None))
    return connection.execute(statement.values(kept_at=now() if kept else None)).rowcount == 1


def choose_chart(connection: Connection, run_id: int, chart: dict[str, Any] | None) -> None:
    """Remember how somebody wants a result drawn."""
    connection.execute(
        update(RunRow).where(RunRow.id == run_id).values(chart=null() if chart is None else chart)
    )


def prune(connection: Connection) -> int:
    """Let go of the rows that nobody keeps, beyond the latest 500 runs and 24 hours; returns how many."""
    unkept = (RunRow.rows.is_not(None), RunRow.kept_at.is_(None))
    floor = select(RunRow.id).where(*unkept).order_by(RunRow.id.desc()).offset(MOST_UNKEPT).limit(1)
    newest = connection.scalar(floor)
    old = RunRow.started_at < now() - UNKEPT_AGE
    too_many = RunRow.id <= (newest if newest is not None else -1)
    statement = update(RunRow).where(*unkept, or_(old, too_many)).values(rows=null(), columns=null())
    return connection.execute(statement).rowcount


def bury_lost(connection: Connection) -> int:
    """Fail the runs whose process has ended without a word; returns how many."""
    running = connection.execute(
        select(RunRow.id, RunRow.started_at, RunRow.timeout_seconds).where(RunRow.state == "running")
    )
    overdue = [
        row.id for row in running if row.started_at + timedelta(seconds=row.timeout_seconds) + OVERDUE < now()
    ]
    return sum(fail(connection, run_id, LOST) for run_id in overdue)
