"""`upper(x -> 'key')`: among arguments the parser takes -> for that of a lambda, which DuckDB has."""

from sqlglot import exp

_PASSED = (
    exp.Binary,
    exp.Cast,
    exp.Is,
    exp.In,
    exp.Between,
    exp.Not,
    exp.AtTimeZone,
    exp.Collate,
    exp.Bracket,
)


def without_lambdas(tree: exp.Expr) -> exp.Expr:
    """The tree, changed in place, with a part of a JSON value where the parser has made a lambda."""
    for node in list(tree.find_all(exp.Lambda)):
        names = node.expressions
        if len(names) == 1 and isinstance(names[0], exp.Identifier):
            key = _first(node.this)
            value = key.copy()
            key.replace(exp.JSONExtract(this=exp.Column(this=names[0]), expression=value))
            node.replace(node.this)
    return tree


def _first(node: exp.Expr) -> exp.Expr:
    """What stands first in an expression: -> binds more tightly than what follows it."""
    while isinstance(node, _PASSED) and isinstance(node.this, exp.Expr):
        node = node.this
    return node
