"""The read side of targets for pages: what is known of each, and what reads its tables; bounded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, literal, select

from farm.store.tables import QueryRow, QueryTableRow, TargetRow

MOST_COUNTED = 10_000
NEWEST = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """A target as pages show it. `reports` is counted up to MOST_COUNTED; `updated_at` is of its schema."""

    name: str
    dialect: str
    ddl: str = field(repr=False)
    fingerprint: str
    notes: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    reports: int

    @property
    def has_more_reports(self) -> bool:
        """Whether there are more reports than were counted."""
        return self.reports >= MOST_COUNTED


_REPORTS = (
    select(func.count())
    .select_from(
        select(literal(1).label("one"))
        .where(QueryRow.target == TargetRow.name)
        .limit(MOST_COUNTED)
        .correlate(TargetRow)
        .subquery()
    )
    .correlate(TargetRow)
    .scalar_subquery()
)


def known(connection: Connection) -> list[Database]:
    """All targets, by name."""
    rows = connection.execute(_DATABASES.order_by(TargetRow.name))
    return [Database(**row._mapping) for row in rows]


def get(connection: Connection, name: str) -> Database | None:
    """The target of that name."""
    row = connection.execute(_DATABASES.where(TargetRow.name == name)).one_or_none()
    return None if row is None else Database(**row._mapping)


_DATABASES = select(*TargetRow.__table__.columns, _REPORTS.label("reports"))


def reports_by_table(connection: Connection, target: str, newest: int = NEWEST) -> Mapping[str, int]:
    """How many of a target's `newest` reports read each table, by the names that lineage gives them."""
    chosen = (
        select(QueryRow.id)
        .where(QueryRow.target == target)
        .order_by(QueryRow.id.desc())
        .limit(newest)
        .subquery()
    )
    rows = connection.execute(
        select(QueryTableRow.table_name, func.count().label("reports"))
        .where(QueryTableRow.query_id.in_(select(chosen.c.id)))
        .group_by(QueryTableRow.table_name)
    )
    return {row.table_name: row.reports for row in rows}
