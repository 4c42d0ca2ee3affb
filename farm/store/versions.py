"""Versions of accepted queries: what somebody corrected, and what stood there before.

A query that nobody corrected has none: it is as the model wrote it, its version 1. With the first correction
that one is kept, too, so that the history is whole.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from farm.errors import BadInput
from farm.sql.verdict import Candidate, Verdict
from farm.store import lineages
from farm.store.engine import now
from farm.store.once import insert_once
from farm.store.reports import Report
from farm.store.tables import CandidateRow, QueryColumnRow, QueryRow, QueryTableRow, QueryVersionRow
from farm.targets.target import Target


class Overtaken(BadInput):
    """Somebody else has corrected the query since it was read; `version` is theirs."""

    def __init__(self, query_id: int, version: int) -> None:
        super().__init__(
            f"query {query_id} was corrected by somebody else meanwhile and is at version {version}; "
            "look at that one, and correct it again"
        )
        self.version = version


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """What a query said from `created_at` on; `author` None: the model. `original_sql` as in a report."""

    version: int
    sql: str
    original_sql: str | None
    author: str | None
    note: str
    verdict: Verdict
    dry_run: str | None
    schema_fingerprint: str
    created_at: datetime


def history(connection: Connection, query_id: int) -> list[Version]:
    """All versions of a query, the newest first; none where nobody has corrected it."""
    names = Version.__slots__
    columns = [getattr(QueryVersionRow, name) for name in names]
    query = select(*columns).where(QueryVersionRow.query_id == query_id)
    rows = connection.execute(query.order_by(QueryVersionRow.version.desc()))
    return [Version(**{**row._mapping, "verdict": Verdict.from_dict(row.verdict)}) for row in rows]


def save(
    connection: Connection, report: Report, chosen: Candidate, target: Target, *, author: str, note: str
) -> int:
    """Make an accepted candidate the new version of `report`; returns its number.

    Its tables and columns are replaced with it. Raises Overtaken where the query has moved on since `report`
    was read.
    """
    number, at = report.version + 1, now()
    said = _said(chosen, target) | {"schema_fingerprint": target.fingerprint}
    current = (QueryRow.id == report.id, QueryRow.version == report.version)
    written = _languages(chosen, target)
    again = {"rechecked_at": None, "rechecked_fingerprint": None, "recheck": None}
    values = {**said, **written, **again, "version": number, "author": author}
    if connection.execute(update(QueryRow).where(*current).values(values)).rowcount != 1:
        raise Overtaken(report.id, connection.scalar(_version_of(report.id)) or report.version)
    if report.version == 1:
        insert_once(connection, QueryVersionRow, [_first(connection, report)])
    row = {"query_id": report.id, "version": number, "author": author, "note": note, "created_at": at}
    connection.execute(insert(QueryVersionRow).values(**row, **said, verdict=chosen.verdict.to_dict()))
    _trace(connection, report, said["lineage"])
    return number


def recheck(connection: Connection, report: Report, verdict: Verdict, fingerprint: str) -> None:
    """Keep what the checks say of a query now that its target has the schema of this fingerprint."""
    current = (QueryRow.id == report.id, QueryRow.version == report.version)
    values = {"rechecked_at": now(), "rechecked_fingerprint": fingerprint, "recheck": verdict.to_dict()}
    connection.execute(update(QueryRow).where(*current).values(values))


def _said(chosen: Candidate, target: Target) -> dict[str, Any]:
    """What a query and its version have in common."""
    return {
        "sql": chosen.rendered or chosen.sql,
        "original_sql": None if chosen.rendered is None else chosen.sql,
        "dry_run": chosen.verdict.dry_run,
        "canonical_key": chosen.canonical_key,
        "lineage": None if chosen.lineage is None else chosen.lineage.to_dict(),
    }


def _languages(chosen: Candidate, target: Target) -> dict[str, str | None]:
    if chosen.rendered is None:
        return {"dialect": target.dialect, "original_dialect": None}
    return {"dialect": target.output_dialect, "original_dialect": target.dialect}


def _version_of(query_id: int) -> Any:
    return select(QueryRow.version).where(QueryRow.id == query_id)


def _first(connection: Connection, report: Report) -> dict[str, Any]:
    """The query as the model wrote it, with the verdict that it was accepted by."""
    judged = select(CandidateRow.verdict).where(
        CandidateRow.task_id == report.task_id,
        CandidateRow.call_no == report.call_no,
        CandidateRow.accepted.is_(True),
    )
    verdict = connection.scalar(judged.order_by(CandidateRow.position.desc()).limit(1))
    return {
        "query_id": report.id,
        "version": 1,
        "sql": report.sql,
        "original_sql": report.original_sql,
        "author": None,
        "note": "",
        "verdict": verdict or Verdict(dry_run=report.dry_run).to_dict(),
        "dry_run": report.dry_run,
        "schema_fingerprint": report.schema_fingerprint,
        "canonical_key": report.canonical_key,
        "lineage": None if report.lineage is None else report.lineage.to_dict(),
        "created_at": report.created_at,
    }


def _trace(connection: Connection, report: Report, lineage: dict[str, Any] | None) -> None:
    for table in (QueryTableRow, QueryColumnRow):
        connection.execute(delete(table).where(table.query_id == report.id))
    lineages.save(connection, [{"task_id": report.task_id, "lineage": lineage}])
