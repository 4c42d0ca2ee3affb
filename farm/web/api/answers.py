"""Making answers out of the farm's own values."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from farm.sql.verdict import Finding, Verdict

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictAnswer:
    """What the checks say of a query; `dry_run` is the engine that prepared it."""

    accepted: bool
    dry_run: str | None
    findings: tuple[Finding, ...]
    ms: float
    evidence: dict[str, Any] | None = None

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictAnswer":
        return cls(
            accepted=verdict.accepted,
            dry_run=verdict.dry_run,
            findings=verdict.findings,
            ms=round(verdict.elapsed_ms, 3),
            evidence=None if verdict.evidence is None else verdict.evidence.to_dict(),
        )


def copied(kind: type[T], source: Any, **more: Any) -> T:
    """A dataclass `kind` with the values that `source` has under the same names, but for `more`."""
    own = {
        each.name: getattr(source, each.name)
        for each in fields(kind)  # type: ignore[arg-type]  # T is a dataclass, which typing cannot say
        if each.name not in more
    }
    return kind(**own, **more)
