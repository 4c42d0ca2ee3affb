"""The metrics as they are sent: what Prometheus' own parsers read of them, and what the docs say of each."""

import re
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

from farm.metrics.exposition import expose
from farm.metrics.families import FAMILIES, Family
from farm.store import counted
from farm.store.counted import Counted
from farm.store.observation import Observation
from farm.store.status import QueueStatus, WorkerStatus

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
ODD = 'odd "model"\n\\ of ours'


def observation(amounts: Counted | None = None) -> Observation:
    return Observation(
        counted=amounts if amounts is not None else Counter(),
        tasks={"queued": 3, "accepted": 2},
        queues=(QueueStatus(name="default", depth=3, oldest_seconds=7.5),),
        paused=frozenset({"default"}),
        workers=tuple(worker(number) for number in range(2)),
        running=1,
        webhooks={"pending": 1},
    )


def worker(number: int) -> WorkerStatus:
    return WorkerStatus(
        name=f"w{number}",
        slot=f"default-{number}",
        host="here",
        pid=number,
        queue="default",
        state="ready",
        in_flight=2,
        tasks_done=9,
        heartbeat_age_seconds=float(number),
        restarts=0,
        last_end_reason=None,
    )


def body(amounts: Counted | None = None, accept: str = "") -> str:
    return expose(observation(amounts), version="1.2", store="sqlite", accept=accept).body.decode()


SOME: Counted = counted.total(
    [
        *counted.ended(2, "accepted", None),
        *counted.ended(1, "dead", "cancelled"),
        *counted.observed(counted.MODEL_TIME, ODD, micros=300_000),
        *counted.observed(counted.MODEL_TIME, ODD, micros=700_000_000),
        ((counted.MODEL_COST, ODD), 1_500_000_001),
    ]
)


@pytest.mark.parametrize(("read", "accept"), [(read_text, ""), (read_openmetrics, OPENMETRICS)])
def test_both_formats_say_the_same_to_their_parsers(read, accept: str):
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in read(body(SOME, accept))
        for sample in family.samples
    }
    assert samples["sqlfarm_up",] == 1
    assert samples["sqlfarm_build_info", ("store", "sqlite"), ("version", "1.2")] == 1
    assert samples["sqlfarm_tasks_ended_total", ("reason", "cancelled"), ("state", "dead")] == 1
    assert samples["sqlfarm_model_cost_usd_total", ("model", ODD)] == 1.500000001
    buckets = {
        dict(key[1:])["le"]: value  # type: ignore[arg-type]  # pairs of texts after the name
        for key, value in samples.items()
        if key[0] == "sqlfarm_model_call_duration_seconds_bucket"
    }
    assert (buckets["0.25"], buckets["0.5"], buckets["300.0"], buckets["+Inf"]) == (0, 1, 1, 2)
    assert samples["sqlfarm_model_call_duration_seconds_sum", ("model", ODD)] == 700.3
    assert samples["sqlfarm_worker_tasks_in_flight", ("queue", "default")] == 4
    assert samples["sqlfarm_worker_heartbeat_age_seconds", ("queue", "default")] == 1
    assert samples["sqlfarm_queue_paused", ("queue", "default")] == 1


def test_what_was_counted_under_a_bound_of_old_is_not_lost():
    old = Counter({(counted.CHECK_TIME + counted.BUCKET, "0.07"): 5})
    assert 'sqlfarm_validation_duration_seconds_bucket{le="0.1"} 5.0' in body(old)
    assert 'sqlfarm_validation_duration_seconds_bucket{le="0.05"} 0.0' in body(old)


def test_the_format_is_the_one_that_is_asked_for():
    asked = expose(observation(), version="1", store="sqlite", accept=OPENMETRICS)
    assert asked.content_type.startswith("application/openmetrics-text; version=1.0.0")
    plain = expose(observation(), version="1", store="sqlite")
    assert plain.content_type.startswith("text/plain; version=0.0.4")


def test_a_store_that_is_away_leaves_what_is_known_without_it():
    said = expose(None, version="1", store="sqlite").body.decode()
    assert [family.name for family in read_text(said)] == ["sqlfarm_up", "sqlfarm_build_info"]
    assert "sqlfarm_up 0.0" in said


def test_counters_that_are_known_beforehand_stand_at_nothing():
    """So that the first event is seen as a rise."""
    said = body()
    for line in (
        'sqlfarm_tasks_ended_total{reason="",state="accepted"} 0.0',
        'sqlfarm_worker_ends_total{kind="killed"} 0.0',
        'sqlfarm_task_duration_seconds_count{state="rejected"} 0.0',
        'sqlfarm_workers{queue="default",state="draining"} 0.0',
    ):
        assert line in said


def test_each_metric_has_a_type_a_meaning_and_its_row_in_the_docs():
    rows = re.findall(r"^\| `(sqlfarm_\w+)` \| (\w+) \|([^|]*)\|", DOCS.read_text("utf-8"), re.MULTILINE)
    documented = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    exported = {
        f"{family.name}_total" if kind(family) == "counter" else family.name: (kind(family), family.labels)
        for family in FAMILIES
    }
    exported |= {"sqlfarm_up": ("gauge", ()), "sqlfarm_build_info": ("info", ("version", "store"))}
    assert documented == exported
    for family in read_text(body(SOME)):
        assert family.documentation.endswith("."), family.name
        assert family.type != "untyped", family.name


def kind(family: object) -> str:
    return family.kind if isinstance(family, Family) else "histogram"
