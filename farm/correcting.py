"""Correcting accepted queries by hand, and checking them again: by the checks that a model's answers meet."""

from dataclasses import dataclass, replace

from farm.checking import judged
from farm.errors import BadInput, Unavailable
from farm.settings import Settings
from farm.sql.verdict import Candidate, Finding, Verdict
from farm.storable import comparable
from farm.store import actions, versions
from farm.store.engine import Store
from farm.store.reports import Report
from farm.targets.target import DIALECTS, Target

NOTE_LIMIT_CHARS = 2_000
NOT_CHECKED = "could_not_check"


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What came of one: the `version` that it is now, or None where `verdict` speaks against it."""

    verdict: Verdict
    version: int | None = None


def correct(
    store: Store, settings: Settings, report: Report, target: Target, sql: str, *, note: str, author: str
) -> Correction:
    """Make `sql` the new version of `report`, if nothing speaks against it.

    It is written in the target's own dialect, and rewritten where the query is wanted in another one. Raises
    BadInput for what cannot be judged, Overtaken where the query has moved on since `report` was read.
    """
    said = tidy(sql)
    note = _note(note)
    if said == (report.original_sql or report.sql):
        raise BadInput("the SQL is the same as before; change it, or leave it")
    wanted = as_wanted(report, target)
    chosen = judged(said, wanted, settings=settings)
    verdict = _demanding(chosen, required=settings.require_dry_run)
    if verdict.objections:
        return Correction(verdict=verdict)
    with store.write() as connection:
        number = versions.save(connection, report, chosen, wanted, author=author, note=note)
        detail = {"query": report.id, "version": number, "note": note}
        actions.record(connection, actor=author, action="correct", detail=detail)
    return Correction(verdict=verdict, version=number)


def recheck(store: Store, settings: Settings, report: Report, target: Target, *, actor: str) -> Verdict:
    """What the checks say of a query with its target's schema as it is now; kept with the query.

    Raises Unavailable where it could not be checked, BadInput where the target's schema cannot be read.
    """
    verdict = judged(report.original_sql or report.sql, as_wanted(report, target), settings=settings).verdict
    first = verdict.first_error
    if first is not None and first.code == NOT_CHECKED:
        raise Unavailable(first.message)
    with store.write() as connection:
        versions.recheck(connection, report, verdict, target.fingerprint)
        detail = {"query": report.id, "accepted": verdict.accepted}
        actions.record(connection, actor=actor, action="recheck", detail=detail)
    return verdict


def is_stale(report: Report, fingerprint: str) -> bool:
    """Whether the target's schema, by its fingerprint now, is another than the query was checked with."""
    return fingerprint not in (report.schema_fingerprint, report.rechecked_fingerprint)


def tidy(sql: str) -> str:
    """SQL from a form, without a browser's line ends, the space around it and the semicolon at its end."""
    return sql.replace("\r\n", "\n").strip().rstrip(";").rstrip()


def as_wanted(report: Report, target: Target) -> Target:
    """The target, asked for queries in the dialect that the report is in."""
    if report.original_sql is None:
        return target
    other = next((dialect for dialect in DIALECTS if dialect == report.dialect), None)
    return replace(target, output_dialect=None if other == target.dialect else other)


def _note(note: str) -> str:
    kept = comparable(note.replace("\r\n", "\n")).strip()
    if len(kept) > NOTE_LIMIT_CHARS:
        raise BadInput(
            f"the note has {len(kept):,} characters; {NOTE_LIMIT_CHARS:,} are the most, so shorten it"
        )
    return kept


def _demanding(chosen: Candidate, *, required: bool) -> Verdict:
    verdict = chosen.verdict
    if verdict.objections or verdict.dry_run is not None or not required:
        return verdict
    finding = Finding(
        code="no_dry_run",
        message="no engine was at hand to prepare the query, and the settings require one",
        hint="give the target a URL, or turn FARM_REQUIRE_DRY_RUN off",
    )
    return replace(verdict, findings=(*verdict.findings, finding))
