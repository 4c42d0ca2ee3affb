"""Times until something works again, held against their targets. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """Seconds that one thing took, each time it was tried; infinity where it never came.

    `target_seconds` holds for the 99th percentile; None: measured, nothing promised. `left_out` says why
    there are no samples.
    """

    what: str
    samples: tuple[float, ...] = ()
    target_seconds: float | None = None
    left_out: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the target is kept, every try having come to an end; what was left out misses nothing."""
        if self.left_out is not None:
            return True
        limit = math.inf if self.target_seconds is None else self.target_seconds
        return bool(self.samples) and max(self.samples) < math.inf and self.p99 <= limit

    @property
    def p50(self) -> float:
        return percentile(self.samples, 50)

    @property
    def p99(self) -> float:
        return percentile(self.samples, 99)

    def row(self) -> tuple[str, ...]:
        """The cells of a table: what, n, p50, p99, max, target, verdict."""
        target = "" if self.target_seconds is None else f"≤ {self.target_seconds:g} s"
        if self.left_out is not None:
            return (self.what, "0", "", "", "", target, f"left out: {self.left_out}")
        if not self.samples:
            return (self.what, "0", "", "", "", target, "FAILED: never measured")
        times = (seconds(value) for value in (self.p50, self.p99, max(self.samples)))
        verdict = ("" if self.target_seconds is None else "ok") if self.ok else "MISSED"
        return (self.what, str(len(self.samples)), *times, target, verdict)

    def json(self) -> dict[str, Any]:
        """For programs; what never came is null."""
        return {
            "what": self.what,
            "samples": [None if sample == math.inf else round(sample, 4) for sample in self.samples],
            "target_seconds": self.target_seconds,
            "left_out": self.left_out,
            "ok": self.ok,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What `json` gave."""
        return cls(
            what=value["what"],
            samples=tuple(math.inf if sample is None else sample for sample in value["samples"]),
            target_seconds=value["target_seconds"],
            left_out=value["left_out"],
        )


def percentile(samples: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the least sample that `percent` of them do not exceed."""
    if not samples:
        raise ValueError("there is no percentile of nothing")
    return sorted(samples)[max(math.ceil(len(samples) * percent / 100), 1) - 1]


def seconds(value: float) -> str:
    """A time for people."""
    if value == math.inf:
        return "never"
    return f"{value * 1000:.0f} ms" if value < 0.1 else f"{value:.2f} s"


def summary(figures: Iterable[Figure], *, trouble: Sequence[str] = ()) -> dict[str, Any]:
    """Everything, for programs; `trouble` is what else went wrong, such as a query stored twice."""
    found = list(figures)
    return {
        "ok": not trouble and all(figure.ok for figure in found),
        "figures": [
            figure.json() | ({"p50": figure.p50, "p99": figure.p99} if figure.ok and figure.samples else {})
            for figure in found
        ],
        "trouble": list(trouble),
    }
