"""The part of a schema that a failed query is about: a few tables with their columns, and how they join."""

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from farm.prompt import glossary, linking
from farm.prompt.schema import SchemaText, Table
from farm.prompt.schema_text import read_schema
from farm.sql.words import words

MOST_TABLES = 6
MOST_COLUMNS = 40
READ_CHARS = 2_000
MOST_JOINS = 8
WORD = re.compile(r"\w+")
ALIAS = re.compile(
    r"(?:\b(?:FROM|JOIN)\s+|,\s*)"  # a table
    r'(?=(?:\w+\.)?"?(\w+)"?\s+(?:AS\s+)?(\w+))',  # and what stands behind it
    re.IGNORECASE,
)
NO_ALIAS = words(
    "from as on where join left right inner outer full cross natural group order having limit using union "
    "set asc desc"
)
KEY_NAME = re.compile(r"(?:id|key|code|no|num)$", re.IGNORECASE)
NAMES_ONLY = 60
# Ways between tables are searched for up to here: it takes time with the square of their number.
SEARCHED_TABLES = 300


def excerpt(ddl: str, sql: str, *, question: str = "", notes: str = "", nearest: Iterable[str] = ()) -> str:
    """Lines `table(column, …)` and join conditions, of the tables that the query and the question name, those
    that have a column which comes near, and those on the way between them; empty where none is recognised.
    Behind a table stands the alias that the query gives it."""
    schema = read_schema(ddl)
    sql = sql[:READ_CHARS]
    found = _tables(schema, sql, question[:READ_CHARS], notes, frozenset(_last_parts(nearest)))
    by_name = {table.name: table for table in schema.tables}
    aliases = aliases_in(sql)
    lines = [_line(by_name[name], aliases.get(name.lower(), "")) for name in found]
    if schema.foreign_keys:
        joins = [f"JOIN ON {key.condition}" for key in linking.direct_keys(found, schema)]
    else:
        joins = [f"JOIN ON {condition}" for condition in _alike([by_name[name] for name in found])]
    return "\n".join([*lines, *dict.fromkeys(joins[:MOST_JOINS])])


def _alike(tables: Sequence[Table]) -> Iterable[str]:
    """Conditions on columns of one name that reads like a key's, for a schema that declares none."""
    for one, other in combinations(tables, 2):
        names = {column.name for column in other.columns}
        for column in one.columns:
            if column.name in names and KEY_NAME.search(column.name):
                yield f"{one.name}.{column.name} = {other.name}.{column.name}"


def aliases_in(sql: str) -> dict[str, str]:
    """The first alias that a query gives to each table, by the table's name in small letters."""
    found: dict[str, str] = {}
    for match in ALIAS.finditer(sql):
        if match[2].lower() not in NO_ALIAS:
            found.setdefault(match[1].lower(), match[2])
    return found


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


def _line(table: Table, alias: str) -> str:
    names = [column.name for column in table.columns]
    more = ", …" if len(names) > MOST_COLUMNS else ""
    called = f" AS {alias}" if alias else ""
    return f"{table.name}{called}({', '.join(names[:MOST_COLUMNS])}{more})"
