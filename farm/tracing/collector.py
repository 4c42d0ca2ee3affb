"""The collector that spans are sent to: its trouble is told once, with the reason, and once that it is over.

The SDK itself would repeat it every few seconds; what it says is kept here instead of in the log.
"""

import logging
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from farm.outage import Outage

EXPORTERS_LOG = "opentelemetry.exporter"
CHATTY = ("opentelemetry.sdk._shared_internal", "urllib3.connectionpool")
PROBE_SECONDS = 3.0

log = logging.getLogger(__name__)


class Complaint(logging.Handler):
    """The first thing that an exporter complains of, in place of its log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = self.text or record.getMessage()


class Collector(SpanExporter):
    """Sends by another exporter."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._outage = Outage(log, "the collector of spans")
        self._complaint = Complaint()
        exporters = logging.getLogger(EXPORTERS_LOG)
        exporters.addHandler(self._complaint)
        exporters.propagate = False
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.CRITICAL)

    @property
    def is_away(self) -> bool:
        """Whether it did not take what was sent last."""
        return bool(self._outage)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send these; whatever becomes of them, they are sent once."""
        if (refusal := self.refusal(spans)) is None:
            self._outage.over()
            return SpanExportResult.SUCCESS
        self._outage.note(f"{refusal}; meanwhile spans are dropped, and no task waits")
        return SpanExportResult.FAILURE

    def refusal(self, spans: Sequence[ReadableSpan] = ()) -> str | None:
        """Why it does not take these; None where it does."""
        self._complaint.text = ""
        if self._exporter.export(spans) is SpanExportResult.SUCCESS:
            return None
        return self._complaint.text or "for no reason that is known"

    def shutdown(self) -> None:
        self._exporter.shutdown()
        logging.getLogger(EXPORTERS_LOG).removeHandler(self._complaint)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def refusal() -> str | None:
    """Why the collector that OpenTelemetry's variables name takes no spans; None where it does."""
    collector = Collector(OTLPSpanExporter(timeout=PROBE_SECONDS))
    try:
        return collector.refusal()
    finally:
        collector.shutdown()
