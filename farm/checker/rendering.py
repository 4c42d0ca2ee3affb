"""An accepted query in another dialect: transpiled, and checked as if the model had written it so."""

from collections.abc import Callable
from dataclasses import replace

from farm.sql.assess import key_of
from farm.sql.schema import Schema
from farm.sql.translation.schema_ddl import ddl_in
from farm.sql.translation.transpile import Untranslatable, transpile
from farm.sql.verdict import Candidate, Finding, Verdict
from farm.targets.target import Dialect, Target

SHOWN_CHARS = 1_000


def rendered_target(target: Target, schema: Schema, dialect: Dialect) -> Target:
    """The target as it would be in another dialect, without a database of its own."""
    return Target(name=f"{target.name} in {dialect}", dialect=dialect, ddl=ddl_in(schema, dialect))


def render(
    candidate: Candidate, schema: Schema, output: Schema, check: Callable[[str], Verdict]
) -> Candidate:
    """The candidate with its query `rendered` for the `output` schema, which `check` accepts.

    Where that cannot be had, the candidate is refused for that, in words that help to repair it.
    """
    verdict = candidate.verdict
    if verdict.objections:
        return candidate
    try:
        sql = transpile(candidate.sql, schema, output.rules.name)
    except Untranslatable as error:
        refused = replace(verdict, findings=(*verdict.findings, *error.findings))
        return Candidate(sql=candidate.sql, verdict=refused)
    again = check(sql)
    told = (_told(finding, sql, output.rules.name) for finding in again.findings)
    both = Verdict(
        findings=(*verdict.findings, *told),
        dry_run=again.dry_run,
        elapsed_ms=verdict.elapsed_ms + again.elapsed_ms,
    )
    if both.objections:
        return Candidate(sql=candidate.sql, verdict=both)
    return replace(candidate, verdict=both, rendered=sql, canonical_key=key_of(sql, output))


def _told(finding: Finding, sql: str, dialect: str) -> Finding:
    """A finding on the query in the other dialect; its place is not one of the text that was written."""
    shown = sql if len(sql) <= SHOWN_CHARS else f"{sql[: SHOWN_CHARS - 1]}…"
    hint = finding.hint or f"write it so that {dialect} can say the same"
    message = f"in {dialect}: {finding.message}"
    return replace(finding, message=message, line=None, column=None, hint=f"{hint}; there it is: {shown}")
