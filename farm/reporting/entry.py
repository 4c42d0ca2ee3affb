"""What a document tells of each question of a batch, read from the store page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.errors import FarmError
from farm.reporting import result as shown
from farm.reporting.fresh import Run
from farm.reporting.result import ShownResult
from farm.sql.verdict import Verdict
from farm.store import reports, result_rows, results
from farm.store import runs as run_store
from farm.store.engine import Connection, Store, now
from farm.store.reports import Attempt, Report
from farm.store.results import TaskResult

PAGE = 50
MOST_REFUSED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What goes into a document: at most so many questions; with `rows` also results that were kept.

    `kept_only`: only snapshots that somebody has made for others, and no evidence.
    """

    most: int = 1_000
    rows: bool = True
    kept_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One question. `verdict` is that on the accepted query as the model wrote it.

    `refused` are the last candidates that did not pass, where none did; `trouble` is why a run failed.
    """

    number: int
    task: TaskResult
    report: Report | None = None
    verdict: Verdict | None = None
    refused: tuple[tuple[str, Verdict], ...] = ()
    result: ShownResult | None = None
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What one look into the store gives for a question; `run_id` is that of the run with its rows."""

    number: int
    task: TaskResult
    report: Report | None
    attempts: tuple[Attempt, ...]
    run_id: int | None


def entries(store: Store, batch_id: int, wanted: Wanted, run: Run | None = None) -> Iterator[Entry]:
    """The questions of a batch in order; their rows come from `run` where it is given.

    Nothing is read while the caller works on an entry, and the rows of one query are held at a time.
    """
    for first in range(0, wanted.most, PAGE):
        with store.read() as connection:
            page = _page(connection, batch_id, range(first, min(first + PAGE, wanted.most)), wanted)
        for found in page:
            yield _entry(store, found, wanted, run)
        if len(page) < PAGE:
            return


def _page(connection: Connection, batch_id: int, positions: range, wanted: Wanted) -> list[_Found]:
    tasks = results.by_position(connection, batch_id, positions)
    query_ids = [task.query_id for task in tasks if task.query_id is not None]
    accepted = {report.id: report for report in reports.of(connection, query_ids)}
    runs = result_rows.latest(connection, query_ids, kept_only=wanted.kept_only) if wanted.rows else {}
    return [
        _Found(
            number=number,
            task=task,
            report=accepted.get(task.query_id or 0),
            attempts=tuple(reports.attempts(connection, task.task_id)),
            run_id=runs.get(task.query_id or 0),
        )
        for number, task in enumerate(tasks, start=positions.start + 1)
    ]


def _entry(store: Store, found: _Found, wanted: Wanted, run: Run | None) -> Entry:
    report = found.report
    if report is None:
        refused = tuple(one for attempt in found.attempts for one in attempt.candidates)
        return Entry(number=found.number, task=found.task, refused=refused[-MOST_REFUSED:])
    verdict = passed(found.attempts, report)
    result, trouble = _fresh(report, run) if run is not None else (None, None)
    return Entry(
        number=found.number,
        task=found.task,
        report=report,
        verdict=verdict,
        result=result or (_stored(store, found.run_id, verdict, wanted) if wanted.rows else None),
        trouble=trouble,
    )


def passed(attempts: Sequence[Attempt], report: Report) -> Verdict | None:
    """The verdict on what was accepted; None where somebody has corrected it since, or no answer is kept."""
    if report.version > 1:
        return None
    verdicts = (
        verdict
        for attempt in attempts
        if attempt.call_no == report.call_no
        for _, verdict in attempt.candidates
        if verdict.accepted
    )
    return next(verdicts, None)


def _fresh(report: Report, run: Run) -> tuple[ShownResult | None, str | None]:
    try:
        return shown.of_rows(run(report), now()), None
    except FarmError as error:
        return None, str(error)


def _stored(store: Store, run_id: int | None, verdict: Verdict | None, wanted: Wanted) -> ShownResult | None:
    """The rows of a run that has kept them, else the few that are evidence."""
    if run_id is not None:
        with store.read() as connection:
            kept = shown.of_run(run_store.get(connection, run_id))
        if kept is not None:
            return kept
    evidence = None if verdict is None or wanted.kept_only else verdict.evidence
    return None if evidence is None else shown.of_evidence(evidence)
