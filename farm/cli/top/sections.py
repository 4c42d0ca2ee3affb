"""The figures of `farm top` as tables and lines of text; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from farm.cli.shared import nobody_works
from farm.cli.sheet import Column
from farm.cli.top.figures import Figures
from farm.health.overview import Overview, QueueLine
from farm.store.statistics import Percentiles, Usage
from farm.store.status import EndStatus, WorkerStatus
from farm.web.formats import duration, milliseconds, number, percent, plural, usd

LATE_SECONDS = 15.0
"""A heartbeat that is older is a warning."""
REASONS_SHOWN = 12
BARS = "▁▂▃▄▅▆▇█"

Row = tuple[str, ...]
NAMES = {"queued": "waiting", "leased": "in work"}
QUEUES = (
    Column("queue", whole=True),
    Column("model"),
    Column("waiting", right=True, whole=True),
    Column("oldest", right=True, whole=True),
    Column("workers", right=True, whole=True),
    Column("state", whole=True),
)
WORKERS = (
    Column("worker", whole=True),
    Column("host"),
    Column("pid", right=True, whole=True),
    Column("state", whole=True),
    Column("in flight", right=True, whole=True),
    Column("done", right=True, whole=True),
    Column("beat", right=True, whole=True),
    Column("restarts", right=True, whole=True),
    Column("last ended because"),
)
ENDS = (Column("ended", right=True, whole=True), Column("worker", whole=True), Column("host"), Column("why"))
LATENCIES = (
    Column("how long", whole=True),
    Column("p50", right=True, whole=True),
    Column("p95", right=True, whole=True),
    Column("p99", right=True, whole=True),
    Column("of", right=True, whole=True),
)
USAGE = (
    Column("today (UTC)"),
    Column("calls", right=True, whole=True),
    Column("failed", right=True, whole=True),
    Column("prompt", right=True, whole=True),
    Column("completion", right=True, whole=True),
    Column("cost", right=True, whole=True),
)
FAILURES = (Column("refused", right=True, whole=True), Column("why", whole=True), Column("question"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A table, or lines without columns; `rank` says which goes first where room is short (0 stays longest).

    `warnings` are the places of rows that want somebody's eye; `least`: how many rows make sense alone.
    """

    rows: Sequence[Row]
    rank: int
    columns: tuple[Column, ...] = ()
    warnings: frozenset[int] = frozenset()
    least: int = 1


def sections(figures: Figures, *, hours: int) -> list[Section]:
    """Everything, from the top down."""
    seen = figures.overview
    found = [
        Section(rows=[(tasks_line(figures.tasks),)], rank=0),
        _queues(seen.queues),
        _workers(seen.workers, seen.queues),
        _ends(seen.ends),
        Section(rows=list(_outcomes(seen, hours)), rank=3, least=2),
        _latencies(seen),
        _usage(seen.usage, figures.at),
        _failures(figures),
    ]
    return [section for section in found if section.rows]


def tasks_line(tasks: dict[str, int]) -> str:
    """How many tasks stand in each state."""
    return " · ".join(f"{count:,} {NAMES.get(state, state)}" for state, count in tasks.items())


def _queues(queues: Sequence[QueueLine]) -> Section:
    rows = [
        (
            queue.name,
            "no pool here serves it" if queue.model is None else queue.model,
            number(queue.depth),
            duration(queue.oldest_seconds),
            str(queue.workers) if queue.wanted is None else f"{queue.workers} of {queue.wanted}",
            "paused" if queue.paused else "runs",
        )
        for queue in queues
    ]
    wrong = {place for place, queue in enumerate(queues) if queue.paused or queue.model is None}
    return Section(columns=QUEUES, rows=rows, rank=1, warnings=frozenset(wrong))


def _workers(workers: Sequence[WorkerStatus], queues: Sequence[QueueLine]) -> Section:
    if not workers:
        nobody = nobody_works([queue.wanted for queue in queues])
        return Section(rows=[(nobody,)], rank=2, warnings=frozenset({0}))
    rows = [
        (
            worker.slot,
            worker.host,
            str(worker.pid),
            worker.state,
            number(worker.in_flight),
            number(worker.tasks_done),
            duration(worker.heartbeat_age_seconds),
            number(worker.restarts),
            worker.last_end_reason or "",
        )
        for worker in workers
    ]
    wrong = {
        place
        for place, worker in enumerate(workers)
        if worker.restarts or worker.heartbeat_age_seconds > LATE_SECONDS
    }
    return Section(columns=WORKERS, rows=rows, rank=2, warnings=frozenset(wrong))


def _ends(ends: Sequence[EndStatus]) -> Section:
    rows = [(f"{duration(end.seconds_ago)} ago", end.slot, end.host, end.reason) for end in ends]
    return Section(columns=ENDS, rows=rows, rank=7)


def _outcomes(seen: Overview, hours: int) -> Iterator[Row]:
    minutes = seen.throughput.tasks
    yield (
        f"{number(seen.throughput.per_minute)} ended a minute, {number(minutes[-1])} in the last one "
        f"{sparkline(minutes)}",
    )
    outcomes = seen.outcomes
    window = "hour" if hours == 1 else f"{hours} hours"
    yield (
        f"{percent(outcomes.acceptance_rate)} accepted in the last {window}: {number(outcomes.accepted)} "
        f"accepted, {number(outcomes.rejected)} rejected, {number(outcomes.dead)} dead",
    )
    ended = outcomes.accepted + outcomes.rejected + outcomes.dead
    for code, tasks in outcomes.reasons[:REASONS_SHOWN]:
        yield (f"· {plural(tasks, 'task')} ({percent(tasks / ended)}): {code}",)
    if seen.summed_until is not None:
        yield (f"this, tokens and cost are summed up to {seen.summed_until:%Y-%m-%d %H:%M:%S} UTC",)


def sparkline(values: Sequence[int]) -> str:
    """A bar for each value, the highest as high as the line; nothing where all are 0."""
    most = max(values, default=0)
    if not most:
        return ""
    return "".join(BARS[-(-value * (len(BARS) - 1) // most)] for value in values)


def _latencies(seen: Overview) -> Section:
    times = seen.latencies
    rows = [
        _times("a call of the model", times.model),
        _times("checking a candidate", times.validation),
        _times("a task, from its claim", times.work),
        _times("a task, from when asked", times.task),
    ]
    return Section(columns=LATENCIES, rows=rows, rank=4, least=4)


def _times(what: str, times: Percentiles | None) -> Row:
    if times is None:
        return what, *(milliseconds(None),) * 3, "0"
    shown = (milliseconds(value) for value in (times.p50_ms, times.p95_ms, times.p99_ms))
    return what, *shown, number(times.count)


def _usage(usage: Sequence[Usage], at: datetime) -> Section:
    rows = [
        (
            line.model,
            number(line.calls),
            number(line.failed_calls),
            number(line.prompt_tokens),
            number(line.completion_tokens),
            usd(line.cost_usd),
        )
        for line in usage
        if line.day.date() == at.date()
    ]
    return Section(columns=USAGE, rows=rows or [("no call was summed up yet", *("",) * 5)], rank=5)


def _failures(figures: Figures) -> Section:
    rows = [
        (
            f"task {task.id}",
            task.reason_code or task.state.value,
            f"{task.question} ({task.reason})" if task.reason else task.question,
        )
        for task in figures.failures
    ]
    return Section(columns=FAILURES, rows=rows, rank=6)
