"""Which queries read which tables and columns: kept beside the queries, to browse by."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, text

from farm.store.tables import QueryColumnRow, QueryRow, QueryTableRow

# for each database: the statements that read tables and columns out of the lineage of queries
_SAVE = {
    dialect: [text(sql).bindparams(bindparam("task_ids", expanding=True)) for sql in statements]
    for dialect, statements in {
        "sqlite": (
            """
            INSERT INTO query_tables (query_id, table_name)
            SELECT q.id, e.value FROM queries q, json_each(q.lineage, '$.tables') e
            WHERE q.task_id IN :task_ids ON CONFLICT DO NOTHING
            """,
            """
            INSERT INTO query_columns (query_id, table_name, column_name)
            SELECT q.id, json_extract(e.value, '$.table'), json_extract(e.value, '$.column')
            FROM queries q, json_each(q.lineage, '$.columns') e
            WHERE q.task_id IN :task_ids ON CONFLICT DO NOTHING
            """,
        ),
        "postgresql": (
            """
            INSERT INTO query_tables (query_id, table_name)
            SELECT q.id, e.value
            FROM queries q CROSS JOIN json_array_elements_text(q.lineage -> 'tables') AS e
            WHERE q.task_id IN :task_ids ON CONFLICT DO NOTHING
            """,
            """
            INSERT INTO query_columns (query_id, table_name, column_name)
            SELECT q.id, e.value ->> 'table', e.value ->> 'column'
            FROM queries q CROSS JOIN json_array_elements(q.lineage -> 'columns') AS e
            WHERE q.task_id IN :task_ids ON CONFLICT DO NOTHING
            """,
        ),
    }.items()
}


def save(connection: Connection, queries: Sequence[dict[str, Any]]) -> None:
    """Keep the tables and columns of queries that were just inserted, out of their `lineage`.

    The database reads them out of its own row: two statements for a whole group of queries.
    """
    traced = [query["task_id"] for query in queries if query.get("lineage") is not None]
    if traced:
        for statement in _SAVE[connection.dialect.name]:
            connection.execute(statement, {"task_ids": traced})


def reads_table(connection: Connection, table: str) -> ColumnElement[bool]:
    """A condition on `queries`: those that read this table, in small or capital letters."""
    names = _spellings(connection, QueryTableRow.table_name, table)
    return QueryRow.id.in_(select(QueryTableRow.query_id).where(QueryTableRow.table_name.in_(names)))


def reads_column(connection: Connection, column: str) -> ColumnElement[bool]:
    """The same for a column, `orders.total`, or `total` of whichever table."""
    table, _, name = column.rpartition(".")
    chosen = select(QueryColumnRow.query_id).where(
        QueryColumnRow.column_name.in_(_spellings(connection, QueryColumnRow.column_name, name))
    )
    if table:
        names = _spellings(connection, QueryTableRow.table_name, table)
        chosen = chosen.where(QueryColumnRow.table_name.in_(names))
    return QueryRow.id.in_(chosen)


def _spellings(connection: Connection, names: Any, wanted: str) -> list[str]:
    """How schemas spell a name: there are few, so that letters are folded in few places."""
    known = select(names.label("name")).distinct().subquery()
    return list(connection.scalars(select(known.c.name).where(func.lower(known.c.name) == wanted.lower())))
