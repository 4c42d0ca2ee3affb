"""The part of a schema that a failed query is about: a few tables with their columns, and how they join."""

import re
from collections.abc import Iterable, Sequence

from farm.prompt import glossary, linking
from farm.prompt.schema import ForeignKey, SchemaText, Table
from farm.prompt.schema_text import read_schema

MOST_TABLES = 6
MOST_COLUMNS = 40
READ_CHARS = 2_000
WORD = re.compile(r"\w+")
NAMES_ONLY = 60
# Ways between tables are searched for up to here: it takes time with the square of their number.
SEARCHED_TABLES = 300


def excerpt(ddl: str, sql: str, *, question: str = "", notes: str = "", nearest: Iterable[str] = ()) -> str:
    """Lines `table(column, …)` and join conditions, of the tables that the query and the question name, those
    that have a column which comes near, and those on the way between them; empty where none is recognised."""
    schema = read_schema(ddl)
    found = _tables(schema, sql[:READ_CHARS], question[:READ_CHARS], notes, frozenset(_last_parts(nearest)))
    by_name = {table.name: table for table in schema.tables}
    lines = [_line(by_name[name]) for name in found]
    keys = linking.direct_keys(found, schema)
    return "\n".join([*lines, *(_joined(key) for key in dict.fromkeys(keys))])


def table_names(ddl: str) -> str:
    """All tables, for a query that names one that is not there; the first 60 of a large schema."""
    names = [table.name for table in read_schema(ddl).tables]
    return ", ".join(names[:NAMES_ONLY]) + (", …" if len(names) > NAMES_ONLY else "")


def _tables(schema: SchemaText, sql: str, question: str, notes: str, near: frozenset[str]) -> Sequence[str]:
    written = {word.lower() for word in WORD.findall(sql)}
    used = [table.name for table in schema.tables if table.name.lower() in written]
    terms = [term.text for term in glossary.terms(question, notes)]
    said = linking.tables(question, terms, schema)
    owners = [
        table.name
        for table in schema.tables
        if near & {table.name, *(column.name for column in table.columns)}
    ]
    chosen = list(dict.fromkeys([*used, *said, *owners]))[:MOST_TABLES]
    way = linking.path(chosen, schema) or [] if len(schema.tables) <= SEARCHED_TABLES else []
    return list(dict.fromkeys([*chosen, *(table for table, _ in way)]))[: MOST_TABLES + 2]


def _last_parts(names: Iterable[str]) -> Iterable[str]:
    return (name.rpartition(".")[2].strip('"`') for name in names)


def _line(table: Table) -> str:
    names = [column.name for column in table.columns]
    more = ", …" if len(names) > MOST_COLUMNS else ""
    return f"{table.name}({', '.join(names[:MOST_COLUMNS])}{more})"


def _joined(key: ForeignKey) -> str:
    return f"JOIN ON {key.condition}"
