"""Bounds that hold before anything is parsed, so that no input can keep the parser busy or crash it."""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.parsing import links
from farm.sql.subject import Subject
from farm.sql.verdict import Finding

# Largest real query known: 6,047 characters, 7 levels of parentheses (published text-to-SQL sets).
LENGTH_LIMIT_CHARS = 20_000
TOKEN_LIMIT = 5_000
VIEW_TOKEN_LIMIT = 20_000
NESTING_LIMIT = 24
CHAIN_LIMIT = 16
OPERAND_LIMIT = 500
BRACKET_LIMIT = 100
COPY_LIMIT = 100_000

_ODD = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f\x85\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]|\r(?!\n)"
)
_ODD_OUTSIDE_STRINGS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000{}]")
_ODD_BESIDE_STRUCTS = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]|\{[{%#+-]|[%#}+-]\}")
_RUN_COMMENT = re.compile(r"/\*M?!")
_QUOTED = frozenset(
    {
        TokenType.STRING,
        TokenType.IDENTIFIER,
        TokenType.HEREDOC_STRING,
        TokenType.BYTE_STRING,
        TokenType.UNICODE_STRING,
    }
)
_OPENS = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE})
_CLOSES = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END})
_NAMES = frozenset({TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.COMMA})
_ENDS_CHAIN = _NAMES | _CLOSES
_OPERATORS = frozenset({TokenType.AND, TokenType.OR, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT})
# What no value spans, so that the next one begins behind it.
_APART = _OPERATORS | {
    TokenType.ALIAS,
    TokenType.BETWEEN,
    TokenType.COMMA,
    TokenType.DASH,
    TokenType.DPIPE,
    TokenType.ELSE,
    TokenType.EQ,
    TokenType.FROM,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.IN,
    TokenType.IS,
    TokenType.JOIN,
    TokenType.LIKE,
    TokenType.NOT,
    TokenType.ON,
    TokenType.ORDER_BY,
    TokenType.PARTITION_BY,
    TokenType.PLUS,
    TokenType.SELECT,
    TokenType.SLASH,
    TokenType.THEN,
    TokenType.WHEN,
    TokenType.WHERE,
}

TOO_DEEP = Finding(
    code="too_deep",
    message="the query is nested too deeply or repeats an operator too often to be checked",
    hint=f"keep to {NESTING_LIMIT} levels and {OPERAND_LIMIT} ANDs, ORs and UNIONs",
)


def within_length(subject: Subject) -> Iterator[Finding]:
    """Some text, and not too much of it."""
    length = len(subject.sql)
    if not subject.sql.strip():
        yield Finding(code="no_sql", message="there is no SQL to check")
    elif length > LENGTH_LIMIT_CHARS:
        yield Finding(
            code="too_long",
            message=f"the query has {length:,} characters; at most {LENGTH_LIMIT_CHARS:,} are checked",
        )


def plain_characters(subject: Subject) -> Iterator[Finding]:
    """No character that engines and people read differently: NUL, zero-width, a lone carriage return."""
    odd = _ODD.search(subject.sql)
    if odd is not None:
        yield Finding(
            code="odd_character",
            message=f"the query contains the invisible character U+{ord(odd[0]):04X}",
            hint="write the query with ordinary characters and spaces",
            **subject.place(odd.start()),
        )


def within_nesting(subject: Subject) -> Iterator[Finding]:
    """Tokens can be read, are not too many, and are not nested deeper than the parser bears."""
    try:
        tokens = subject.tokens
    except SqlglotError as error:
        yield Finding(
            code="syntax_error",
            message=f"the text cannot be split into words: {str(error)[:120]}",
            hint="close every quote and comment",
        )
        return
    if len(tokens) > TOKEN_LIMIT:
        yield Finding(
            code="too_long",
            message=f"the query has {len(tokens):,} words; at most {TOKEN_LIMIT:,} are checked",
        )
    if (lost := _unbalanced(subject)) is not None:
        yield Finding(
            code="syntax_error",
            message=f"the parenthesis {lost.text} has no counterpart",
            hint="close every parenthesis",
            **subject.place(lost.start),
        )
    if (piped := next(subject.tokens_of(TokenType.PIPE_GT), None)) is not None:  # would be copied at each one
        yield Finding(
            code="syntax_error",
            message="there is no operator |> here",
            hint="write the query with clauses instead of pipes",
            **subject.place(tokens[piped].start),
        )
    if (odd := _odd_outside_strings(subject)) is not None:
        yield Finding(
            code="odd_character",
            message=f"U+{ord(subject.sql[odd]):04X} stands outside strings, where engines do not know it",
            hint="write the query with ordinary spaces and without templates",
            **subject.place(odd),
        )
    at = _too_deep(subject.token_types)
    if at is None:
        at = _copied_too_often(subject.token_types, links(subject.rules.name))
    if at is not None:
        yield replace(TOO_DEEP, **subject.place(tokens[at].start))


def is_bearable(kinds: Sequence[TokenType], dialect: str) -> bool:
    """Whether the parser bears the words of a view's query, which are of these kinds."""
    return (
        len(kinds) <= VIEW_TOKEN_LIMIT
        and TokenType.PIPE_GT not in kinds
        and _too_deep(kinds) is None
        and _copied_too_often(kinds, links(dialect)) is None
    )


def no_code_in_comments(subject: Subject) -> Iterator[Finding]:
    """No `/*! … */`: MySQL and MariaDB run what these comments hold, and the parser does not see it."""
    if subject.rules.name != "mysql":
        return
    starts = [match.start() for match in _RUN_COMMENT.finditer(subject.sql)]
    hidden = _first_outside_strings(subject, starts)
    if hidden is not None:
        yield Finding(
            code="not_read_only",
            message="the comment /*! … */ holds code that the database runs",
            hint="write the query without it",
            **subject.place(hidden),
        )


def _unbalanced(subject: Subject) -> Token | None:
    """The first parenthesis without its counterpart."""
    opening, closing = TokenType.L_PAREN, TokenType.R_PAREN
    opened: list[int] = []
    for at, kind in enumerate(subject.token_types):
        if kind is opening:
            opened.append(at)
        elif kind is closing:
            if not opened:
                return subject.tokens[at]
            opened.pop()
    return subject.tokens[opened[0]] if opened else None


def _odd_outside_strings(subject: Subject) -> int | None:
    """Where something that the parser skips and engines do not stands outside strings and quoted names:
    exotic spaces, and template marks, between which it would miss anything."""
    pattern = _ODD_OUTSIDE_STRINGS if subject.rules.name != "duckdb" else _ODD_BESIDE_STRUCTS
    odd = [match.start() for match in pattern.finditer(subject.sql)]
    return _first_outside_strings(subject, odd)


def _first_outside_strings(subject: Subject, offsets: Sequence[int]) -> int | None:
    if not offsets:
        return None
    quoted = (token for token in subject.tokens if token.token_type in _QUOTED)
    inside = {offset for token in quoted for offset in range(token.start, token.end + 1)}
    return next((offset for offset in offsets if offset not in inside), None)


def _too_deep(kinds: Sequence[TokenType]) -> int | None:
    """At which token nesting, a run of keywords or signs, or the number of operators passes its limit."""
    depth = chain = operators = brackets = 0
    for at, kind in enumerate(kinds):
        if kind in _ENDS_CHAIN:
            chain = 0
            if kind not in _CLOSES:
                continue
            depth -= 1
        else:
            chain += 1
            if kind in _OPENS:
                depth += 1
                brackets += kind is TokenType.L_BRACKET
            elif kind in _OPERATORS:
                operators += 1
        if depth > NESTING_LIMIT or chain > CHAIN_LIMIT + depth:
            return at
        if operators > OPERAND_LIMIT or brackets > BRACKET_LIMIT:
            return at
    return None


def _copied_too_often(kinds: Sequence[TokenType], links: Set[TokenType]) -> int | None:
    """At which link the parser would have copied too many words: with each call that follows a link, as in
    `a.b.f()`, it copies all that stands before it."""
    if sum(map(links.__contains__, kinds)) * len(kinds) <= COPY_LIMIT:
        return None
    starts, copied, last = [0], 0, None
    for at, kind in enumerate(kinds):
        if kind in _OPENS:
            starts.append(at + 1)
        elif kind in _CLOSES:
            starts = starts[:-1] or [0]
        elif kind in links:
            copied += at - starts[-1]
            if copied > COPY_LIMIT:
                return at
        elif kind in _APART and last not in links:  # behind a link it is a name
            starts[-1] = at + 1
        last = kind
    return None
