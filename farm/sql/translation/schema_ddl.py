"""A compiled schema as CREATE TABLE statements of another dialect."""

import re
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import SqlglotError

from farm.sql.dialect import Rules, rules_of
from farm.sql.schema import Schema, Table
from farm.sql.translation.spelling import Spelling

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9 ]*(\(\d+(, ?\d+)?\))?\Z")
_ANY = "TEXT"
_COUNTERS = {"bigserial": "bigint", "serial": "integer", "smallserial": "smallint"}
_KEY_CHARS = 255  # MySQL has no keys of unlimited text


def ddl_in(schema: Schema, dialect: str) -> str:
    """The tables, and views as tables, with their columns, types and primary keys.

    What has no known columns is left out. A type that the other dialect has no word for becomes TEXT.
    """
    rules = rules_of(dialect)
    spelling = Spelling.of(schema, rules)
    return "\n".join(
        _create(table, schema.rules, spelling) for table in schema.tables.values() if table.columns
    )


def _create(table: Table, source: Rules, spelling: Spelling) -> str:
    dialect = spelling.rules.name
    name = spelling.written(table.name).sql(dialect)
    if table.schema != source.default_schema:
        name = f"{spelling.written(table.schema).sql(dialect)}.{name}"
    lines = []
    for folded, column in (table.columns or {}).items():
        type_ = type_in(table.types.get(folded, ""), source.name, dialect)
        if dialect == "mysql" and type_ == _ANY and folded in table.primary_key:
            type_ = f"VARCHAR({_KEY_CHARS})"
        lines.append(f"{spelling.written(column).sql(dialect)} {type_}")
    if table.primary_key:
        key = (column for folded, column in (table.columns or {}).items() if folded in table.primary_key)
        lines.append(f"PRIMARY KEY ({', '.join(spelling.written(column).sql(dialect) for column in key)})")
    return f"CREATE TABLE {name} ({', '.join(lines)});"


@lru_cache(maxsize=1024)
def type_in(written: str, source: str, dialect: str) -> str:
    """The other dialect's word for a type."""
    try:
        plain = _COUNTERS.get(written.lower(), written)
        type_: str = exp.DataType.build(plain, dialect=source).sql(dialect)
    except (SqlglotError, ValueError, AttributeError):
        return _ANY
    if source == "sqlite" and type_.startswith("CHAR("):  # which SQLite does not fill with spaces
        type_ = f"VAR{type_}"
    if type_ == "VARBINARY":  # which MySQL wants a length for
        return "BLOB"
    return type_ if _TYPE.match(type_) else _ANY
