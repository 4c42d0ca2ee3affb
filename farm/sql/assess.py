"""From a raw answer to judged candidates: extraction, static checks, the engine's dry run."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from farm.sql.answers.extract import candidates
from farm.sql.canonical.key import canonical_key
from farm.sql.checks import check_subject
from farm.sql.codes import DECIDED_BY_ENGINE
from farm.sql.engine_error import engine_finding
from farm.sql.schema import Schema
from farm.sql.subject import Subject
from farm.sql.tracing import lineage
from farm.sql.verdict import Candidate, Finding, Severity, Verdict, best

DryRun = Callable[[str], str | None]
Found = TypeVar("Found")


def assess(
    answer_text: str,
    schema: Schema,
    dry_run: DryRun | None = None,
    dry_run_name: str | None = None,
) -> tuple[Candidate, ...]:
    """Judge what an answer contains, in the order tried, stopping at the first accepted one (then the last).

    Never empty: an answer without SQL gives one candidate with an empty text and the finding `no_sql`.
    `dry_run` takes a query and returns the engine's error message, or None when the engine accepts it.
    """
    judged: list[Candidate] = []
    for sql in candidates(answer_text):
        judged.append(_judged(Subject(sql, schema), dry_run, dry_run_name))
        if not judged[-1].verdict.objections:
            break
    return tuple(judged) or (Candidate(sql="", verdict=_no_sql(answer_text)),)


def judge(
    sql: str, schema: Schema, dry_run: DryRun | None = None, dry_run_name: str | None = None
) -> Verdict:
    """One query's verdict. The engine is asked only once nothing but names can be wrong, and then decides."""
    return _verdict(Subject(sql, schema), dry_run, dry_run_name)


def _judged(subject: Subject, dry_run: DryRun | None, dry_run_name: str | None) -> Candidate:
    verdict = _verdict(subject, dry_run, dry_run_name)
    if verdict.objections:
        return Candidate(sql=subject.sql, verdict=verdict)
    return Candidate(
        sql=subject.sql,
        verdict=verdict,
        canonical_key=_found(canonical_key, subject),
        lineage=_found(lineage, subject),
    )


def judged(
    sql: str, schema: Schema, dry_run: DryRun | None = None, dry_run_name: str | None = None
) -> Candidate:
    """One query as it is, with its verdict; and, where nothing speaks against it, its key and lineage."""
    return _judged(Subject(sql, schema), dry_run, dry_run_name)


def key_of(sql: str, schema: Schema) -> str | None:
    """The canonical key of an accepted query; None where the parser does not understand it."""
    return _found(canonical_key, Subject(sql, schema))


def _found(find: Callable[[Subject], Found], subject: Subject) -> Found | None:
    try:
        return find(subject)
    except Exception:  # an engine may accept what the parser does not understand
        return None


def _verdict(subject: Subject, dry_run: DryRun | None, dry_run_name: str | None) -> Verdict:
    started = time.perf_counter()
    findings = check_subject(subject)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    asked = dry_run is not None and all(error.code in DECIDED_BY_ENGINE for error in errors)
    if dry_run is not None and asked:
        refusal = dry_run(subject.sql)
        findings = _reconciled(findings, refusal, subject.sql, subject.schema)
    elapsed_ms = (time.perf_counter() - started) * 1000
    return Verdict(findings=findings, dry_run=dry_run_name if asked else None, elapsed_ms=elapsed_ms)


def _reconciled(
    findings: tuple[Finding, ...], refusal: str | None, sql: str, schema: Schema
) -> tuple[Finding, ...]:
    """What the engine accepts stands, with the static errors as warnings; what it refuses is explained."""
    if refusal is None:
        return tuple(replace(finding, severity=Severity.WARNING) for finding in findings)
    if any(finding.severity is Severity.ERROR for finding in findings):
        return findings
    return (*findings, engine_finding(refusal, sql, schema))


def _no_sql(answer_text: str) -> Verdict:
    said = "the answer is empty" if not answer_text.strip() else "the answer contains no SQL query"
    return Verdict(findings=(Finding(code="no_sql", message=said, hint="answer with one SELECT statement"),))


__all__ = ["DryRun", "assess", "best", "judge", "judged", "key_of"]
