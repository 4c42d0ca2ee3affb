"""Constructs that one dialect has and another does not: the parser knows them all, whichever it reads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.calls import start_of
from farm.sql.functions.sqlite_library import orders_aggregates
from farm.sql.subject import Subject
from farm.sql.verdict import Finding
from farm.sql.words import words

Occurrences = Iterator[int | None]


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


@dataclass(frozen=True, kw_only=True)
class Construct:
    """A construct that the `dialects` know, and what to write instead elsewhere."""

    name: str
    dialects: frozenset[str]
    find: Find
    hint: str


def known_constructs(subject: Subject) -> Iterator[Finding]:
    """Everything in the query is part of its dialect's grammar."""
    for construct in _foreign_to(subject.rules.name):
        for start in construct.find(subject):
            yield Finding(
                code="foreign_construct",
                message=f"{construct.name} is not known in {subject.rules.name}",
                hint=construct.hint,
                **subject.place(start),
            )
            break


@cache
def _foreign_to(dialect: str) -> tuple[Construct, ...]:
    return tuple(construct for construct in CONSTRUCTS if dialect not in construct.dialects)


def _node(*kinds: type[exp.Expr], where: Callable[[exp.Expr], bool] = lambda node: True) -> Find:
    def find(subject: Subject) -> Occurrences:
        return (start_of(node) for node in subject.find_all(*kinds) if where(node))

    return Find(offsets=find, kinds=frozenset(kinds))


def _written(*texts: str) -> Find:
    """Signs or unquoted words as they are written, one after the other."""

    def find(subject: Subject) -> Occurrences:
        tokens = subject.tokens
        for at in range(len(tokens) - len(texts) + 1):
            if all(_is(tokens[at + n], text) for n, text in enumerate(texts)):
                yield tokens[at].start

    return Find(offsets=find, words=frozenset(texts[:1]))


def _is(token: Token, text: str) -> bool:
    return token.token_type not in _QUOTED and token.text.upper() == text


def _either(*finds: Find) -> Find:
    def find(subject: Subject) -> Occurrences:
        return (start for each in finds for start in each(subject))

    return Find(offsets=find)


def _interval_of(kind: TokenType) -> Find:
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


def _bare_list(subject: Subject) -> Occurrences:
    """`[1, 2]` without ARRAY, and not behind a value that it is an index of."""
    before: Token | None = None
    for token in subject.tokens:
        if token.token_type is TokenType.L_BRACKET and (
            before is None or before.text.upper() in _BEFORE_LIST
        ):
            yield token.start
        before = token


def _div(subject: Subject) -> Occurrences:
    """The operator, which stands behind a value, not Postgres' function of this name."""
    for before, token in pairwise(subject.tokens):
        if before.token_type in _VALUES and _is(token, "DIV"):
            yield token.start


def _postfix_not_null(subject: Subject) -> Occurrences:
    tokens = subject.tokens
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if _is(token, "NOT") and _is(after, "NULL") and not _is(before, "IS"):
            yield token.start


def _postfix(word: str) -> Find:
    """`x ISNULL`, not MySQL's function ISNULL(x)."""

    def find(subject: Subject) -> Occurrences:
        for token, after in pairwise([*subject.tokens, None]):
            if token is not None and _is(token, word) and (after is None or after.text != "("):
                yield token.start

    return Find(offsets=find, words=frozenset({word}))


def _strings_side_by_side(subject: Subject) -> Occurrences:
    for token, following in pairwise(subject.tokens):
        between = subject.sql[token.end : following.start]
        if token.token_type is following.token_type is TokenType.STRING and "\n" not in between:
            yield following.start


def _typed_string(subject: Subject) -> Occurrences:
    for token, value in pairwise(subject.tokens):
        typed = token.text.upper() in _TIMES and token.token_type not in _QUOTED
        if typed and value.token_type is TokenType.STRING:
            yield token.start


def _column_aliases(node: exp.Expr) -> bool:
    return bool(node.args.get("columns")) and not isinstance(node.parent, exp.CTE)


def _joined_tables(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Table) and node.args.get("alias") is not None


def _is_empty(node: exp.Expr) -> bool:
    return not any(node.args.get(key) for key in ("expressions", "query", "field", "unnest"))


def _offset_alone(node: exp.Expr) -> bool:
    above = node.parent
    return above is not None and above.args.get("limit") is None


def _star_with_changes(node: exp.Expr) -> bool:
    return any(node.args.get(key) for key in ("except_", "replace", "rename", "except"))


def _is_with_value(node: exp.Expr) -> bool:
    return isinstance(node.args.get("expression"), exp.Literal | exp.Column)


def _of_values(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Tuple)


def _string_agg_within_group(subject: Subject) -> Occurrences:
    """The parser turns it into an ORDER BY among the arguments."""
    sets = sum(1 for _ in subject.find_all(exp.WithinGroup))
    written = [token for token in subject.tokens if _is(token, "WITHIN")]
    if len(written) > sets:
        yield written[0].start


def _of_a_value(node: exp.Expr) -> bool:
    return isinstance(node.this.unnest(), exp.Literal)


def _of_a_field(node: exp.Expr) -> bool:
    return node.args.get("field") is not None


def _any_of_no_list(subject: Subject) -> Occurrences:
    """`= ANY x`, with no parenthesis behind it."""
    tokens = subject.tokens
    for sign, token, following in zip(tokens, tokens[1:], tokens[2:], strict=False):
        compared = token.token_type in {TokenType.ANY, TokenType.SOME} and sign.text in _COMPARING
        if compared and following.token_type is not TokenType.L_PAREN:
            yield token.start


def _rows(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Limit) and bool(node.args.get("rows"))


def _percent(node: exp.Expr) -> bool:
    return bool(node.args.get("percent"))


def _among_arguments(node: exp.Expr) -> bool:
    above = node.parent
    return isinstance(above, exp.Anonymous | exp.GroupConcat | exp.Distinct)


def _stars_not_first(subject: Subject) -> Occurrences:
    for select in subject.find_all(exp.Select):
        if any(isinstance(each, exp.Star) for each in select.expressions[1:]):
            yield start_of(select)


def _keyword_argument(word: str) -> Find:
    """`word` among the arguments of SUBSTRING or TRIM."""

    def find(subject: Subject) -> Occurrences:
        inside: list[bool] = []
        before: Token | None = None
        for token in subject.tokens:
            if token.token_type is TokenType.L_PAREN:
                inside.append(before is not None and before.text.upper() in {"SUBSTRING", "TRIM"})
            elif token.token_type is TokenType.R_PAREN and inside:
                inside.pop()
            elif inside and inside[-1] and _is(token, word):
                yield token.start
            before = token

    return Find(offsets=find, words=frozenset({"SUBSTRING", "TRIM"}))


_TIMES = words("DATE TIME TIMESTAMP")
_QUOTED = frozenset({TokenType.STRING, TokenType.IDENTIFIER})
_COMPARING = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})
_VALUES = _QUOTED | {TokenType.VAR, TokenType.NUMBER, TokenType.R_PAREN}
_UNITS = words(
    "MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR SECONDS MINUTES HOURS DAYS WEEKS "
    "MONTHS YEARS DAY_HOUR DAY_MINUTE DAY_SECOND HOUR_MINUTE HOUR_SECOND MINUTE_SECOND YEAR_MONTH"
)
_BEFORE_LIST = words("SELECT , ( = + - * / < > AND OR NOT WHEN THEN ELSE IN BY ON WHERE [ || && @> <@")
_ALL = frozenset({"sqlite", "postgres", "mysql", "duckdb"})
_LIKE_POSTGRES = frozenset({"postgres", "duckdb"})
_MODERN = frozenset({"sqlite", "postgres", "duckdb"})


def _of(name: str, dialects: frozenset[str], find: Find, hint: str) -> Construct:
    return Construct(name=name, dialects=dialects, find=find, hint=hint)


CONSTRUCTS: tuple[Construct, ...] = (
    _of("::", _LIKE_POSTGRES, _written("::"), "write CAST(… AS …)"),
    _of("ILIKE", _LIKE_POSTGRES, _written("ILIKE"), "write LOWER(…) LIKE LOWER(…)"),
    _of("FILTER (WHERE …)", _MODERN, _node(exp.Filter), "write SUM(CASE WHEN … THEN … END)"),
    _of("DISTINCT ON", _LIKE_POSTGRES, _written("DISTINCT", "ON"), "use GROUP BY or ROW_NUMBER()"),
    _of(
        "FULL JOIN",
        _MODERN,
        _either(_written("FULL", "JOIN"), _written("FULL", "OUTER")),
        "unite two LEFT JOINs",
    ),
    _of(
        "NULLS FIRST and NULLS LAST",
        _MODERN,
        _either(_written("NULLS", "FIRST"), _written("NULLS", "LAST")),
        "order by … IS NULL first",
    ),
    _of("IS DISTINCT FROM", _MODERN, _written("DISTINCT", "FROM"), "compare with = and IS NULL"),
    _of("SIMILAR TO", _LIKE_POSTGRES, _node(exp.SimilarTo), "use LIKE"),
    _of(
        "a name for joined tables in parentheses",
        _MODERN,
        _node(exp.Subquery, where=_joined_tables),
        "give the tables names of their own",
    ),
    _of("QUALIFY", frozenset({"duckdb"}), _node(exp.Qualify), "filter outside of a subquery"),
    _of(
        "REGEXP",
        frozenset({"mysql"}),
        _either(_written("REGEXP"), _written("RLIKE")),
        "use LIKE, or ~ in Postgres",
    ),
    _of("INTERVAL", _ALL - {"sqlite"}, _node(exp.Interval), "use date(…, '+1 day')"),
    _of("INTERVAL '1 day'", _LIKE_POSTGRES, _interval_of(TokenType.STRING), "write INTERVAL 1 DAY"),
    _of("INTERVAL 1 DAY", _ALL - {"postgres"}, _interval_of(TokenType.NUMBER), "write INTERVAL '1 day'"),
    _of("ARRAY[…]", _LIKE_POSTGRES, _node(exp.Array), "use IN (…), or a subquery"),
    _of(
        "a list in brackets",
        frozenset({"duckdb", "sqlite"}),
        Find(offsets=_bare_list, words=frozenset({"["})),
        "write ARRAY[…], and names in quotes",
    ),
    _of("LATERAL", _LIKE_POSTGRES, _node(exp.Lateral), "join a subquery, or use a correlated one"),
    _of(
        "a column list behind a table's alias",
        _LIKE_POSTGRES,
        _node(exp.TableAlias, where=_column_aliases),
        "give aliases inside",
    ),
    _of("OFFSET without LIMIT", _LIKE_POSTGRES, _node(exp.Offset, where=_offset_alone), "add a LIMIT"),
    _of("LIMIT ALL", frozenset({"postgres", "sqlite"}), _written("LIMIT", "ALL"), "leave LIMIT out"),
    _of(
        "ROLLUP (…)", _LIKE_POSTGRES, _either(_written("ROLLUP", "("), _written("CUBE", "(")), "use UNION ALL"
    ),
    _of("GROUPING SETS", _LIKE_POSTGRES, _node(exp.GroupingSets), "use UNION ALL"),
    _of("WITH ROLLUP", frozenset({"mysql"}), _written("WITH", "ROLLUP"), "write GROUP BY ROLLUP (…)"),
    _of("TABLESAMPLE", _LIKE_POSTGRES, _node(exp.TableSample), "use ORDER BY and LIMIT"),
    _of(
        "DIV", frozenset({"mysql"}), Find(offsets=_div, words=frozenset({"DIV"})), "write / between integers"
    ),
    _of(
        "CURRENT_TIMESTAMP(…)",
        frozenset({"mysql", "postgres"}),
        _written("CURRENT_TIMESTAMP", "("),
        "leave it out",
    ),
    _of("XOR", frozenset({"mysql"}), _node(exp.Xor), "write <>"),
    _of("<=>", frozenset({"mysql"}), _written("<=>"), "write IS NOT DISTINCT FROM"),
    _of("==", frozenset({"sqlite", "duckdb"}), _written("=="), "write ="),
    _of("GLOB", frozenset({"sqlite", "duckdb"}), _written("GLOB"), "use LIKE"),
    _of("ISNULL", _MODERN, _postfix("ISNULL"), "write IS NULL"),
    _of("NOTNULL", _MODERN, _postfix("NOTNULL"), "write IS NOT NULL"),
    _of(
        "NOT NULL behind a value",
        frozenset({"sqlite"}),
        Find(offsets=_postfix_not_null, words=frozenset({"NULL"})),
        "write IS NOT NULL",
    ),
    _of(
        "a string behind a string",
        frozenset({"mysql", "sqlite"}),
        Find(offsets=_strings_side_by_side),
        "use ||",
    ),
    _of("GROUP BY ALL", frozenset({"duckdb"}), _written("GROUP BY", "ALL"), "name the columns"),
    _of(
        "* without some columns",
        frozenset({"duckdb"}),
        _node(exp.Star, where=_star_with_changes),
        "name the columns",
    ),
    _of("AT TIME ZONE", _LIKE_POSTGRES, _node(exp.AtTimeZone), "convert times otherwise"),
    _of(
        "DATE '…'",
        _ALL - {"sqlite"},
        Find(offsets=_typed_string, words=_TIMES),
        "write the string alone, or date('…')",
    ),
    _of(
        "ANY and ALL with a subquery",
        _ALL - {"sqlite"},
        _node(exp.Any, exp.All),
        "use IN, EXISTS, MIN or MAX",
    ),
    _of(
        "an empty IN ()",
        frozenset({"sqlite", "duckdb"}),
        _node(exp.In, where=_is_empty),
        "put a value into it, or leave it out",
    ),
    _of("->", _ALL - {"mysql"}, _node(exp.JSONExtract, exp.JSONExtractScalar), "use JSON_EXTRACT"),
    _of("^", _ALL - {"sqlite"}, _written("^"), "use POWER(…)"),
    _of("FROM among the arguments", _ALL - {"sqlite"}, _keyword_argument("FROM"), "separate them by commas"),
    _of(
        "INTERSECT ALL and EXCEPT ALL",
        _ALL - {"sqlite"},
        _either(_written("INTERSECT", "ALL"), _written("EXCEPT", "ALL")),
        "leave ALL out",
    ),
    _of("MINUS", frozenset(), _written("MINUS", "SELECT"), "write EXCEPT"),
    _of(
        "WITHIN GROUP",
        _LIKE_POSTGRES | {"mysql"},
        _node(exp.WithinGroup),
        "use ROW_NUMBER() to find a median or a percentile",
    ),
    _of("IS with a value", frozenset({"sqlite"}), _node(exp.Is, where=_is_with_value), "compare with ="),
    _of(
        "string_agg with WITHIN GROUP",
        frozenset(),
        Find(offsets=_string_agg_within_group, words=frozenset({"WITHIN"})),
        "write string_agg(…, … ORDER BY …)",
    ),
    _of("ANY with values", frozenset(), _node(exp.Any, exp.All, where=_of_values), "use IN (…)"),
    _of("ANY with a value", _LIKE_POSTGRES, _node(exp.Any, exp.All, where=_of_a_value), "compare with ="),
    _of("SEARCH", frozenset({"postgres"}), _node(exp.RecursiveWithSearch), "compute the order in the query"),
    _of("ANY without parentheses", frozenset(), Find(offsets=_any_of_no_list), "write = ANY (…)"),
    _of(
        "IN without parentheses",
        frozenset({"sqlite", "duckdb"}),
        _node(exp.In, where=_of_a_field),
        "use IN (…)",
    ),
    _of("LIMIT … ROWS", frozenset(), _node(exp.LimitOptions, where=_rows), "write LIMIT and the number"),
    _of("LIMIT … PERCENT", frozenset({"duckdb"}), _node(exp.LimitOptions, where=_percent), "count the rows"),
    _of("* behind other columns", _MODERN, Find(offsets=_stars_not_first), "put * first, or write t.*"),
    _of(
        "LIKE ANY",
        _LIKE_POSTGRES,
        _either(_written("LIKE", "ANY"), _written("ILIKE", "ANY")),
        "join several LIKEs with OR",
    ),
    _of(
        "CURRENT_DATE()",
        frozenset({"mysql", "duckdb"}),
        _either(
            *(_written(word, "(", ")") for word in ("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"))
        ),
        "leave the parentheses out",
    ),
    _of(
        "ORDER BY among the arguments",
        _ALL if orders_aggregates() else _ALL - {"sqlite"},
        _node(exp.Order, where=_among_arguments),
        "aggregate a subquery that is ordered",
    ),
)
