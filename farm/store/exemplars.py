"""Queries that people judged good, to learn from: their questions and SQL."""

from sqlalchemy import Connection, func, or_, select

from farm.store.tables import QueryRow

LIMIT = 200
LOOKED_AT = 5_000
"""Of the queries that were marked good, whichever their target, so many are looked at, the newest."""


def good(connection: Connection, target: str, fingerprint: str, limit: int = LIMIT) -> list[tuple[str, str]]:
    """Questions and SQL, in the target's own dialect, of queries for it that are marked good; newest first.

    Only those that fit the schema of this fingerprint: accepted for it, or checked again and still good.
    """
    marked = select(QueryRow.id).where(QueryRow.mark == "good").order_by(QueryRow.id.desc()).limit(LOOKED_AT)
    fits = or_(QueryRow.schema_fingerprint == fingerprint, QueryRow.rechecked_fingerprint == fingerprint)
    query = (
        select(
            QueryRow.question,
            func.coalesce(QueryRow.original_sql, QueryRow.sql).label("own_sql"),
            QueryRow.rechecked_fingerprint,
            QueryRow.recheck,
        )
        .where(QueryRow.id.in_(marked.scalar_subquery()), QueryRow.target == target, fits)
        .order_by(QueryRow.id.desc())
        .limit(limit)
    )
    return [
        (row.question, row.own_sql)
        for row in connection.execute(query)
        if row.rechecked_fingerprint != fingerprint or row.recheck["accepted"]
    ]
