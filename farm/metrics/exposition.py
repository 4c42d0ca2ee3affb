"""Writing metrics down: as OpenMetrics or in Prometheus' text format, whichever is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from farm.metrics.families import FAMILIES, PREFIX, Family, TimeFamily
from farm.store.observation import Observation

__all__ = ["Exposition", "expose"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposition:
    """The metrics as they are sent."""

    body: bytes
    content_type: str


def expose(seen: Observation | None, *, version: str, store: str, accept: str = "") -> Exposition:
    """The metrics of one look at the farm; None: its store does not answer, so that `sqlfarm_up` is 0.

    `store` is the kind of database that it is in; `accept` is the header of the request.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Looked(seen, version=version, store=store))
    encode, content_type = choose_encoder(accept)
    return Exposition(body=encode(registry), content_type=content_type)


class _Looked(Collector):
    """The samples of one look; there is no state, so any number of processes say the same."""

    def __init__(self, seen: Observation | None, *, version: str, store: str) -> None:
        self._seen = seen
        self._build = {"version": version, "store": store}

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            f"{PREFIX}up", "Whether the store answered (1) or not (0).", value=float(self._seen is not None)
        )
        yield InfoMetricFamily(
            f"{PREFIX}build", "The farm's version, and the kind of its store.", value=self._build
        )
        if self._seen is not None:
            for family in FAMILIES:
                yield _metric(family, self._seen)


def _metric(family: Family | TimeFamily, seen: Observation) -> Metric:
    if isinstance(family, TimeFamily):
        histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for times in family.times(seen):
            histogram.add_metric(times.labels, times.buckets, times.sum_seconds)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.help, labels=family.labels)
    for labels, value in family.samples(seen):
        metric.add_metric(labels, value)
    return metric
