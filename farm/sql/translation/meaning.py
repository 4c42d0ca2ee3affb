"""What another dialect would take for something else, though it can be written there the same way.

Each rule looks at a query as it is to be rewritten, and tells what it would not mean any more. sqlglot
rewrites words; where the dialects compute otherwise it says nothing, which was tried for each of these.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from farm.sql.names.resolution import Resolution

_FRACTIONS = re.compile(r"real|floa|doub|num|dec", re.IGNORECASE)
_INTEGERS = re.compile(r"int|big|small|tiny|medium", re.IGNORECASE)
_TEXTS = re.compile(r"char|text|clob|varchar|nvarchar|character|nchar", re.IGNORECASE)
_TIMES = re.compile(r"date|time", re.IGNORECASE)
_FRACTION_TYPES = frozenset({"FLOAT", "DOUBLE", "DECIMAL"})
_WHOLE_TYPES = frozenset({"INT", "BIGINT", "SMALLINT", "TINYINT"})
_TIME_TYPES = frozenset({"DATE", "DATETIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPNTZ", "TIME", "TIMETZ"})
_NOW = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.Localtimestamp)
_PASSED_ON = (exp.Paren, exp.Neg, exp.Sum, exp.Max, exp.Min, exp.Abs, exp.Coalesce, exp.Nullif, exp.Round)
_FORMAT = re.compile(r"(%[YmdHMS]|[^A-Za-z0-9%])*\Z")
FRACTIONS = frozenset({"numeric", "float4", "float8"})
"""What Postgres calls types of numbers that need not be whole."""
WHOLE_NUMBERS = frozenset({"int2", "int4", "int8"})
_WHOLE = frozenset({"sqlite", "postgres"})
"""Dialects in which 7 / 2 is 3."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What would mean something else, where, and what to write instead."""

    what: str
    node: exp.Expr
    hint: str


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """A query on its way from one dialect into another."""

    tree: exp.Expr
    resolution: Resolution
    source: str
    dialect: str
    quotients: Mapping[int, str | None] = field(default_factory=dict)
    """The types that Postgres gives to divisions, by the ids of their nodes, where it is the source."""

    def is_fraction(self, node: exp.Expr | None) -> bool:
        """Whether a value certainly need not be a whole number."""
        if isinstance(node, exp.Literal):
            return not node.is_string and not node.name.isdigit()
        if isinstance(node, exp.Cast):
            return node.to.this.name in _FRACTION_TYPES
        if isinstance(node, exp.Column):
            return bool(_FRACTIONS.match(self._type(node)))
        if isinstance(node, exp.Avg):
            return True
        if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
            return self.is_fraction(node.this) or self.is_fraction(node.expression)
        return isinstance(node, _PASSED_ON) and self.is_fraction(node.this)

    def is_number(self, node: exp.Expr | None) -> bool:
        """Whether a value is certainly a number."""
        if isinstance(node, exp.Column) and _INTEGERS.match(self._type(node)):
            return True
        if isinstance(node, exp.Subquery) and len(node.selects) == 1:
            return self.is_number(node.selects[0])
        whole = isinstance(node, exp.Literal) and not node.is_string
        return whole or isinstance(node, exp.Count) or self.is_fraction(node)

    def is_text(self, node: exp.Expr | None) -> bool:
        """Whether a value is certainly a text."""
        if isinstance(node, exp.Column):
            return bool(_TEXTS.match(self._type(node)))
        return isinstance(node, exp.Literal) and node.is_string

    def is_time(self, node: exp.Expr | None) -> bool:
        """Whether a value is certainly a date or a time."""
        if isinstance(node, exp.Cast):
            return node.to.this.name in _TIME_TYPES
        if isinstance(node, exp.Column):
            return bool(_TIMES.match(self._type(node)))
        return isinstance(node, _NOW) or (isinstance(node, _PASSED_ON) and self.is_time(node.this))

    def _type(self, node: exp.Column) -> str:
        reference = self.resolution.references.get(id(node))
        if reference is None or reference.source is None or reference.source.table is None:
            return ""
        return reference.source.table.types.get(reference.name, "")


def whole_division(at: Rewriting) -> Iterator[Change]:
    if at.source not in _WHOLE or at.dialect in _WHOLE:
        return
    for node in at.tree.find_all(exp.Div):
        known = at.quotients.get(id(node)) in (*FRACTIONS, *WHOLE_NUMBERS)  # the latter as DIV or //
        if not (known or at.is_fraction(node.this) or at.is_fraction(node.expression)):
            what = f"of whole numbers, / gives a whole number in {at.source} and a fraction in {at.dialect}"
            yield Change(what=what, node=node, hint="cast one side: CAST(a AS REAL) / b")


def fractions_to_whole_numbers(at: Rewriting) -> Iterator[Change]:
    """SQLite cuts, the others round."""
    if (at.source == "sqlite") == (at.dialect == "sqlite"):
        return
    for node in at.tree.find_all(exp.Cast):
        if node.to.this.name in _WHOLE_TYPES and at.is_fraction(node.this):
            what = "a cast from a fraction to a whole number cuts it in sqlite and rounds it elsewhere"
            yield Change(what=what, node=node, hint="use ROUND, or FLOOR where there is one")


def greatest_of_nulls(at: Rewriting) -> Iterator[Change]:
    passes_over = {"postgres", "duckdb"}
    if (at.source in passes_over) == (at.dialect in passes_over) or {at.source, at.dialect} == {
        "sqlite",
        "mysql",
    }:
        return
    if at.source == "sqlite" and at.dialect == "duckdb":
        return  # written as a CASE
    for node in at.tree.find_all(exp.Greatest, exp.Least, exp.Max, exp.Min):
        if node.expressions:
            what = f"the greatest or least of several values treats NULL otherwise in {at.dialect}"
            yield Change(what=what, node=node, hint="write it as CASE WHEN")


def full_joins(at: Rewriting) -> Iterator[Change]:
    for node in at.tree.find_all(exp.Join):
        if at.dialect == "mysql" and node.side == "FULL":
            yield Change(what="mysql has no FULL JOIN", node=node, hint="use LEFT JOIN and UNION ALL")


def arrays(at: Rewriting) -> Iterator[Change]:
    for node in at.tree.find_all(exp.ArrayAgg):
        if at.dialect in ("mysql", "sqlite"):
            yield Change(what=f"{at.dialect} has no arrays", node=node, hint="leave array_agg out")


def distinct_on(at: Rewriting) -> Iterator[Change]:
    for node in at.tree.find_all(exp.Distinct):
        if node.args.get("on") and at.dialect in ("mysql", "sqlite"):
            yield Change(
                what=f"{at.dialect} has no DISTINCT ON", node=node, hint="use ROW_NUMBER() OVER (…) = 1"
            )


def date_arithmetic(at: Rewriting) -> Iterator[Change]:
    if at.source not in ("postgres", "duckdb") or at.dialect not in ("sqlite", "mysql"):
        return
    for node in at.tree.find_all(exp.Add, exp.Sub):
        sides = (node.this, node.expression)
        if any(map(at.is_time, sides)) and not any(isinstance(side, exp.Interval) for side in sides):
            what = f"{at.dialect} does not compute with dates by + and -"
            yield Change(what=what, node=node, hint="compare the dates themselves, without computing")


def lengths_in_bytes(at: Rewriting) -> Iterator[Change]:
    for node in at.tree.find_all(exp.Length):
        if at.source == "mysql" and node.args.get("binary"):
            what = "LENGTH counts bytes in mysql and characters elsewhere"
            yield Change(what=what, node=node, hint="use CHAR_LENGTH")


def formats_of_dates(at: Rewriting) -> Iterator[Change]:
    """sqlglot leaves what it has no counterpart for in the format as it is."""
    for node in at.tree.find_all(exp.TimeToStr, exp.StrToTime, exp.StrToDate, exp.ToChar):
        format_ = node.args.get("format")
        if not isinstance(format_, exp.Literal) or not _FORMAT.match(format_.name):
            what = f"this format of a date cannot be written for {at.dialect}"
            yield Change(
                what=what, node=node, hint="use years, months, days, hours, minutes, seconds as numbers"
            )


def the_word_now(at: Rewriting) -> Iterator[Change]:
    for node in at.tree.find_all(exp.Literal):
        if at.source == "sqlite" and node.is_string and node.name.lower() == "now":
            yield Change(what="only sqlite reads 'now' as a time", node=node, hint="use CURRENT_TIMESTAMP")


def as_glob(node: exp.Like) -> exp.Expr | None:
    """LIKE as SQLite's GLOB, which minds capital letters; None where the pattern has not the same form."""
    pattern = node.expression
    if not (isinstance(pattern, exp.Literal) and pattern.is_string) or set("*?[]\\") & set(pattern.name):
        return None
    text = pattern.name.replace("%", "*").replace("_", "?")
    glob = exp.Glob(this=node.this.copy(), expression=exp.Literal.string(text))
    return exp.Not(this=glob) if node.args.get("negate") else glob


def patterns_in_capitals(at: Rewriting) -> Iterator[Change]:
    """LIKE that minds capital letters, where SQLite's does not."""
    if at.source not in ("postgres", "duckdb") or at.dialect != "sqlite":
        return
    for node in at.tree.find_all(exp.Like):
        if as_glob(node) is not None:
            continue
        what = "LIKE minds capital letters, but not in sqlite"
        yield Change(what=what, node=node, hint="use ILIKE if letters may differ, = if there is no wildcard")


def text_and_numbers(at: Rewriting) -> Iterator[Change]:
    """MySQL makes a number of the text, and 0 of what is none; SQLite compares texts."""
    if at.source != "sqlite" or at.dialect != "mysql":
        return
    for node in at.tree.find_all(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE):
        sides = (node.this, node.expression)
        if any(map(at.is_text, sides)) and any(map(at.is_number, sides)):
            what = "a text and a number compare otherwise in mysql"
            yield Change(what=what, node=node, hint="cast one side, or put the number in quotes")


RULES: tuple[Callable[[Rewriting], Iterator[Change]], ...] = (
    whole_division,
    fractions_to_whole_numbers,
    greatest_of_nulls,
    full_joins,
    arrays,
    distinct_on,
    date_arithmetic,
    lengths_in_bytes,
    formats_of_dates,
    the_word_now,
    patterns_in_capitals,
    text_and_numbers,
)
