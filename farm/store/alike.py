"""Which accepted queries differ in spelling alone: those of one target with one canonical key."""

from sqlalchemy import Connection, ScalarSelect, func, select
from sqlalchemy.orm import aliased

from farm.store.tables import BatchItemRow, QueryRow

_Earlier = aliased(QueryRow)

FIRST_ALIKE: ScalarSelect[int | None] = (
    select(func.min(_Earlier.id))
    .where(
        _Earlier.target == QueryRow.target,
        _Earlier.canonical_key == QueryRow.canonical_key,
        _Earlier.id < QueryRow.id,
    )
    .correlate(QueryRow)
    .scalar_subquery()
)
"""The id of the first query that says the same as a row of `queries`; NULL for that one itself."""


def duplicates(connection: Connection, batch_id: int) -> int:
    """How many tasks of a batch gave a query that was there before, up to its spelling."""
    in_batch = select(BatchItemRow.task_id).where(BatchItemRow.batch_id == batch_id)
    alike = select(func.count()).select_from(QueryRow)
    alike = alike.where(QueryRow.task_id.in_(in_batch), FIRST_ALIKE.is_not(None))
    return connection.execute(alike).scalar_one()
