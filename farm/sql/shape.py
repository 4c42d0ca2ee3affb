"""The shape of a parsed query: what parentheses hold, parts of a set operation, joins, items of a clause."""

from collections.abc import Iterator

from sqlglot import exp


def identifier(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Column | exp.ColumnDef) else node


def inside(node: exp.Expr) -> exp.Expr:
    """What stands inside one or more pairs of parentheses."""
    while isinstance(node, exp.Subquery) and not node.args.get("with_"):
        node = node.this
    return node


def branches(node: exp.Expr) -> list[exp.Expr]:
    """The parts of a chain of set operations from left to right, without recursion."""
    found: list[exp.Expr] = []
    while isinstance(node, exp.SetOperation):
        found.append(node.expression)
        node = node.this
    return [node, *reversed(found)]


def joins(node: exp.Expr) -> Iterator[exp.Join]:
    """The joins of a SELECT, those inside parentheses in FROM too."""
    from_ = node.args.get("from_")
    if from_ is not None:
        yield from joins_of_source(from_.this)
    for join in node.args.get("joins") or ():
        yield join
        yield from joins_of_source(join.this)


def joins_of_source(node: exp.Expr) -> Iterator[exp.Join]:
    within = inside(node)
    if isinstance(node, exp.Subquery) and (node.args.get("alias") or not isinstance(within, exp.Table)):
        return
    for join in within.args.get("joins") or ():
        yield join
        yield from joins_of_source(join.this)


def items(clause: exp.Expr) -> Iterator[exp.Expr]:
    """The items of GROUP BY, ORDER BY or DISTINCT ON, without their direction."""
    on = clause.args.get("on")
    for item in on.expressions if isinstance(on, exp.Tuple) else clause.expressions:
        yield item.this if isinstance(item, exp.Ordered) else item


def is_bare_position(node: exp.Expr) -> bool:
    """A whole number that stands for a column of the result, in GROUP BY or ORDER BY."""
    return isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()
