"""Which columns a relation of the DDL has: its own, its parents', or those of its defining query."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from farm.sql.calls import keep_as_written, written
from farm.sql.ddl import Relation

if TYPE_CHECKING:
    from farm.sql.names.sources import Columns
    from farm.sql.schema import Schema


def output_columns(relation: Relation, schema: "Schema") -> Sequence[tuple[str, str]] | None:
    """(name, type) pairs with "" for an unknown type; None where they cannot be worked out."""
    if relation.is_virtual:
        return None
    if relation.body is not None:
        return _of_body(relation, relation.body, schema)
    inherited = _of_parents(relation, schema)
    if inherited is None or not (inherited or relation.columns):
        return None  # such as CREATE TABLE … OF a type
    return [*inherited, *relation.columns]


def _of_body(relation: Relation, body: str, schema: "Schema") -> Sequence[tuple[str, str]] | None:
    """Named by the relation's own list, or by the query; MySQL's tables have the columns of both."""
    if relation.is_view and relation.columns:
        return relation.columns
    found = _of_query(body, schema)
    if not relation.columns or found is None:
        return found
    if schema.rules.name == "mysql":
        own = {name.lower() for name, _ in relation.columns}
        return [*relation.columns, *(column for column in found if column[0].lower() not in own)]
    types = [type_ for _, type_ in found] + [""] * len(relation.columns)
    return [(name, type_) for (name, _), type_ in zip(relation.columns, types, strict=False)]


def _of_parents(relation: Relation, schema: "Schema") -> list[tuple[str, str]] | None:
    columns: list[tuple[str, str]] = []
    for parent in relation.parents:
        table = schema.find(parent, quoted=True)
        if table is None or table.columns is None:
            return None
        columns += [(name, table.types.get(folded, "")) for folded, name in table.columns.items()]
    return columns


def _of_query(body: str, schema: "Schema") -> list[tuple[str, str]] | None:
    from farm.sql.names.scopes import resolve
    from farm.sql.types.infer import Typing
    from farm.sql.types.names import spoken

    try:
        resolution = resolve(_parsed(body, schema.rules.name), schema, body)
        columns = resolution.columns
        if not columns.complete:
            return _with_odd_names(columns, schema.rules.name)
        if schema.rules.name != "postgres" or len(columns.labels) != len(columns.names):
            return [(name, "") for name in columns.names.values()]
        typing = Typing(resolution=resolution, sql=body, declared=schema.declared)
        types = [typing.origin(origin) for origin in columns.origins]
    except (SqlglotError, RecursionError, ValueError):
        return None
    return [
        (name, spoken(type_) if type_ else "")
        for name, type_ in zip(columns.names.values(), types, strict=True)
    ]


def _with_odd_names(columns: "Columns", dialect: str) -> list[tuple[str, str]] | None:
    """Those without a name are called what they compute, about as MySQL and SQLite do."""
    if not columns.only_odd or columns.count is None:
        return None
    names: dict[str, str] = {}
    for at, (label, origin) in enumerate(zip(columns.labels, columns.origins, strict=True)):
        if label is not None:
            names[label] = columns.names[label]
        elif isinstance(origin, exp.Expr):
            names[str(at)] = written(origin, dialect, limit=200)
    return [(name, "") for name in names.values()]


def _parsed(body: str, dialect: str) -> exp.Expr:
    from farm.sql.checks.bounds import is_bearable

    reader = Dialect.get_or_raise(dialect)
    tokens = list(reader.tokenize(body))
    if not is_bearable([token.token_type for token in tokens], dialect):
        raise ValueError("the query is too long or too deep to be parsed")
    keep_as_written(token for token in tokens if token.token_type is TokenType.R_PAREN)
    tree = reader.parser().parse(tokens, body)[0]
    if tree is None:
        raise ValueError("an empty query")
    return tree
