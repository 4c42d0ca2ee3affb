"""What the checks said of one candidate query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from farm.sql.codes import NO_REPORT, STAGE_OF
from farm.sql.evidence import Evidence
from farm.sql.lineage import Lineage


class Severity(StrEnum):
    """An error rejects the candidate; a warning only informs."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One remark about a candidate. `line` and `column` count from 1; None where no place is known."""

    code: str
    message: str
    severity: Severity = Severity.ERROR
    line: int | None = None
    column: int | None = None
    nearest: tuple[str, ...] = ()
    hint: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Its fields by name."""
        return {
            "code": self.code,
            "message": self.message,
            "severity": self.severity,
            "line": self.line,
            "column": self.column,
            "nearest": self.nearest,
            "hint": self.hint,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """All findings on one candidate. `dry_run` names the engine that prepared it; None: none was at hand.
    `evidence` is there where the target wants it and the query could be run."""

    findings: tuple[Finding, ...] = ()
    dry_run: str | None = None
    elapsed_ms: float = 0.0
    evidence: Evidence | None = None

    @property
    def accepted(self) -> bool:
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def first_error(self) -> Finding | None:
        """The finding that rejected the candidate, or None when it was accepted."""
        return next((finding for finding in self.findings if finding.severity is Severity.ERROR), None)

    @property
    def objections(self) -> tuple[Finding, ...]:
        """What speaks against keeping the candidate as a report: errors, and warnings that it is none."""
        return tuple(
            finding
            for finding in self.findings
            if finding.severity is Severity.ERROR or finding.code in NO_REPORT
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON form that the store keeps and `--json` prints; `evidence` only where there is some."""
        said = {
            "accepted": self.accepted,
            "dry_run": self.dry_run,
            "findings": [finding.to_dict() for finding in self.findings],
            "ms": round(self.elapsed_ms, 3),
        }
        return said if self.evidence is None else {**said, "evidence": self.evidence.to_dict()}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        findings = tuple(
            Finding(**{**f, "severity": Severity(f["severity"]), "nearest": tuple(f["nearest"])})
            for f in value["findings"]
        )
        known = value.get("evidence")
        return cls(
            findings=findings,
            dry_run=value["dry_run"],
            elapsed_ms=value["ms"],
            evidence=None if known is None else Evidence.from_dict(known),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One query found in an answer (the model's own text, not a rewrite) and the verdict on it.

    `canonical_key` and `lineage` are there once it is accepted; so is `rendered`, the query in another
    dialect, where one is wanted.
    """

    sql: str
    verdict: Verdict
    canonical_key: str | None = None
    lineage: Lineage | None = None
    rendered: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form in which the checker process sends it."""
        return {
            "sql": self.sql,
            "verdict": self.verdict.to_dict(),
            "canonical_key": self.canonical_key,
            "lineage": None if self.lineage is None else self.lineage.to_dict(),
            "rendered": self.rendered,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        lineage = value["lineage"]
        return cls(
            sql=value["sql"],
            verdict=Verdict.from_dict(value["verdict"]),
            canonical_key=value["canonical_key"],
            lineage=None if lineage is None else Lineage.from_dict(lineage),
            rendered=value["rendered"],
        )


def best(candidates: Sequence[Candidate]) -> Candidate | None:
    """The candidate that nothing speaks against, else the one worth repairing: it came furthest through the
    checks. Of equals the first, since extraction puts the likeliest in front; None where there is none."""
    return max(candidates, key=_promise, default=None)


def _promise(candidate: Candidate) -> tuple[bool, int, int]:
    errors = [finding.code for finding in candidate.verdict.objections]
    return (
        not errors,
        min((STAGE_OF.get(code, 0) for code in errors), default=0),
        -len(errors),
    )
