"""Reads CREATE statements as people have them: pg_dump's output, SQLite's sqlite_master, hand-written ones.

Token by token instead of by a parser, so that one exotic constraint or index does not cost the whole schema.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from farm.errors import BadInput
from farm.sql.alterations import Alteration, Alterations
from farm.sql.dialect import Rules
from farm.sql.reader import Reader, Relation
from farm.sql.types.declared import Declared

_COPY_BLOCK = re.compile(
    r"^COPY\s[^\n]*\sFROM\s+stdin;.*?(?:^\\\.$|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
_FOR_MYSQL_ONLY = re.compile(r"/\*!\d*(.*?)\*/", re.DOTALL)
_DELIMITER = re.compile(r"^DELIMITER[^\n]*$", re.IGNORECASE | re.MULTILINE)
_PSQL_COMMAND = re.compile(r"^\\[^\n]*$", re.MULTILINE)


def read_ddl(ddl: str, rules: Rules) -> list[Relation]:
    """The relations of a schema script in order; raises BadInput with the line where it cannot be read."""
    text, tokens = tokenized(ddl, rules)
    search_path: str | None = None
    found = Alterations(default_schema=rules.default_schema)
    keys: dict[tuple[str | None, str], tuple[str, ...]] = {}
    for statement in statements(tokens):
        search_path = search_path_of(statement) or search_path
        relation = Reader(statement, text, rules).relation(search_path)
        if relation is not None:
            found.relations.append(relation)
        Alteration(statement, text, rules).apply(found, search_path)
        keys |= Reader(statement, text, rules).added_key(search_path)
    return [
        replace(relation, primary_key=keys.get((relation.schema, relation.name), relation.primary_key))
        for relation in found.relations
    ]


def read_types(ddl: str, rules: Rules) -> Declared:
    """What CREATE TYPE … AS ENUM and CREATE DOMAIN declare; raises BadInput like `read_ddl`."""
    enums: dict[str, frozenset[str]] = {}
    domains: dict[str, str] = {}
    others: set[str] = set()
    text, tokens = tokenized(ddl, rules)
    for statement in statements(tokens):
        enums |= Reader(statement, text, rules).enum()
        domains |= Reader(statement, text, rules).domain()
        others |= Reader(statement, text, rules).created_type()
    return Declared(enums=enums, domains=domains, others=frozenset(others))


def tokenized(ddl: str, rules: Rules) -> tuple[str, list[Token]]:
    """A schema script as it is read, and its tokens, without data and what only other programs read."""
    text = _PSQL_COMMAND.sub(_blank, _COPY_BLOCK.sub(_blank, ddl))
    if rules.name == "mysql":
        text = _DELIMITER.sub(_blank, _FOR_MYSQL_ONLY.sub(r"\1", text))
    try:
        tokens = list(sqlglot.tokenize(text, read=rules.name))
    except SqlglotError as error:
        raise BadInput(
            f"the DDL cannot be read: {_first_line(error)}; is a quote or comment left open?"
        ) from error
    return text, tokens


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def statements(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens of each statement, without its semicolon."""
    statement: list[Token] = []
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            if statement:
                yield statement
            statement = []
        else:
            statement.append(token)
    if statement:
        yield statement


def search_path_of(statement: list[Token]) -> str | None:
    """The first schema of `SET search_path = sales, pg_catalog` or `USE sales`, or None."""
    words = [token.text for token in statement[:4]]
    if len(words) == 2 and words[0].upper() == "USE":
        return words[1]
    if len(words) == 4 and words[0].upper() == "SET" and words[1].lower() == "search_path":
        return words[3] if words[3] and words[3].isidentifier() else None
    return None


__all__ = ["Reader", "Relation", "read_ddl", "read_types", "search_path_of", "statements", "tokenized"]
