"""Saying how a run went: one line for people, one JSON object for programs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.harness.audit import Verdict
from benchmarks.harness.schedule import KILLS, OUTAGES, STALLS, Kind

OFFENCES = ("lost", "doubled", "unsettled", "wrong", "miscounted", "after_persist", "overtaken", "outside")
SHOWN = 10
ALL_OUTAGES = tuple(dict.fromkeys(kind for kinds in OUTAGES.values() for kind in kinds))


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A run in figures. `restarts` are the farms' own ends that nobody had killed them for."""

    store: str
    redis: str
    seed: int
    seconds: float
    applied: Mapping[Kind, int]
    gave_up: int
    refused_enqueues: int
    verdict: Verdict

    @property
    def ok(self) -> bool:
        return self.verdict.ok

    def line(self) -> str:
        """The one line."""
        verdict = self.verdict
        return (
            f"{'OK' if self.ok else 'FAILED'}: {self.store}, seed {self.seed}, {self.seconds:.0f} s; "
            f"tasks {verdict.tasks}; {self._group('kills', KILLS)}; {self._group('stalls', STALLS)}; "
            f"wipes {self.applied.get(Kind.WIPE_REDIS, 0)}; {self._group('outages', ALL_OUTAGES)}; "
            f"lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, unsettled {len(verdict.unsettled)}, "
            f"wrong {len(verdict.wrong)}, miscounted {len(verdict.miscounted)}; payments {verdict.payments}, "
            f"extra inside the call window {len(verdict.inside)}, outside {len(verdict.outside)}, "
            f"overtaken {len(verdict.overtaken)}, paid after persist {len(verdict.after_persist)}"
        )

    def _group(self, name: str, kinds: tuple[Kind, ...]) -> str:
        counts = Counter({kind: self.applied.get(kind, 0) for kind in kinds})
        parts = ", ".join(f"{kind} {count}" for kind, count in counts.items() if count)
        return f"{name} {counts.total()}" + (f" ({parts})" if parts else "")

    def offences(self) -> list[str]:
        """The first of each kind, in words."""
        return [
            f"{kind.replace('_', ' ')}: {words}"
            for kind in OFFENCES
            for words in getattr(self.verdict, kind)[:SHOWN]
        ]

    def json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "ok": self.ok,
            "store": self.store,
            "redis": self.redis,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "faults": {kind.value: count for kind, count in self.applied.items()},
            "kills": sum(self.applied.get(kind, 0) for kind in KILLS),
            "stalls": sum(self.applied.get(kind, 0) for kind in STALLS),
            "wipes": self.applied.get(Kind.WIPE_REDIS, 0),
            "outages": sum(self.applied.get(kind, 0) for kind in ALL_OUTAGES),
            "farms_gave_up": self.gave_up,
            "refused_enqueues": self.refused_enqueues,
            **asdict(self.verdict),
        }
