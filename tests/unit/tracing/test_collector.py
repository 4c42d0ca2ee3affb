"""What the log tells of a collector, and what the doctor is told."""

import logging

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from support import collector as server

from farm.tracing import collector
from farm.tracing.collector import Collector


class Failing(SpanExporter):
    """Fails three times in two ways, each time with words, as the SDK's own does; then it succeeds."""

    def __init__(self):
        self.words = ["code: 503, reason: away", "code: 503, reason: away", "code: 401, reason: wrong key"]

    def export(self, spans):
        if not self.words:
            return SpanExportResult.SUCCESS
        log = logging.getLogger(f"{collector.EXPORTERS_LOG}.test")
        log.warning(self.words.pop(0))
        log.error("failed to export")
        return SpanExportResult.FAILURE

    def shutdown(self):
        pass


def test_the_log_tells_once_of_each_trouble_and_once_that_it_is_over(caplog):
    caplog.set_level("INFO")
    sending = Collector(Failing())
    away = []
    for _ in range(4):
        sending.export([])
        away.append(sending.is_away)
    sending.shutdown()
    assert away == [True, True, True, False]
    said, then = "waiting for the collector of spans", "meanwhile spans are dropped, and no task waits"
    assert [record.message for record in caplog.records] == [
        f"{said}: code: 503, reason: away; {then}",
        f"{said}: code: 401, reason: wrong key; {then}",
        "the collector of spans is back after 0 s",
    ]


def test_a_refusal_comes_with_its_reason(monkeypatch):
    with server.Collector() as taking:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taking.url)
        assert collector.refusal() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")
    assert "No connection adapters were found" in collector.refusal()
