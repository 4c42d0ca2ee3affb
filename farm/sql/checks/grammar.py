"""Grammar that the parser is lenient about: joins, limits, aliases. Read from the words."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.subject import Subject
from farm.sql.verdict import Finding

_UNCONDITIONAL = frozenset({TokenType.CROSS, TokenType.NATURAL})
_JOIN_WORDS = frozenset(
    {
        *(TokenType.LEFT, TokenType.RIGHT, TokenType.FULL, TokenType.INNER, TokenType.OUTER),
        *(TokenType.CROSS, TokenType.NATURAL, TokenType.STRAIGHT_JOIN),
    }
)
_OUTER = frozenset({TokenType.LEFT, TokenType.RIGHT, TokenType.FULL})


def joins_have_conditions(subject: Subject) -> Iterator[Finding]:
    """Every JOIN but CROSS and NATURAL has ON or USING; in MySQL LEFT and RIGHT do, in SQLite none need."""
    if subject.rules.name == "sqlite":
        return
    tokens = subject.tokens
    wanting: list[Token] = []
    conditions = 0
    for at, token in enumerate(tokens):
        if token.token_type is TokenType.JOIN:
            words = set(_words_before(tokens, at))
            if not words & _UNCONDITIONAL and (subject.rules.name != "mysql" or words & _OUTER):
                wanting.append(token)
        elif token.token_type is TokenType.USING:
            conditions += 1
        elif token.token_type is TokenType.ON:
            conditions += tokens[at - 1].token_type is not TokenType.DISTINCT
    if len(wanting) > conditions:
        yield Finding(
            code="join_without_condition",
            message="a JOIN has neither ON nor USING",
            hint="say how the tables belong together: JOIN … ON a.id = b.a_id, or CROSS JOIN for all pairs",
            **subject.place(wanting[-1].start),
        )


def _words_before(tokens: list[Token], at: int) -> Iterator[TokenType]:
    while at > 0 and tokens[at - 1].token_type in _JOIN_WORDS:
        at -= 1
        yield tokens[at].token_type


def limits_are_understood(subject: Subject) -> Iterator[Finding]:
    """`LIMIT 5, 10` is for SQLite and MySQL, FETCH FIRST for the others."""
    takes_comma = subject.rules.name in {"sqlite", "mysql"}
    for token, _, after in zip(subject.tokens, subject.tokens[1:], subject.tokens[2:], strict=False):
        if token.token_type is TokenType.LIMIT and after.token_type is TokenType.COMMA and not takes_comma:
            yield _grammar(subject, token, "LIMIT takes one number here", "write LIMIT … OFFSET …")
    fetch = next(subject.find_all(exp.Fetch), None)
    if fetch is not None and subject.rules.name == "sqlite":
        word = next((t for t in subject.tokens if t.token_type is TokenType.FETCH), None)
        yield _grammar(subject, word, "FETCH FIRST is not known here", "write LIMIT instead")


def aliases_are_names(subject: Subject) -> Iterator[Finding]:
    """No string is an alias in Postgres, no alias stands behind `*`, and something follows AS."""
    for alias in subject.find_all(exp.Alias):
        if alias.this.is_star and isinstance(alias.this, exp.Star | exp.Column):
            yield Finding(
                code="syntax_error",
                message=f"* cannot be called {alias.alias}",
                hint="name the columns to give them aliases",
                **subject.place(alias.args["alias"].meta.get("start")),
            )
        start = alias.args["alias"].meta.get("start") if isinstance(alias.args["alias"], exp.Expr) else None
        if subject.rules.name == "postgres" and start is not None and subject.sql[start : start + 1] == "'":
            yield Finding(
                code="syntax_error",
                message=f"the alias '{alias.alias}' is written as a string",
                nearest=(f'"{alias.alias}"',),
                hint="put it in double quotes",
                **subject.place(start),
            )
    for token, after in zip(subject.tokens, [*subject.tokens[1:], None], strict=True):
        if token.token_type is TokenType.ALIAS and after is None:
            yield _grammar(subject, token, "nothing follows AS", "complete the query")


def _grammar(subject: Subject, token: Token | None, message: str, hint: str) -> Finding:
    place = subject.place(token.start if token is not None else None)
    return Finding(code="syntax_error", message=message, hint=hint, **place)
