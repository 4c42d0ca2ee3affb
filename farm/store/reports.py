"""The read side for people: accepted queries, and where each came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from farm.sql.lineage import Lineage
from farm.sql.verdict import Verdict
from farm.store.alike import FIRST_ALIKE
from farm.store.lineages import reads_column, reads_table
from farm.store.search import among, holds
from farm.store.tables import AnswerRow, CandidateRow, QueryRow, QueryTableRow, QueryTagRow, TaskRow

PAGE = 1_000
TABLES_LOOKED_AT = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """An accepted query.

    `same_as` is the first query for the target that differs from this one in spelling alone, None for that
    one. `canonical_key`, which they share, and `lineage` are None for queries that earlier versions accepted.
    `original_sql` and `original_dialect` are what the model wrote, where `sql` is that in another dialect.
    `mark` is 'good' or 'bad', `author` who corrected it last (None: as the model wrote it), and `recheck` the
    verdict of its last check against a later schema, with that schema's fingerprint.
    """

    id: int
    task_id: int
    question: str
    target: str
    dialect: str
    sql: str
    model: str
    call_no: int
    dry_run: str | None
    prompt_version: str
    schema_fingerprint: str
    created_at: datetime
    canonical_key: str | None = None
    lineage: Lineage | None = None
    original_sql: str | None = None
    original_dialect: str | None = None
    same_as: int | None = None
    title: str | None = None
    starred_at: datetime | None = None
    mark: str | None = None
    version: int = 1
    author: str | None = None
    rechecked_at: datetime | None = None
    rechecked_fingerprint: str | None = None
    recheck: Verdict | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One model call of a task, with the verdicts on what it held."""

    call_no: int
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    latency_ms: float
    finish_reason: str
    prompt_version: str
    prompt_hash: str
    created_at: datetime
    candidates: tuple[tuple[str, Verdict], ...] = ()


_REPORTS = select(*QueryRow.__table__.columns, FIRST_ALIKE.label("same_as"))


def find(
    connection: Connection,
    *,
    search: str | None = None,
    target: str | None = None,
    table: str | None = None,
    column: str | None = None,
    unique: bool = False,
    limit: int | None = None,
) -> Iterator[Report]:
    """Accepted queries, newest first, whose title, question or SQL holds every word of `search`.

    The last word may be a beginning; see farm.store.search.

    `table` and `column` (`orders.total`, or `total` of whichever table) keep those that read them; `unique`,
    of those that differ in spelling alone, only the first.
    """
    query = _REPORTS.order_by(QueryRow.id.desc())
    if table is not None:
        query = query.where(reads_table(connection, table))
    if column is not None:
        query = query.where(reads_column(connection, column))
    if unique:
        query = query.where(FIRST_ALIKE.is_(None))
    if target is not None:
        query = query.where(QueryRow.target == target)
    query = query.where(*holds(connection.dialect.name, search or ""))
    yield from _stream(connection, query.limit(limit))


def _stream(connection: Connection, query: Select[Any]) -> Iterator[Report]:
    rows = connection.execution_options(yield_per=PAGE).execute(query)
    for row in rows:
        yield _report(row)


def _report(row: Any) -> Report:
    read = {
        "lineage": None if row.lineage is None else Lineage.from_dict(row.lineage),
        "recheck": None if row.recheck is None else Verdict.from_dict(row.recheck),
    }
    return Report(**{**row._mapping, **read})


def get(connection: Connection, query_id: int) -> Report | None:
    """The accepted query with this id."""
    row = connection.execute(_REPORTS.where(QueryRow.id == query_id)).one_or_none()
    return None if row is None else _report(row)


def of(connection: Connection, query_ids: Sequence[int]) -> list[Report]:
    """The accepted queries with these ids, in their order; those that are not there are left out."""
    rows = connection.execute(_REPORTS.where(among(connection.dialect.name, QueryRow.id, query_ids)))
    found = {row.id: _report(row) for row in rows}
    return [found[query_id] for query_id in query_ids if query_id in found]


def tags_of(connection: Connection, query_ids: Sequence[int]) -> dict[int, list[str]]:
    """The tags of accepted queries, in order; those without any are not in it."""
    chosen = among(connection.dialect.name, QueryTagRow.query_id, query_ids)
    query = select(QueryTagRow.query_id, QueryTagRow.tag).where(chosen).order_by(QueryTagRow.tag)
    found: dict[int, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.query_id, []).append(row.tag)
    return found


def alike(connection: Connection, report: Report, limit: int = 20) -> list[int]:
    """The ids of other queries for the target that differ from this one in spelling alone, oldest first."""
    if report.canonical_key is None:
        return []
    same = (QueryRow.target == report.target, QueryRow.canonical_key == report.canonical_key)
    query = select(QueryRow.id).where(*same, QueryRow.id != report.id).order_by(QueryRow.id)
    return list(connection.scalars(query.limit(limit)))


def related(connection: Connection, report: Report, limit: int = 6) -> list[Report]:
    """The newest other queries for the target that read a table which this one reads."""
    ids: set[int] = set()
    for name in report.lineage.tables[:TABLES_LOOKED_AT] if report.lineage else ():
        query = select(QueryTableRow.query_id).where(QueryTableRow.table_name == name)
        query = query.where(QueryTableRow.query_id != report.id).order_by(QueryTableRow.query_id.desc())
        ids.update(connection.scalars(query.limit(2 * limit)))
    others = of(connection, sorted(ids, reverse=True)[: 2 * limit])
    return [other for other in others if other.target == report.target][:limit]


def attempts(connection: Connection, task_id: int) -> list[Attempt]:
    """Every model call of a task, in order."""
    candidates: dict[int, list[tuple[str, Verdict]]] = {}
    for row in connection.execute(
        select(CandidateRow.call_no, CandidateRow.sql, CandidateRow.verdict)
        .where(CandidateRow.task_id == task_id)
        .order_by(CandidateRow.call_no, CandidateRow.position)
    ):
        candidates.setdefault(row.call_no, []).append((row.sql, Verdict.from_dict(row.verdict)))
    answers = connection.execute(
        select(
            AnswerRow.call_no,
            AnswerRow.model,
            AnswerRow.prompt_tokens,
            AnswerRow.completion_tokens,
            AnswerRow.cost_usd,
            AnswerRow.latency_ms,
            AnswerRow.finish_reason,
            AnswerRow.prompt_version,
            AnswerRow.prompt_hash,
            AnswerRow.created_at,
        )
        .where(AnswerRow.task_id == task_id)
        .order_by(AnswerRow.call_no)
    )
    return [Attempt(**row._mapping, candidates=tuple(candidates.get(row.call_no, ()))) for row in answers]


def count(connection: Connection) -> int:
    """How many queries were accepted."""
    return connection.execute(select(func.count()).select_from(QueryRow)).scalar_one()


def tags(connection: Connection, task_id: int) -> list[str]:
    """The tags of a task."""
    found: list[str] | None = connection.scalar(select(TaskRow.tags).where(TaskRow.id == task_id))
    return found or []
