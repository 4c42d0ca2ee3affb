"""What people say of an accepted query: its title, a star, whether it is good or bad."""

from typing import Any

from sqlalchemy import Connection, update

from farm.errors import BadInput
from farm.storable import comparable
from farm.store.engine import now
from farm.store.tables import QueryRow

MARKS = ("good", "bad")
TITLE_LIMIT_CHARS = 200


def star(connection: Connection, query_id: int, *, starred: bool) -> None:
    """Star a query, or take its star away. One that has a star keeps the time of it."""
    if starred:
        unstarred = (QueryRow.id == query_id, QueryRow.starred_at.is_(None))
        connection.execute(update(QueryRow).where(*unstarred).values(starred_at=now()))
    else:
        _set(connection, query_id, starred_at=None)


def mark(connection: Connection, query_id: int, judged: str | None) -> None:
    """Judge a query 'good' or 'bad', or neither (None); raises BadInput for anything else."""
    if judged is not None and judged not in MARKS:
        raise BadInput(f"{judged!r:.40} is no mark; queries are marked {' or '.join(MARKS)}")
    _set(connection, query_id, mark=judged)


def entitle(connection: Connection, query_id: int, title: str) -> None:
    """Give a query a title beside its question; an empty one takes it away. Raises BadInput if too long."""
    kept = " ".join(comparable(title).split())
    if len(kept) > TITLE_LIMIT_CHARS:
        raise BadInput(
            f"the title has {len(kept):,} characters; {TITLE_LIMIT_CHARS} are the most, so shorten it"
        )
    _set(connection, query_id, title=kept or None)


def _set(connection: Connection, query_id: int, **values: Any) -> None:
    connection.execute(update(QueryRow).where(QueryRow.id == query_id).values(values))
