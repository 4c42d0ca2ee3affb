"""Constructs that one dialect has and another does not: the parser knows them all, whichever it reads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from farm.sql.checks.occurrences import (
    TIMES,
    Find,
    among_arguments,
    any_of_no_list,
    bare_list,
    column_aliases,
    div,
    either,
    index_of_call,
    interval_of,
    is_empty,
    is_with_value,
    joined_tables,
    keyword_argument,
    nodes_of,
    not_added,
    of_a_field,
    of_a_value,
    of_no_string,
    of_values,
    offset_alone,
    percent,
    postfix,
    postfix_not_null,
    rows,
    star_with_changes,
    stars_not_first,
    string_agg_within_group,
    strings_side_by_side,
    typed_string,
    written_as,
)
from farm.sql.functions.sqlite_library import orders_aggregates
from farm.sql.subject import Subject
from farm.sql.verdict import Finding


@dataclass(frozen=True, kw_only=True)
class Construct:
    """A construct that the `dialects` know, and what to write instead elsewhere."""

    name: str
    dialects: frozenset[str]
    find: Find
    hint: str


def known_constructs(subject: Subject) -> Iterator[Finding]:
    """Everything in the query is part of its dialect's grammar."""
    for construct in _foreign_to(subject.rules.name).among(subject):
        for start in construct.find(subject):
            yield Finding(
                code="foreign_construct",
                message=f"{construct.name} is not known in {subject.rules.name}",
                hint=construct.hint,
                **subject.place(start),
            )
            break


class _Index:
    """Constructs by what they are recognised by: few queries have any of it."""

    def __init__(self, constructs: Sequence[Construct]) -> None:
        self._constructs = constructs
        self._by_sign: dict[str | type[exp.Expr], list[int]] = {}
        self._by_none: list[int] = []
        for at, construct in enumerate(constructs):
            signs: Iterable[str | type[exp.Expr]] = construct.find.words or construct.find.kinds
            for sign in signs:
                self._by_sign.setdefault(sign, []).append(at)
            if not signs:
                self._by_none.append(at)
        self._words = frozenset(sign for sign in self._by_sign if isinstance(sign, str))
        self._kinds = frozenset(sign for sign in self._by_sign if isinstance(sign, type))

    def among(self, subject: Subject) -> Iterator[Construct]:
        """Those that may be in the query, in their order."""
        found = set(self._by_none)
        for word in self._words & subject.words:
            found.update(self._by_sign[word])
        for kind in self._kinds & subject.kinds:
            found.update(self._by_sign[kind])
        return (self._constructs[at] for at in sorted(found))


@cache
def _foreign_to(dialect: str) -> _Index:
    return _Index([construct for construct in CONSTRUCTS if dialect not in construct.dialects])


_ALL = frozenset({"sqlite", "postgres", "mysql", "duckdb"})
_LIKE_POSTGRES = frozenset({"postgres", "duckdb"})
_MODERN = frozenset({"sqlite", "postgres", "duckdb"})


def _of(name: str, dialects: frozenset[str], find: Find, hint: str) -> Construct:
    return Construct(name=name, dialects=dialects, find=find, hint=hint)


CONSTRUCTS: tuple[Construct, ...] = (
    _of("::", _LIKE_POSTGRES, written_as("::"), "write CAST(… AS …)"),
    _of("ILIKE", _LIKE_POSTGRES, written_as("ILIKE"), "write LOWER(…) LIKE LOWER(…)"),
    _of("FILTER (WHERE …)", _MODERN, nodes_of(exp.Filter), "write SUM(CASE WHEN … THEN … END)"),
    _of("DISTINCT ON", _LIKE_POSTGRES, written_as("DISTINCT", "ON"), "use GROUP BY or ROW_NUMBER()"),
    _of(
        "FULL JOIN",
        _MODERN,
        either(written_as("FULL", "JOIN"), written_as("FULL", "OUTER")),
        "unite two LEFT JOINs",
    ),
    _of(
        "NULLS FIRST and NULLS LAST",
        _MODERN,
        either(written_as("NULLS", "FIRST"), written_as("NULLS", "LAST")),
        "order by … IS NULL first",
    ),
    _of("IS DISTINCT FROM", _MODERN, written_as("DISTINCT", "FROM"), "compare with = and IS NULL"),
    _of("SIMILAR TO", _LIKE_POSTGRES, nodes_of(exp.SimilarTo), "use LIKE"),
    _of(
        "a name for joined tables in parentheses",
        _MODERN,
        nodes_of(exp.Subquery, where=joined_tables),
        "give the tables names of their own",
    ),
    _of("QUALIFY", frozenset({"duckdb"}), nodes_of(exp.Qualify), "filter outside of a subquery"),
    _of(
        "REGEXP",
        frozenset({"mysql"}),
        either(written_as("REGEXP"), written_as("RLIKE")),
        "use LIKE, or ~ in Postgres",
    ),
    _of("INTERVAL", _ALL - {"sqlite"}, nodes_of(exp.Interval), "use date(…, '+1 day')"),
    _of("INTERVAL '1 day'", _LIKE_POSTGRES, interval_of(TokenType.STRING), "write INTERVAL 1 DAY"),
    _of("INTERVAL 1 DAY", _ALL - {"postgres"}, interval_of(TokenType.NUMBER), "write INTERVAL '1 day'"),
    _of(
        "INTERVAL without a string",
        _ALL - {"postgres"},
        nodes_of(exp.Interval, where=of_no_string),
        "write n * INTERVAL '1 day'",
    ),
    _of(
        "INTERVAL outside of + and -",
        _ALL - {"mysql"},
        nodes_of(exp.Interval, where=not_added),
        "add it to a date, or use TIMESTAMPDIFF",
    ),
    _of("an index", _ALL - {"mysql"}, nodes_of(exp.Bracket), "use SUBSTRING_INDEX or JSON_EXTRACT"),
    _of(
        "an index behind a call",
        _ALL - {"postgres"},
        Find(offsets=index_of_call, words=frozenset({"["})),
        "put the call in parentheses: (…)[1]",
    ),
    _of("BETWEEN SYMMETRIC", frozenset({"postgres"}), written_as("BETWEEN", "SYMMETRIC"), "order the bounds"),
    _of(
        "#>",
        frozenset({"postgres"}),
        nodes_of(exp.JSONBExtract, exp.JSONBExtractScalar),
        "use JSON_EXTRACT(…, '$.a.b')",
    ),
    _of("ARRAY[…]", _LIKE_POSTGRES, nodes_of(exp.Array), "use IN (…), or a subquery"),
    _of(
        "a list in brackets",
        frozenset({"duckdb", "sqlite"}),
        Find(offsets=bare_list, words=frozenset({"["})),
        "write ARRAY[…], and names in quotes",
    ),
    _of("LATERAL", _LIKE_POSTGRES, nodes_of(exp.Lateral), "join a subquery, or use a correlated one"),
    _of(
        "a column list behind a table's alias",
        _LIKE_POSTGRES,
        nodes_of(exp.TableAlias, where=column_aliases),
        "give aliases inside",
    ),
    _of("OFFSET without LIMIT", _LIKE_POSTGRES, nodes_of(exp.Offset, where=offset_alone), "add a LIMIT"),
    _of("LIMIT ALL", frozenset({"postgres", "sqlite"}), written_as("LIMIT", "ALL"), "leave LIMIT out"),
    _of(
        "ROLLUP (…)",
        _LIKE_POSTGRES,
        either(written_as("ROLLUP", "("), written_as("CUBE", "(")),
        "use UNION ALL",
    ),
    _of("GROUPING SETS", _LIKE_POSTGRES, nodes_of(exp.GroupingSets), "use UNION ALL"),
    _of("WITH ROLLUP", frozenset({"mysql"}), written_as("WITH", "ROLLUP"), "write GROUP BY ROLLUP (…)"),
    _of("TABLESAMPLE", _LIKE_POSTGRES, nodes_of(exp.TableSample), "use ORDER BY and LIMIT"),
    _of("DIV", frozenset({"mysql"}), Find(offsets=div, words=frozenset({"DIV"})), "write / between integers"),
    _of(
        "CURRENT_TIMESTAMP(…)",
        frozenset({"mysql", "postgres"}),
        written_as("CURRENT_TIMESTAMP", "("),
        "leave it out",
    ),
    _of("XOR", frozenset({"mysql"}), nodes_of(exp.Xor), "write <>"),
    _of("<=>", frozenset({"mysql"}), written_as("<=>"), "write IS NOT DISTINCT FROM"),
    _of("==", frozenset({"sqlite", "duckdb"}), written_as("=="), "write ="),
    _of("GLOB", frozenset({"sqlite", "duckdb"}), written_as("GLOB"), "use LIKE"),
    _of("ISNULL", _MODERN, postfix("ISNULL"), "write IS NULL"),
    _of("NOTNULL", _MODERN, postfix("NOTNULL"), "write IS NOT NULL"),
    _of(
        "NOT NULL behind a value",
        frozenset({"sqlite", "duckdb"}),
        Find(offsets=postfix_not_null, words=frozenset({"NULL"})),
        "write IS NOT NULL",
    ),
    _of(
        "a string behind a string",
        frozenset({"mysql", "sqlite"}),
        Find(offsets=strings_side_by_side),
        "use ||",
    ),
    _of("GROUP BY ALL", frozenset({"duckdb"}), written_as("GROUP BY", "ALL"), "name the columns"),
    _of(
        "* without some columns",
        frozenset({"duckdb"}),
        nodes_of(exp.Star, where=star_with_changes),
        "name the columns",
    ),
    _of("AT TIME ZONE", _LIKE_POSTGRES, nodes_of(exp.AtTimeZone), "convert times otherwise"),
    _of(
        "DATE '…'",
        _ALL - {"sqlite"},
        Find(offsets=typed_string, words=TIMES),
        "write the string alone, or date('…')",
    ),
    _of(
        "ANY and ALL with a subquery",
        _ALL - {"sqlite"},
        nodes_of(exp.Any, exp.All),
        "use IN, EXISTS, MIN or MAX",
    ),
    _of(
        "an empty IN ()",
        frozenset({"sqlite", "duckdb"}),
        nodes_of(exp.In, where=is_empty),
        "put a value into it, or leave it out",
    ),
    _of("->", _ALL - {"mysql"}, nodes_of(exp.JSONExtract, exp.JSONExtractScalar), "use JSON_EXTRACT"),
    _of("^", _ALL - {"sqlite"}, written_as("^"), "use POWER(…)"),
    _of("FROM among the arguments", _ALL - {"sqlite"}, keyword_argument("FROM"), "separate them by commas"),
    _of(
        "INTERSECT ALL and EXCEPT ALL",
        _ALL - {"sqlite"},
        either(written_as("INTERSECT", "ALL"), written_as("EXCEPT", "ALL")),
        "leave ALL out",
    ),
    _of("MINUS", frozenset(), written_as("MINUS", "SELECT"), "write EXCEPT"),
    _of(
        "WITHIN GROUP",
        _LIKE_POSTGRES | {"mysql"},
        nodes_of(exp.WithinGroup),
        "use ROW_NUMBER() to find a median or a percentile",
    ),
    _of("IS with a value", frozenset({"sqlite"}), nodes_of(exp.Is, where=is_with_value), "compare with ="),
    _of(
        "string_agg with WITHIN GROUP",
        frozenset(),
        Find(offsets=string_agg_within_group, words=frozenset({"WITHIN"})),
        "write string_agg(…, … ORDER BY …)",
    ),
    _of("ANY with values", frozenset(), nodes_of(exp.Any, exp.All, where=of_values), "use IN (…)"),
    _of("ANY with a value", _LIKE_POSTGRES, nodes_of(exp.Any, exp.All, where=of_a_value), "compare with ="),
    _of("SEARCH", frozenset({"postgres"}), nodes_of(exp.RecursiveWithSearch), "order the result"),
    _of(
        "ANY without parentheses",
        frozenset(),
        Find(offsets=any_of_no_list, words=frozenset({"ANY", "SOME"})),
        "write = ANY (…)",
    ),
    _of(
        "IN without parentheses",
        frozenset({"sqlite", "duckdb"}),
        nodes_of(exp.In, where=of_a_field),
        "use IN (…)",
    ),
    _of("LIMIT … ROWS", frozenset(), nodes_of(exp.LimitOptions, where=rows), "write LIMIT and the number"),
    _of(
        "LIMIT … PERCENT", frozenset({"duckdb"}), nodes_of(exp.LimitOptions, where=percent), "count the rows"
    ),
    _of(
        "* behind other columns",
        _MODERN,
        Find(offsets=stars_not_first, kinds=frozenset({exp.Star})),
        "put * first, or write t.*",
    ),
    _of(
        "LIKE ANY",
        _LIKE_POSTGRES,
        either(written_as("LIKE", "ANY"), written_as("ILIKE", "ANY")),
        "join several LIKEs with OR",
    ),
    _of(
        "CURRENT_DATE()",
        frozenset({"mysql", "duckdb"}),
        either(
            *(written_as(word, "(", ")") for word in ("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"))
        ),
        "leave the parentheses out",
    ),
    _of(
        "ORDER BY among the arguments",
        _ALL if orders_aggregates() else _ALL - {"sqlite"},
        nodes_of(exp.Order, where=among_arguments),
        "aggregate a subquery that is ordered",
    ),
)
