"""Text to tokens to trees, by sqlglot's dialects, which are made once."""

from functools import cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

NODE_LIMIT = 20_000


def tokenize(sql: str, dialect: str) -> list[Token]:
    """The words of a text; raises TokenError."""
    return list(_dialect(dialect).tokenize(sql))


def parse(tokens: list[Token], sql: str, dialect: str) -> list[exp.Expr | None]:
    """The statements that the words of `sql` make, None for an empty one; raises ParseError."""
    return _dialect(dialect).parser(max_nodes=NODE_LIMIT).parse(tokens, sql)


@cache
def links(dialect: str) -> frozenset[TokenType]:
    """What stands between a value and a part of it, as in a.b and, in MySQL, a -> b; casts aside."""
    parser = _dialect(dialect).parser_class
    return frozenset(parser.COLUMN_OPERATORS) - parser.CAST_COLUMN_OPERATORS


@cache
def _dialect(name: str) -> Dialect:
    return Dialect.get_or_raise(name)
