"""A tracer whose spans a test can look at."""

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from farm.tracing.otel import OtelTracer


class Traced:
    """`tracer` to be handed over; `spans` are those that have ended, in the order of their ends."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer = OtelTracer(provider)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._kept.get_finished_spans()

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def named(self, name: str) -> ReadableSpan:
        """The only span of that name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def said(self, name: str) -> dict[str, Any]:
        """The attributes of the only span of that name."""
        return dict(self.named(name).attributes or {})

    def parents(self) -> set[tuple[str, str | None]]:
        """(span, the span around it) by name, of spans that all belong to one trace."""
        assert len({span.context.trace_id for span in self.spans}) == 1
        names = {span.context.span_id: span.name for span in self.spans}
        return {(span.name, names[span.parent.span_id] if span.parent else None) for span in self.spans}
