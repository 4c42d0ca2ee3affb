"""Spans of OpenTelemetry that are sent from a thread of their own, to a collector or stderr.

What waits to be sent is bounded by OTEL_BSP_MAX_QUEUE_SIZE; whatever does not fit, or cannot be sent, is
dropped. No work waits for it.
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import (
    PROCESS_PID,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace import Span as Recorded
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from farm import __version__
from farm.errors import BadSetting
from farm.tracing.collector import Collector
from farm.tracing.switch import Exporter
from farm.tracing.tracer import ERROR_TYPE, NONE, Attributes, Kind, Span

SERVICE = "sqlfarm"
LAST_SECONDS = 3.0
"""How long the end of a process waits for a collector."""

KINDS = {
    Kind.INTERNAL: SpanKind.INTERNAL,
    Kind.SERVER: SpanKind.SERVER,
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.CONSUMER: SpanKind.CONSUMER,
}

log = logging.getLogger(__name__)


class RecordedSpan:
    """A span of OpenTelemetry."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._failed = False

    @property
    def log_fields(self) -> Mapping[str, str]:
        context = self._recorded.get_span_context()
        return {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}

    def rename(self, name: str) -> None:
        self._recorded.update_name(name)

    def set(self, attributes: Attributes) -> None:
        self._recorded.set_attributes(attributes)

    def fail(self, kind: str) -> None:
        if not self._failed:  # what is told first is closer to the cause
            self._failed = True
            self._recorded.set_attribute(ERROR_TYPE, kind)
            self._recorded.set_status(StatusCode.ERROR)


class OtelTracer:
    """Spans of one provider, which `close` ends; they go to `collector`, if to one."""

    def __init__(self, provider: TracerProvider, collector: Collector | None = None) -> None:
        self._provider = provider
        self._collector = collector
        self._tracer = provider.get_tracer("sqlfarm")

    @contextmanager
    def span(self, name: str, attributes: Attributes = NONE, *, kind: Kind = Kind.INTERNAL) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name,
            kind=KINDS[kind],
            attributes=attributes,
            record_exception=False,  # messages of errors may quote what no span is to carry
            set_status_on_exception=False,
        ) as recorded:
            span = RecordedSpan(recorded)
            try:
                yield span
            except BaseException as error:
                span.fail(type(error).__name__)
                raise

    async def close(self) -> None:
        """Send what is left; a collector that is known to be away is not waited for.

        The SDK's own end may take half a minute, so it gets a thread that may be left behind.
        """
        last = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        last.start()
        if self._collector is not None and self._collector.is_away:
            return
        await asyncio.to_thread(last.join, LAST_SECONDS)
        if last.is_alive():
            log.warning("the last spans are dropped: their collector did not take them in %g s", LAST_SECONDS)


def sending(exporter: Exporter, instance: str) -> OtelTracer:
    """A tracer whose spans go where OpenTelemetry's variables say. Raises BadSetting for a wrong one."""
    try:
        provider = TracerProvider(resource=resource(instance), shutdown_on_exit=False)
        if exporter == "console":
            provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(out=sys.stderr)))
            return OtelTracer(provider)
        collector = Collector(OTLPSpanExporter())
        provider.add_span_processor(BatchSpanProcessor(collector))
        return OtelTracer(provider, collector)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        raise BadSetting(f"the OTEL_… variables cannot be used: {error}") from error


def resource(instance: str) -> Resource:
    """Who sends the spans; what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say goes before."""
    ours: dict[str, str | int] = {
        SERVICE_NAME: SERVICE,
        SERVICE_VERSION: __version__,
        SERVICE_INSTANCE_ID: instance,
        PROCESS_PID: os.getpid(),
    }
    return Resource.create(ours).merge(OTELResourceDetector().detect())
