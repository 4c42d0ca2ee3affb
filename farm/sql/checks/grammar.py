"""Grammar that the parser is lenient about: joins, limits, aliases. Read from the words."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.calls import start_of
from farm.sql.shape import is_joined
from farm.sql.subject import Subject
from farm.sql.verdict import Finding
from farm.sql.words import words

_UNCONDITIONAL = frozenset({TokenType.CROSS, TokenType.NATURAL, TokenType.POSITIONAL})
_JOIN_WORDS = frozenset(
    {
        *(TokenType.LEFT, TokenType.RIGHT, TokenType.FULL, TokenType.INNER, TokenType.OUTER),
        *(TokenType.CROSS, TokenType.NATURAL, TokenType.STRAIGHT_JOIN, TokenType.POSITIONAL),
    }
)
_NO_SPACE = words(
    "adddate bit_and bit_or bit_xor cast count curdate curtime date_add date_sub extract group_concat "
    "max mid min now position session_user std stddev stddev_pop stddev_samp subdate substr substring sum "
    "sysdate system_user trim variance var_pop var_samp"
)
_FETCH_ENDS = frozenset({"ONLY", "TIES"})
_FETCH_WORDS = 40  # a number in parentheses may be computed
_OUTER = frozenset({TokenType.LEFT, TokenType.RIGHT, TokenType.FULL})


def joins_have_conditions(subject: Subject) -> Iterator[Finding]:
    """Every JOIN but CROSS and NATURAL has ON or USING; in MySQL LEFT and RIGHT do, in SQLite none."""
    if subject.rules.name == "sqlite" or "JOIN" not in subject.words:
        return
    tokens = subject.tokens
    wanting: list[Token] = []
    conditions = sum(1 for _ in subject.tokens_of(TokenType.USING))
    unconditional = 0
    for at in subject.tokens_of(TokenType.JOIN):
        before = set(_words_before(tokens, at))
        unconditional += not before.isdisjoint(_UNCONDITIONAL)
        if not before & _UNCONDITIONAL and (subject.rules.name != "mysql" or before & _OUTER):
            wanting.append(tokens[at])
    for at in subject.tokens_of(TokenType.ON):
        conditions += tokens[at - 1].token_type is not TokenType.DISTINCT
    if len(wanting) > conditions:
        yield Finding(
            code="join_without_condition",
            message="a JOIN has neither ON nor USING",
            hint="say how the tables belong together: JOIN … ON a.id = b.a_id, or CROSS JOIN for all pairs",
            **subject.place(wanting[-1].start),
        )
    elif len(wanting) < conditions and unconditional and subject.rules.name != "mysql":
        yield Finding(
            code="join_without_condition",
            message="a CROSS JOIN or NATURAL JOIN has ON or USING",
            hint="write JOIN … ON …",
        )


def _words_before(tokens: list[Token], at: int) -> Iterator[TokenType]:
    while at > 0 and tokens[at - 1].token_type in _JOIN_WORDS:
        at -= 1
        yield tokens[at].token_type


def limits_are_understood(subject: Subject) -> Iterator[Finding]:
    """`LIMIT 5, 10` is for SQLite and MySQL, FETCH FIRST for the others."""
    takes_comma = subject.rules.name in {"sqlite", "mysql"}
    kinds = subject.token_types
    for at in subject.tokens_of(TokenType.LIMIT) if not takes_comma else ():
        if at + 2 < len(kinds) and kinds[at + 2] is TokenType.COMMA:
            what = "LIMIT takes one number here"
            yield _grammar(subject, subject.tokens[at], what, "write LIMIT … OFFSET …")
    fetch = next(subject.find_all(exp.Fetch), None)
    if fetch is not None and subject.rules.name == "sqlite":
        word = next((t for t in subject.tokens if t.token_type is TokenType.FETCH), None)
        yield _grammar(subject, word, "FETCH FIRST is not known here", "write LIMIT instead")
    for at in subject.tokens_of(TokenType.FETCH) if fetch is not None else ():
        if _FETCH_ENDS.isdisjoint(token.text.upper() for token in subject.tokens[at : at + _FETCH_WORDS]):
            what = "FETCH FIRST … ROWS ends without ONLY"
            yield _grammar(subject, subject.tokens[at], what, "write FETCH FIRST … ROWS ONLY, or LIMIT")


def aliases_are_names(subject: Subject) -> Iterator[Finding]:
    """No string is an alias in Postgres, none stands behind `*` or in parentheses, something follows AS."""
    for alias in subject.find_all(exp.Alias):
        if isinstance(alias.parent, exp.Paren) and subject.rules.name != "duckdb":
            yield Finding(
                code="foreign_construct",
                message=f"the alias {alias.alias} stands inside an expression",
                hint="put it behind the expression, or put an operator between the two",
                **subject.place(start_of(alias)),
            )
        if alias.this.is_star and isinstance(alias.this, exp.Star | exp.Column):
            yield Finding(
                code="foreign_construct",
                message=f"* cannot be called {alias.alias}",
                hint="name the columns to give them aliases",
                **subject.place(alias.args["alias"].meta.get("start")),
            )
        start = alias.args["alias"].meta.get("start") if isinstance(alias.args["alias"], exp.Expr) else None
        if subject.rules.name == "postgres" and start is not None and subject.sql[start : start + 1] == "'":
            yield Finding(
                code="foreign_construct",
                message=f"the alias '{alias.alias}' is written as a string",
                nearest=(f'"{alias.alias}"',),
                hint="put it in double quotes",
                **subject.place(start),
            )
    if subject.token_types[-1] is TokenType.ALIAS:
        yield Finding(
            code="empty_clause",
            message="nothing follows AS",
            hint="complete the query",
            **subject.place(subject.tokens[-1].start),
        )


def names_in_backticks(subject: Subject) -> Iterator[Finding]:
    """MySQL quotes names in backticks; what stands in double quotes is a string, fit at most for an alias."""
    if subject.rules.name != "mysql":
        return
    for name in subject.find_all(exp.Identifier, exp.Literal):
        start = name.meta.get("start")
        is_string = isinstance(name, exp.Literal) or subject.sql[start or 0 : (start or 0) + 1] in {'"', "'"}
        if is_string and isinstance(name.parent, exp.Table | exp.Column | exp.TableAlias | exp.Dot):
            yield Finding(
                code="foreign_construct",
                message=f"{name.name} is written as a string and used as a name",
                nearest=(f"`{name.name}`",),
                hint="put names in backticks",
                **subject.place(start),
            )


def derived_tables_are_named(subject: Subject) -> Iterator[Finding]:
    """In MySQL every subquery in FROM has an alias."""
    if subject.rules.name != "mysql":
        return
    for node in subject.find_all(exp.Subquery):
        inner = node.unnest()
        in_from = isinstance(node.parent, exp.From | exp.Join)
        is_query = isinstance(inner, exp.Query) and not isinstance(inner, exp.Table) and not is_joined(node)
        if in_from and is_query and not node.alias:
            yield Finding(
                code="derived_table_alias",
                message="a subquery in FROM has no name",
                hint="give it an alias: FROM (SELECT …) AS t",
                **subject.place(start_of(node)),
            )
            return


def no_space_before_parenthesis(subject: Subject) -> Iterator[Finding]:
    """MySQL reads `SUM (x)` as a function of one's own, not as its built-in SUM."""
    if subject.rules.name != "mysql":
        return
    for at in (opening - 1 for opening in subject.tokens_of(TokenType.L_PAREN) if opening):
        token = subject.tokens[at]
        spaced = subject.tokens[at + 1].start > token.end + 1
        if spaced and token.text.lower() in _NO_SPACE and token.token_type is not TokenType.IDENTIFIER:
            yield _grammar(subject, token, f"a space follows {token.text}", f"write {token.text}(…)")


def _grammar(subject: Subject, token: Token | None, message: str, hint: str) -> Finding:
    place = subject.place(token.start if token is not None else None)
    return Finding(code="foreign_construct", message=message, hint=hint, **place)
