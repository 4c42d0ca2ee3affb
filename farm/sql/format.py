"""SQL laid out for people."""

import sqlglot
from sqlglot.errors import SqlglotError

from farm.sql.checks.bounds import LENGTH_LIMIT_CHARS, is_bearable
from farm.sql.parsing import tokenize


def pretty(sql: str, dialect: str) -> str:
    """The query in the dialect's tidy layout; the original where it cannot be read. For display only:
    the layout rewrites spellings, so what is stored and run is the original."""
    if len(sql) > LENGTH_LIMIT_CHARS:
        return sql
    try:
        if not is_bearable([token.token_type for token in tokenize(sql, dialect)], dialect):
            return sql
        return sqlglot.transpile(sql, read=dialect, write=dialect, pretty=True)[0]
    except (SqlglotError, RecursionError, ValueError, IndexError):
        return sql


__all__ = ["pretty"]
