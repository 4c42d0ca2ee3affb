"""What a result column that has no alias is called: in Postgres after FigureColname in parse_target.c."""

from sqlglot import exp

from farm.sql.calls import called, is_bare
from farm.sql.types.names import type_of
from farm.sql.types.written import written_type

NAMELESS = "?column?"
_NAMELESS = (exp.Literal, exp.Binary, exp.Neg, exp.Not, exp.Null, exp.Between, exp.In, exp.Is, exp.Boolean)
_PASSING = (exp.Paren, exp.Window, exp.Filter, exp.WithinGroup, exp.Collate, exp.Bracket, exp.Dot)
_WEAK = (None, NAMELESS, "case")


_WITH_SIGNS = (
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.Case,
    exp.Neg,
    exp.Window,
    exp.Filter,
    exp.DPipe,
    exp.Cast,
    exp.Predicate,
    exp.Connector,
    exp.Not,
)
_OF_ARGUMENTS = frozenset({"columns", "unnest"})  # DuckDB's, which give columns names of their own


def is_no_word(node: exp.Expr) -> bool:
    """Whether the other dialects, which call a column what its expression is, give it a name that no bare
    word means, such as `count(*)`."""
    name = called(node)
    if name is not None:
        return not is_bare(node) and name not in _OF_ARGUMENTS
    inside = (called(call) for call in node.find_all(exp.Anonymous))
    return isinstance(node, _WITH_SIGNS) and _OF_ARGUMENTS.isdisjoint(inside)


def label(node: exp.Expr) -> str | None:
    """The column's name in Postgres, None where it is not worked out."""
    while isinstance(node, _PASSING):
        node = node.expression if isinstance(node, exp.Dot) else node.this
    if isinstance(node, exp.Column | exp.Identifier):
        return node.name or None
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select) and node.this.expressions:
        first = node.this.expressions[0]
        return first.alias or label(first)
    if isinstance(node, exp.Cast):
        inner = label(node.this)
        return type_of(written_type(node.to)) if inner in _WEAK else inner
    if isinstance(node, exp.Case):
        default = node.args.get("default")
        inner = label(default) if default is not None else None
        return "case" if inner in _WEAK else inner
    if isinstance(node, exp.Array):
        return "array"
    if isinstance(node, exp.Extract):
        return None  # extract(…) or date_part(…)
    name = called(node)
    if name is None or isinstance(node, exp.Trim | exp.If):
        return NAMELESS if isinstance(node, _NAMELESS) else None
    return "string_agg" if isinstance(node, exp.GroupConcat) else name
