"""Finds constructs in a query: by the nodes that the parser made of them, or by its words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.calls import start_of
from farm.sql.subject import Subject
from farm.sql.words import words

Occurrences = Iterator[int | None]

_BEFORE_VALUE = words(
    "SELECT DISTINCT WHERE AND OR NOT ON HAVING BY WHEN THEN ELSE CASE IN ANY SOME ALL BETWEEN LIKE ILIKE IS "
    "VALUES LIMIT OFFSET FROM USING AS"
)


@dataclass(frozen=True, kw_only=True)
class Find:
    """Finds a construct: `offsets` gives where it begins, None where that is not known. It is asked only when
    one of the nodes `kinds` and one of the `words` are there, no matter where; empty: no matter which."""

    offsets: Callable[[Subject], Occurrences]
    kinds: frozenset[type[exp.Expr]] = frozenset()
    words: frozenset[str] = frozenset()

    def __call__(self, subject: Subject) -> Occurrences:
        if self.kinds and self.kinds.isdisjoint(subject.kinds):
            return iter(())
        if self.words and self.words.isdisjoint(subject.words):
            return iter(())
        return self.offsets(subject)


def nodes_of(*kinds: type[exp.Expr], where: Callable[[exp.Expr], bool] = lambda node: True) -> Find:
    def find(subject: Subject) -> Occurrences:
        return (start_of(node) for node in subject.find_all(*kinds) if where(node))

    return Find(offsets=find, kinds=frozenset(kinds))


def written_as(*texts: str) -> Find:
    """Signs or unquoted words as they are written, one after the other."""

    def find(subject: Subject) -> Occurrences:
        tokens = subject.tokens
        for at in range(len(tokens) - len(texts) + 1):
            if all(is_word(tokens[at + n], text) for n, text in enumerate(texts)):
                yield tokens[at].start

    return Find(offsets=find, words=frozenset(texts[:1]))


def is_word(token: Token, text: str) -> bool:
    return token.token_type not in _QUOTED and token.text.upper() == text


def either(*finds: Find) -> Find:
    """What one of them finds; each of them looks for words."""

    def find(subject: Subject) -> Occurrences:
        return (start for each in finds for start in each(subject))

    return Find(offsets=find, words=frozenset[str]().union(*(each.words for each in finds)))


def interval_of(kind: TokenType) -> Find:
    """`INTERVAL` before a number, or before a string that holds its unit too."""

    def find(subject: Subject) -> Occurrences:
        tokens = [*subject.tokens, None]
        for token, value, unit in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if token is None or value is None or token.token_type is not TokenType.INTERVAL:
                continue
            has_unit = unit is not None and unit.text.upper() in _UNITS
            if value.token_type is kind and (kind is TokenType.NUMBER or not has_unit):
                yield token.start

    return Find(offsets=find, words=frozenset({"INTERVAL"}))


def bare_list(subject: Subject) -> Occurrences:
    """`[1, 2]` without ARRAY, and not behind a value that it is an index of."""
    before: Token | None = None
    for token in subject.tokens:
        if token.token_type is TokenType.L_BRACKET and (
            before is None or before.text.upper() in _BEFORE_LIST
        ):
            yield token.start
        before = token


def div(subject: Subject) -> Occurrences:
    """The operator, which stands behind a value, not Postgres' function of this name."""
    for before, token in pairwise(subject.tokens):
        if before.token_type in _VALUES and is_word(token, "DIV"):
            yield token.start


def postfix_not_null(subject: Subject) -> Occurrences:
    tokens = subject.tokens
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if before.token_type in _BEFORE_NOT or is_word(before, "IS"):
            continue
        if is_word(token, "NOT") and is_word(after, "NULL"):
            yield token.start


def postfix(word: str) -> Find:
    """`x ISNULL`, not MySQL's function ISNULL(x)."""

    def find(subject: Subject) -> Occurrences:
        for token, after in pairwise([*subject.tokens, None]):
            if token is not None and is_word(token, word) and (after is None or after.text != "("):
                yield token.start

    return Find(offsets=find, words=frozenset({word}))


def strings_side_by_side(subject: Subject) -> Occurrences:
    tokens = subject.tokens
    for at, following in pairwise(subject.tokens_of(TokenType.STRING)):
        between = subject.sql[tokens[at].end : tokens[following].start]
        if following == at + 1 and "\n" not in between:
            yield tokens[following].start


def typed_string(subject: Subject) -> Occurrences:
    for token, value in pairwise(subject.tokens):
        typed = token.text.upper() in TIMES and token.token_type not in _QUOTED
        if typed and value.token_type is TokenType.STRING:
            yield token.start


def column_aliases(node: exp.Expr) -> bool:
    return bool(node.args.get("columns")) and not isinstance(node.parent, exp.CTE)


def joined_tables(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Table) and node.args.get("alias") is not None


def is_empty(node: exp.Expr) -> bool:
    return not any(node.args.get(key) for key in ("expressions", "query", "field", "unnest"))


def offset_alone(node: exp.Expr) -> bool:
    above = node.parent
    return above is not None and above.args.get("limit") is None


def star_with_changes(node: exp.Expr) -> bool:
    return any(node.args.get(key) for key in ("except_", "replace", "rename", "except"))


def is_with_value(node: exp.Expr) -> bool:
    return isinstance(node.args.get("expression"), exp.Literal | exp.Column)


def of_values(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Tuple)


def string_agg_within_group(subject: Subject) -> Occurrences:
    """The parser turns it into an ORDER BY among the arguments."""
    sets = sum(1 for _ in subject.find_all(exp.WithinGroup))
    written = [token for token in subject.tokens if is_word(token, "WITHIN")]
    if len(written) > sets:
        yield written[0].start


def of_a_value(node: exp.Expr) -> bool:
    return isinstance(node.this.unnest(), exp.Literal)


def of_a_field(node: exp.Expr) -> bool:
    return node.args.get("field") is not None


def any_of_no_list(subject: Subject) -> Occurrences:
    """`= ANY x`, with no parenthesis behind it."""
    tokens = subject.tokens
    for sign, token, following in zip(tokens, tokens[1:], tokens[2:], strict=False):
        compared = token.token_type in {TokenType.ANY, TokenType.SOME} and sign.text in _COMPARING
        if compared and following.token_type is not TokenType.L_PAREN:
            yield token.start


def rows(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Limit) and bool(node.args.get("rows"))


def percent(node: exp.Expr) -> bool:
    return bool(node.args.get("percent"))


def among_arguments(node: exp.Expr) -> bool:
    above = node.parent
    return isinstance(above, exp.Anonymous | exp.GroupConcat | exp.Distinct)


def stars_not_first(subject: Subject) -> Occurrences:
    for select in subject.find_all(exp.Select):
        if any(isinstance(each, exp.Star) for each in select.expressions[1:]):
            yield start_of(select)


def keyword_argument(word: str) -> Find:
    """`word` among the arguments of SUBSTRING or TRIM."""

    def find(subject: Subject) -> Occurrences:
        inside: list[bool] = []
        before: Token | None = None
        for token in subject.tokens:
            if token.token_type is TokenType.L_PAREN:
                inside.append(before is not None and before.text.upper() in {"SUBSTRING", "TRIM"})
            elif token.token_type is TokenType.R_PAREN and inside:
                inside.pop()
            elif inside and inside[-1] and is_word(token, word):
                yield token.start
            before = token

    return Find(offsets=find, words=frozenset({"SUBSTRING", "TRIM"}))


TIMES = words("DATE TIME TIMESTAMP")
_QUOTED = frozenset({TokenType.STRING, TokenType.IDENTIFIER})
_BEFORE_NOT = frozenset(
    {
        *(TokenType.L_PAREN, TokenType.COMMA, TokenType.SELECT, TokenType.AND, TokenType.OR, TokenType.WHERE),
        *(TokenType.NOT, TokenType.WHEN, TokenType.THEN, TokenType.ELSE, TokenType.EQ, TokenType.ON),
    }
)
_COMPARING = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})
_VALUES = _QUOTED | {TokenType.VAR, TokenType.NUMBER, TokenType.R_PAREN}
_UNITS = words(
    "MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR SECONDS MINUTES HOURS DAYS WEEKS "
    "MONTHS YEARS DAY_HOUR DAY_MINUTE DAY_SECOND HOUR_MINUTE HOUR_SECOND MINUTE_SECOND YEAR_MONTH"
)
_BEFORE_LIST = words("SELECT , ( = + - * / < > AND OR NOT WHEN THEN ELSE IN BY ON WHERE [ || && @> <@")


def index_of_call(subject: Subject) -> Occurrences:
    """`f(x)[1]`: a bracket behind the parenthesis of a call, and not behind that of a type or a value."""
    opened: list[int] = []
    tokens, kinds = subject.tokens, subject.token_types
    for at, kind in enumerate(kinds):
        if kind is TokenType.L_PAREN:
            opened.append(at)
        elif kind is TokenType.R_PAREN and opened:
            before = opened.pop() - 1
            is_index = (
                kinds[at + 1 : at + 2] == [TokenType.L_BRACKET] and kinds[at + 2] is not TokenType.R_BRACKET
            )
            if is_index and before >= 0 and _names_a_call(tokens, before):
                yield tokens[before].start


def _names_a_call(tokens: list[Token], at: int) -> bool:
    is_type = at > 0 and tokens[at - 1].token_type in {TokenType.DCOLON, TokenType.ALIAS}
    return (
        not is_type
        and tokens[at].text.replace("_", "a").isalnum()
        and tokens[at].text.upper() not in _BEFORE_VALUE
    )


def not_added(node: exp.Expr) -> bool:
    """Whether an interval stands where MySQL has none: it is added, subtracted or an argument."""
    is_function = isinstance(node.this, exp.Tuple)  # INTERVAL(n, a, b)
    return not is_function and not isinstance(node.parent, exp.Add | exp.Sub | exp.Anonymous | exp.WindowSpec)


def of_no_string(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Expr) and not node.this.is_string
