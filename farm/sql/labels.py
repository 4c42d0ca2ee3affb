"""What Postgres calls a result column that has no alias; after FigureColname in parse_target.c."""

from sqlglot import exp

from farm.sql.calls import called
from farm.sql.types.names import type_of

NAMELESS = "?column?"
_NAMELESS = (exp.Literal, exp.Binary, exp.Neg, exp.Not, exp.Null, exp.Between, exp.In, exp.Is, exp.Boolean)
_PASSING = (exp.Paren, exp.Window, exp.Filter, exp.WithinGroup, exp.Collate, exp.Bracket, exp.Dot)
_WEAK = (None, NAMELESS, "case")


def label(node: exp.Expr) -> str | None:
    """The column's name, None where it is not worked out."""
    while isinstance(node, _PASSING):
        node = node.expression if isinstance(node, exp.Dot) else node.this
    if isinstance(node, exp.Column | exp.Identifier):
        return node.name or None
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select) and node.this.expressions:
        first = node.this.expressions[0]
        return first.alias or label(first)
    if isinstance(node, exp.Cast):
        inner = label(node.this)
        return type_of(node.to.sql("postgres")) if inner in _WEAK else inner
    if isinstance(node, exp.Case):
        default = node.args.get("default")
        inner = label(default) if default is not None else None
        return "case" if inner in _WEAK else inner
    if isinstance(node, exp.Array):
        return "array"
    name = called(node)
    if name is None or isinstance(node, exp.Trim | exp.If):
        return NAMELESS if isinstance(node, _NAMELESS) else None
    return "string_agg" if isinstance(node, exp.GroupConcat) else name
