"""What the parser lets pass and no engine does: clauses out of order or empty, keywords as names."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.subject import Subject
from farm.sql.verdict import Finding, Severity
from farm.sql.words import words

_RANKS = {
    TokenType.SELECT: 1,
    TokenType.FROM: 2,
    TokenType.JOIN: 2,
    TokenType.WHERE: 3,
    TokenType.GROUP_BY: 4,
    TokenType.HAVING: 5,
    TokenType.ORDER_BY: 6,
    TokenType.LIMIT: 7,
}
_SET_OPERATIONS = frozenset({TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT})
_WANT_MORE = frozenset(
    {
        TokenType.COMMA,
        TokenType.ON,
        TokenType.PARTITION_BY,
        TokenType.GROUP_BY,
        TokenType.ORDER_BY,
        TokenType.JOIN,
    }
)
_BEFORE_ITEMS = frozenset({TokenType.SELECT, TokenType.L_PAREN})
_NO_MORE = frozenset(
    {TokenType.COMMA, TokenType.R_PAREN, TokenType.SEMICOLON, *_RANKS, *_SET_OPERATIONS} - {TokenType.SELECT}
)
# from pg_get_keywords(): those that are no bare labels
_ONLY_BEHIND_AS = words(
    "array as char character create day except fetch filter for from grant group having hour intersect into "
    "isnull limit minute month notnull offset on order over overlaps precision returning second to union "
    "varying where window with within without year"
)
_NAME = TokenType.IDENTIFIER
_OPENING, _CLOSING = TokenType.L_PAREN, TokenType.R_PAREN
_ORDERED = _SET_OPERATIONS.union(_RANKS, (_OPENING, _CLOSING))


def clauses_in_order(subject: Subject) -> Iterator[Finding]:
    """FROM and JOIN, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT: the clauses of each SELECT in this order."""
    ranks: list[int] = [0]  # of the last clause seen, for each open parenthesis
    for at, kind in enumerate(subject.token_types):
        if kind not in _ORDERED:
            continue
        if kind is _OPENING:
            ranks.append(0)
        elif kind is _CLOSING and len(ranks) > 1:
            ranks.pop()
        elif kind in _SET_OPERATIONS:
            if ranks[-1] > 5:
                yield _before_set_operation(subject, subject.tokens[at])
                return
            ranks[-1] = 0
        elif (rank := _RANKS.get(kind)) and (ranks[-1] or rank == 1) and not _is_distinct_from(subject, at):
            if rank < ranks[-1] and rank > 1:
                yield _out_of_order(subject, subject.tokens[at])
                return
            ranks[-1] = rank


def _is_distinct_from(subject: Subject, at: int) -> bool:
    tokens = subject.tokens
    return tokens[at].token_type is TokenType.FROM and tokens[at - 1].token_type is TokenType.DISTINCT


def _out_of_order(subject: Subject, token: Token) -> Finding:
    return Finding(
        code="clause_order",
        message=f"{token.text.upper()} stands after a clause that it must come before",
        hint="keep the order FROM, JOIN, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT",
        **subject.place(token.start),
    )


def _before_set_operation(subject: Subject, token: Token) -> Finding:
    return Finding(
        code="clause_order",
        message=f"ORDER BY or LIMIT stands before {token.text.upper()}",
        hint="order the whole result at its end, or put the ordered part into a subquery",
        **subject.place(token.start),
    )


def some_columns(subject: Subject) -> Iterator[Finding]:
    """SELECT without columns: Postgres takes it, also in EXISTS; as a whole query it shows nothing."""
    if any(map(_stands_for_nothing, subject.find_all(exp.Select))):
        yield Finding(
            code="no_columns",
            message="SELECT * has no table whose columns it could show",
            hint="say FROM which table",
        )
        return
    is_fine = subject.rules.name == "postgres"
    selects = [_first_part(subject.tree)] if is_fine else subject.find_all(exp.Select)
    if any(isinstance(node, exp.Select) and not node.expressions for node in selects):
        yield Finding(
            code="no_columns",
            severity=Severity.WARNING if is_fine else Severity.ERROR,
            message="SELECT has no columns",
            hint="name the columns to show",
        )


def _stands_for_nothing(select: exp.Select) -> bool:
    bare = any(isinstance(each, exp.Star) for each in select.expressions)
    return bare and not (select.args.get("from_") or select.args.get("joins") or select.args.get("laterals"))


def _first_part(query: exp.Expr) -> exp.Expr:
    """The SELECT that gives a query its columns."""
    query = query.unnest()
    return _first_part(query.this) if isinstance(query, exp.SetOperation) else query


def nothing_missing(subject: Subject) -> Iterator[Finding]:
    """Something stands on both sides of every comma, and behind ON, GROUP BY and ORDER BY; SQLite takes no
    parentheses in a UNION."""
    for token, following in _wanting_more(subject):
        if following is None or following.token_type in _NO_MORE:
            if _is_trailing(subject, token, following):
                continue
            yield Finding(
                code="empty_clause",
                message=f"nothing follows {token.text.upper()}",
                hint="complete it or leave it out",
                **subject.place(token.start),
            )
    yield from _cases_without_then(subject)
    if subject.rules.name == "sqlite":
        for node in subject.find_all(exp.SetOperation):
            if _has_parentheses(subject, node):
                yield Finding(
                    code="set_operation_parentheses",
                    message=f"SQLite takes no parentheses around the parts of {node.key.upper()}",
                    hint="write the parts without parentheses, or as SELECT * FROM (…)",
                )


def _cases_without_then(subject: Subject) -> Iterator[Finding]:
    whens = [at for at in subject.tokens_of(TokenType.WHEN) if not _is_name(subject, at)]
    thens = sum(not _is_name(subject, at) for at in subject.tokens_of(TokenType.THEN))
    if len(whens) > thens:
        yield Finding(
            code="empty_clause",
            message="a WHEN has no THEN",
            hint="write CASE WHEN … THEN … END",
            **subject.place(subject.tokens[whens[0]].start),
        )


def _is_name(subject: Subject, at: int) -> bool:
    """Whether a keyword stands where any word is a name."""
    return at > 0 and subject.token_types[at - 1] in {TokenType.DOT, TokenType.ALIAS}


def _has_parentheses(subject: Subject, node: exp.SetOperation) -> bool:
    """Whether a part of a set operation stands in parentheses; the parser makes some of its own where
    INTERSECT follows another operation, which SQLite takes from left to right."""
    if isinstance(node.expression, exp.Subquery):
        return True
    if not isinstance(node.this, exp.Subquery):
        return False
    if not isinstance(node, exp.Intersect) or not isinstance(node.this.this, exp.SetOperation):
        return True
    kinds = subject.token_types
    return any(at and kinds[at - 1] is _CLOSING for at in subject.tokens_of(TokenType.INTERSECT))


def _wanting_more(subject: Subject) -> Iterator[tuple[Token, Token | None]]:
    """What needs something behind it, and what stands there."""
    tokens, kinds = subject.tokens, subject.token_types
    separates = subject.rules.name == "mysql" and "SEPARATOR" in subject.words
    for at, kind in enumerate(kinds):
        if kind in _WANT_MORE or (separates and _is_separator(subject, tokens[at])):
            yield tokens[at], tokens[at + 1] if at + 1 < len(tokens) else None
        elif kind in _BEFORE_ITEMS and kinds[at + 1 : at + 2] == [TokenType.COMMA]:
            yield tokens[at], tokens[at + 1]


def _is_trailing(subject: Subject, comma: Token, following: Token | None) -> bool:
    """Whether DuckDB leaves a comma at the end of the SELECT list or of a list in parentheses alone."""
    if subject.rules.name != "duckdb" or comma.token_type is not TokenType.COMMA or following is None:
        return False
    return following.token_type in {TokenType.FROM, _CLOSING}


def _is_separator(subject: Subject, token: Token) -> bool:
    """Whether a word is the SEPARATOR of MySQL's GROUP_CONCAT."""
    return (
        subject.rules.name == "mysql" and token.text.upper() == "SEPARATOR" and token.token_type is not _NAME
    )


def no_reserved_words(subject: Subject) -> Iterator[Finding]:
    """No keyword of the dialect is used as a name without quotes."""
    reserved = subject.rules.reserved
    for name in subject.find_all(exp.Identifier):
        word = name.name.lower()
        if word not in reserved and word not in _ONLY_BEHIND_AS:
            continue
        bare = word in _ONLY_BEHIND_AS and isinstance(name.parent, exp.Alias) and _lacks_as(subject, name)
        if name.args.get("quoted") or not (word in reserved or bare):
            continue
        if not bare and not _names_something(subject, name):
            continue
        yield Finding(
            code="reserved_word",
            message=f"{name.name} is a keyword and cannot be a name as it stands",
            nearest=(f'"{name.name}"',),
            hint=f'write it in double quotes: "{name.name}"',
            **subject.place(name.meta.get("start")),
        )


def _lacks_as(subject: Subject, name: exp.Expr) -> bool:
    """Whether an alias follows its expression without AS, where Postgres and DuckDB take fewer words."""
    start = name.meta.get("start")
    if start is None or not subject.rules.whole_rows:
        return False
    return not subject.sql[:start].rstrip().upper().endswith("AS")


def _names_something(subject: Subject, name: exp.Expr) -> bool:
    """A table, a column or an alias; Postgres lets keywords be result names after AS."""
    parent = name.parent
    if isinstance(parent, exp.Column) and not parent.args.get("table"):
        return name.name.lower() not in subject.rules.bare_words
    if isinstance(parent, exp.Column) and subject.rules.name != "sqlite":
        return name.arg_key != "this"  # behind a dot any word is a name
    if isinstance(parent, exp.Alias):
        return subject.rules.name in {"sqlite", "mysql"}
    return isinstance(parent, exp.Table | exp.TableAlias | exp.Column)
