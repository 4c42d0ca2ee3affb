"""A worker process that sends its traces to a collector, which then falls silent."""

import json
import signal
import sys

import pytest
from support.collector import Collector
from support.llm import Fault
from support.store import SHOP
from support.yard import BAD_SQL, GOOD_SQL, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

KEY = "key-of-the-collector"
ROOT = "process default"


def test_a_worker_s_traces_reach_a_collector_whose_silence_costs_no_task(yard, monkeypatch):
    with Collector() as collector:
        for name, value in {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{KEY}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5",
            "OTEL_BSP_SCHEDULE_DELAY": "600000",  # spans go out by the number, and at the end
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
        }.items():
            monkeypatch.setenv(name, value)
        collector.silent.set()
        yard.ask(2)
        worker = yard.start(start_method="spawn")  # a forkserver would not hand on these variables
        wait_until(lambda: collector.requests, "a request that is not answered")
        wait_until(lambda: yard.all_in("accepted"), "the tasks")
        collector.silent.clear()

        yard.ask(1, Fault.RATE_LIMITED, BAD_SQL, GOOD_SQL, start=3)
        wait_until(lambda: yard.states() == {"accepted": 3}, "the last task")
        worker.send_signal(signal.SIGTERM)
        assert yard.ended(worker) == 0

    assert {headers["authorization"] for _, headers, _ in collector.requests} == {f"Bearer {KEY}"}
    words = [KEY, SHOP.ddl, BAD_SQL, GOOD_SQL, "Question 1?", "Question 3?"]
    assert [word for word in words for _, _, body in collector.requests if word.encode() in body] == []
    [root] = [span for span in collector.named(ROOT) if span.attributes["sqlfarm.task.id"] == 3]
    spans = [span for span in collector.spans if span.trace == root.trace]
    assert {span.parent for span in spans if span is not root} == {root.span}
    assert sorted(span.name for span in spans) == sorted(
        [ROOT, "build prompt", *["chat stub-model"] * 3, *["check answer"] * 2, "store outcome"]
    )
    assert [span.attributes["error.type"] for span in spans if span.is_error] == ["rate_limit"]
    assert root.attributes["sqlfarm.batch.id"] == 2
    assert root.attributes["sqlfarm.task.state"] == "accepted"
    assert (root.resource["service.name"], root.resource["service.instance.id"]) == ("sqlfarm", "w1")
    lines = [json.loads(line) for line in yard.logged().splitlines()]
    assert root.trace in [line.get("trace_id") for line in lines if line["event"] == "settled"]
    assert KEY not in yard.logged()
