"""Which runs still have the rows that accepted queries gave."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from farm.store.search import among
from farm.store.tables import QueryRow, RunRow


def latest(connection: Connection, query_ids: Sequence[int], *, kept_only: bool = False) -> dict[int, int]:
    """The newest run with rows of each query as it is now; a snapshot goes before others.

    By query id; queries without such a run are not in it. `kept_only`: snapshots alone.
    """
    snapshot = func.max(RunRow.id).filter(RunRow.kept_at.is_not(None)).label("snapshot")
    rows = connection.execute(
        select(RunRow.query_id, snapshot, func.max(RunRow.id).label("newest"))
        .join(QueryRow, (QueryRow.id == RunRow.query_id) & (QueryRow.version == RunRow.version))
        .where(among(connection.dialect.name, RunRow.query_id, query_ids), RunRow.rows.is_not(None))
        .group_by(RunRow.query_id)
    )
    found = {row.query_id: row.snapshot if kept_only else row.snapshot or row.newest for row in rows}
    return {query_id: run_id for query_id, run_id in found.items() if run_id is not None}
