"""Tags of accepted queries: those that their tasks came with, and what people add or take away."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, delete, select, text

from farm.errors import BadInput
from farm.storable import comparable
from farm.store.once import insert_once
from farm.store.tables import QueryTagRow

LENGTH_LIMIT_CHARS = 60
TAGS_LIMIT = 50

# for each database: the statement that reads the tags out of the tasks of queries; no index of Postgres takes
# tags of any length, so that the longest stay with their tasks
_SAVE = {
    dialect: text(sql).bindparams(bindparam("task_ids", expanding=True))
    for dialect, sql in {
        "sqlite": """
            INSERT INTO query_tags (query_id, tag)
            SELECT q.id, e.value FROM queries q JOIN tasks t ON t.id = q.task_id, json_each(t.tags) e
            WHERE q.task_id IN :task_ids AND t.tags <> '[]' AND length(e.value) <= 500 ON CONFLICT DO NOTHING
            """,
        "postgresql": """
            INSERT INTO query_tags (query_id, tag)
            SELECT q.id, e.value FROM queries q JOIN tasks t ON t.id = q.task_id
            CROSS JOIN json_array_elements_text(t.tags) AS e
            WHERE q.task_id IN :task_ids AND t.tags::text <> '[]' AND length(e.value) <= 500
            ON CONFLICT DO NOTHING
            """,
    }.items()
}


def save(connection: Connection, task_ids: Collection[int]) -> None:
    """Keep the tags of tasks whose queries were just accepted: one statement for a whole group of them."""
    connection.execute(_SAVE[connection.dialect.name], {"task_ids": list(task_ids)})


def named(tag: str) -> str:
    """A tag without the space around and within it; raises BadInput for what is none."""
    kept = " ".join(comparable(tag).split())
    if not kept or len(kept) > LENGTH_LIMIT_CHARS or "," in kept:
        raise BadInput(
            f"{tag!r:.80} is no tag; write 1 to {LENGTH_LIMIT_CHARS} characters, and no comma among them"
        )
    return kept


def add(connection: Connection, query_id: int, tag: str) -> bool:
    """Give a query a tag; False: it had it. Raises BadInput for what is no tag, and for too many of them."""
    kept = named(tag)
    had = connection.scalars(select(QueryTagRow.tag).where(QueryTagRow.query_id == query_id)).all()
    if kept not in had and len(had) >= TAGS_LIMIT:
        raise BadInput(f"query {query_id} has {TAGS_LIMIT} tags already; take one away first")
    insert_once(connection, QueryTagRow, [{"query_id": query_id, "tag": kept}])
    return kept not in had


def remove(connection: Connection, query_id: int, tag: str) -> bool:
    """Take a tag away; False: it was not there. It is taken as it stands: a task's may be any text."""
    if "\0" in tag:  # which Postgres does not even compare
        return False
    one = delete(QueryTagRow).where(QueryTagRow.query_id == query_id, QueryTagRow.tag == tag)
    return connection.execute(one).rowcount == 1
