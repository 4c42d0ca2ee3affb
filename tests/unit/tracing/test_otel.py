"""Spans as OpenTelemetry keeps them, and their end when nobody takes them."""

import asyncio
import threading

import pytest
from support.collector import Collector
from support.traced import Traced
from support.yard import wait_until

from farm.errors import BadSetting
from farm.tracing import otel, switch
from farm.tracing.tracer import OFF, Kind


def open_tracer(url, monkeypatch, **more):
    """A tracer of the real kind; its variables are those of this process, as the SDK reads them there."""
    for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": url, **more}.items():
        monkeypatch.setenv(name, value)
    return switch.open_tracer({"OTEL_EXPORTER_OTLP_ENDPOINT": url, **more}, instance="w1")


def test_a_span_stands_within_the_one_around_it_in_its_own_coroutine():
    traced = Traced()

    async def work(number):
        with traced.tracer.span(f"outer {number}"):
            await asyncio.sleep(0)
            with traced.tracer.span(f"inner {number}"):
                await asyncio.sleep(0)

    async def both():
        await asyncio.gather(work(1), work(2))

    asyncio.run(both())
    for number in (1, 2):
        inner, outer = traced.named(f"inner {number}"), traced.named(f"outer {number}")
        assert inner.parent.span_id == outer.context.span_id
        assert outer.parent is None


def test_an_error_is_told_by_its_kind_and_never_by_its_words():
    traced = Traced()

    def fail(message, span=None):
        if span:
            span.fail("deadline")
        raise ValueError(message)

    with pytest.raises(ValueError, match="pa55word"), traced.tracer.span("work"):
        fail("pa55word")
    with pytest.raises(ValueError, match="x"), traced.tracer.span("call", kind=Kind.CLIENT) as span:
        fail("x", span)
    assert traced.said("work") == {"error.type": "ValueError"}
    assert traced.said("call") == {"error.type": "deadline"}
    assert "pa55word" not in traced.named("work").to_json()
    assert [span.status.is_ok for span in traced.spans] == [False, False]
    assert [span.kind.name for span in traced.spans] == ["INTERNAL", "CLIENT"]


def test_a_line_of_the_log_names_its_trace():
    traced = Traced()
    with traced.tracer.span("work") as span:
        fields = span.log_fields
    context = traced.named("work").context
    assert fields == {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
    assert OFF.span("work").__enter__().log_fields == {}


def test_spans_reach_a_collector_at_the_end_of_the_process(monkeypatch):
    with Collector() as collector:
        tracer = open_tracer(
            collector.url,
            monkeypatch,
            OTEL_EXPORTER_OTLP_HEADERS="api-key=key-of-the-test",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        )
        with tracer.span("work", {"sqlfarm.task.id": 7, "codes": ("a", "b")}):
            pass
        asyncio.run(tracer.close())
        [(path, headers, _)] = collector.requests
        [span] = collector.spans
    assert (path, headers["api-key"]) == ("/v1/traces", "key-of-the-test")
    assert (span.name, span.parent, span.is_error) == ("work", "", False)
    assert span.attributes == {"sqlfarm.task.id": 7, "codes": ["a", "b"]}
    told = {"service.name": "sqlfarm", "service.instance.id": "w1", "deployment.environment.name": "test"}
    assert told.items() <= span.resource.items()


def test_the_service_is_named_as_the_variables_say(monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "reports")
    assert otel.resource("w1").attributes["service.name"] == "reports"


def test_a_collector_that_falls_silent_is_not_waited_for_long(monkeypatch, caplog):
    monkeypatch.setattr(otel, "LAST_SECONDS", 0.05)
    with Collector() as collector:
        collector.silent.set()
        tracer = open_tracer(collector.url, monkeypatch, OTEL_EXPORTER_OTLP_TIMEOUT="1")
        with tracer.span("work"):
            pass
        asyncio.run(tracer.close())
        assert threads() != []  # it still tries
        assert "the last spans are dropped" in caplog.text
        wait_until(lambda: not threads(), "the end of the last try")


def test_a_collector_that_is_known_to_be_away_is_not_waited_for_at_all(monkeypatch, caplog):
    variables = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1"}
    tracer = open_tracer("http://127.0.0.1:9", monkeypatch, **variables)
    with tracer.span("work"):
        pass
    wait_until(lambda: "waiting for the collector of spans" in caplog.text, "it to be told of")
    monkeypatch.setattr(otel, "LAST_SECONDS", "not asked for")
    asyncio.run(tracer.close())
    wait_until(lambda: not threads(), "its end")


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "last-spans"]


def test_a_sampler_may_drop_traces(monkeypatch):
    with Collector() as collector:
        tracer = open_tracer(collector.url, monkeypatch, OTEL_TRACES_SAMPLER="always_off")
        with tracer.span("work") as span:
            span.set({"a": 1})
            span.fail("deadline")
        asyncio.run(tracer.close())
        assert collector.requests == []


def test_a_wrong_variable_is_a_bad_setting(monkeypatch):
    with pytest.raises(BadSetting, match=r"OTEL_… variables cannot be used: .*max_queue_size"):
        open_tracer("http://127.0.0.1:9", monkeypatch, OTEL_BSP_MAX_QUEUE_SIZE="0")
