"""The figures in words."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from farm.cli.top.figures import Figures
from farm.cli.top.sections import Section, sections
from farm.health.overview import Overview, QueueLine
from farm.store.statistics import Latencies, Outcomes, Percentiles, Throughput, Usage
from farm.store.status import WorkerStatus

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALLS = Percentiles(count=1_000, p50_ms=340.0, p95_ms=4_200.0, p99_ms=61_000.0)
WORKER = WorkerStatus(
    name="a",
    slot="default-1",
    host="here",
    pid=42,
    queue="default",
    state="busy",
    in_flight=3,
    tasks_done=17,
    heartbeat_age_seconds=0.4,
    restarts=0,
    last_end_reason=None,
)
QUEUE = QueueLine(
    name="default", model="m", depth=1_204, oldest_seconds=200.0, paused=False, workers=1, wanted=2
)
FIGURES = Figures(
    at=AT,
    store="sqlite:///farm.db",
    tasks={"queued": 1_204, "leased": 3},
    failures=(),
    overview=Overview(
        queues=(QUEUE,),
        workers=(WORKER,),
        ends=(),
        throughput=Throughput(since=AT, tasks=(0, 30, 60)),
        outcomes=Outcomes(hours=24, accepted=8, rejected=1, dead=1, reasons=(("syntax", 2),)),
        latencies=Latencies(model=CALLS, validation=None, work=None, task=None),
        usage=(usage := Usage(
            day=AT.replace(hour=0),
            model="m",
            calls=9,
            failed_calls=1,
            prompt_tokens=50_110,
            completion_tokens=2_310,
            cost_usd=0.12,
        ), replace(usage, day=AT.replace(month=2, hour=0), model="of another day")),
        summed_until=AT,
    ),
)  # fmt: skip


def told() -> list[tuple[str, ...]]:
    return [row for section in sections(FIGURES, hours=24) for row in section.rows]


@pytest.mark.parametrize(
    "row",
    [
        ("1,204 waiting · 3 in work",),
        ("default", "m", "1,204", "3 min", "1 of 2", "runs"),
        ("default-1", "here", "42", "busy", "3", "17", "400 ms", "0", ""),
        ("30 ended a minute, 60 in the last one ▁▅█",),
        ("80.0% accepted in the last 24 hours: 8 accepted, 1 rejected, 1 dead",),
        ("· 2 tasks (20.0%): syntax",),
        ("a call of the model", "340 ms", "4.2 s", "1 min", "1,000"),
        ("a task, from its claim", "–", "–", "–", "0"),  # noqa: RUF001
        ("m", "9", "1", "50,110", "2,310", "$0.1200"),
    ],
)
def test_every_figure_is_told(row: tuple[str, ...]) -> None:
    assert row in told()


def test_only_today_is_told_of_cost() -> None:
    assert not any("of another day" in row for row in told())


def test_what_wants_an_eye_is_marked() -> None:
    def warned(**changes: object) -> list[Section]:
        seen = replace(FIGURES, overview=replace(FIGURES.overview, **changes))  # type: ignore[arg-type]
        return [section for section in sections(seen, hours=24) if section.warnings]

    assert warned() == []
    assert warned(queues=(replace(QUEUE, paused=True),))
    assert warned(queues=(replace(QUEUE, model=None),))
    assert warned(workers=(replace(WORKER, restarts=1),))
    assert warned(workers=(replace(WORKER, heartbeat_age_seconds=16.0),))
    assert warned(workers=())
