"""CAST names a type that the dialect has."""

from collections.abc import Iterator
from itertools import pairwise

from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.subject import Subject
from farm.sql.verdict import Finding
from farm.sql.words import words

# what MariaDB takes in CAST; MySQL's own REAL, YEAR and JSON are left to the engine
_IN_MYSQL = words(
    "BINARY CHAR NCHAR CHARACTER VARCHAR DATE DATETIME TIME DECIMAL DEC SIGNED UNSIGNED DOUBLE FLOAT INTEGER "
    "INT UUID INET4 INET6 NATIONAL INTERVAL"
)
_NOT_IN_POSTGRES = words(
    "SIGNED UNSIGNED DATETIME STRING TINYINT MEDIUMINT NVARCHAR NUMBER VARCHAR2 NVARCHAR2 BLOB CLOB LONGTEXT "
    "MEDIUMTEXT TINYTEXT INT64 FLOAT64 DATETIME2 SMALLDATETIME LONG UINTEGER"
)
# the first of several words, and types of common extensions
_OF_SEVERAL_WORDS = words(
    "national double character bit time timestamp citext hstore ltree cube geometry geography vector halfvec"
)


def cast_types_exist(subject: Subject) -> Iterator[Finding]:
    """MySQL takes a few types only, and names of other dialects mean nothing to Postgres."""
    if subject.rules.name not in {"mysql", "postgres"} or subject.words.isdisjoint({"CAST", "::"}):
        return
    for token, after in _cast_types(subject.tokens):
        word = token.text.upper()
        if subject.rules.name == "mysql":
            lacks_length = word == "VARCHAR" and (after is None or after.text != "(")
            unknown = word.partition(" ")[0] not in _IN_MYSQL or _is_precision(after) or lacks_length
        else:
            is_double = word == "DOUBLE" and not _is_precision(after)
            unknown = is_double or not _in_postgres(token, after, subject)
            unknown = unknown and not subject.schema.has_type(word)
        if unknown:
            yield Finding(
                code="unknown_type",
                message=f"CAST knows no type {token.text} in {subject.rules.name}",
                hint=_HINTS.get(subject.rules.name),
                **subject.place(token.start),
            )


def _in_postgres(token: Token, after: Token | None, subject: Subject) -> bool:
    """Whether a word is, or may be, a type: its own, one of the schema, a table's row, an extension's."""
    word = token.text.lower()
    if word.upper() in _NOT_IN_POSTGRES or token.token_type is not TokenType.VAR:
        return word.upper() not in _NOT_IN_POSTGRES
    is_qualified = after is not None and after.token_type is TokenType.DOT
    declared = subject.schema.declared
    return (
        is_qualified
        or word in _OF_SEVERAL_WORDS
        or declared.type_of(word) is not None
        or word in declared.others
        or subject.schema.find(word, quoted=False) is not None
    )


_HINTS = {
    "mysql": "use CHAR, SIGNED, DECIMAL(…), DOUBLE, DATE or DATETIME",
    "postgres": "use TEXT, INTEGER, NUMERIC, DOUBLE PRECISION, DATE or TIMESTAMP",
}


def _is_precision(token: Token | None) -> bool:
    return token is not None and token.text.upper() == "PRECISION"


def _cast_types(tokens: list[Token]) -> Iterator[tuple[Token, Token | None]]:
    """The words behind AS in CAST (… AS …) and behind ::, each with what follows it."""
    casts: list[bool] = []
    for at, (token, following) in enumerate(pairwise(tokens)):
        if token.token_type is TokenType.L_PAREN:
            casts.append(at > 0 and tokens[at - 1].text.upper() == "CAST")
        elif token.token_type is TokenType.R_PAREN and casts:
            casts.pop()
        in_cast = token.token_type is TokenType.ALIAS and bool(casts) and casts[-1]
        if (
            in_cast or token.token_type is TokenType.DCOLON
        ) and following.token_type is not TokenType.IDENTIFIER:
            yield following, tokens[at + 2] if at + 2 < len(tokens) else None
