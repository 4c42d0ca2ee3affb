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


def calls_itself(part: exp.Expr, cte: exp.Expr) -> bool:
    """Whether a part of a CTE's set operation reads the CTE itself in its FROM."""
    if not isinstance(part, exp.Select):
        return False
    from_, name = part.args.get("from_"), cte.alias.lower()
    sources = [join.this for join in joins(part)] + ([from_.this] if from_ is not None else [])
    return any(
        isinstance(source, exp.Table) and not source.args.get("db") and source.name.lower() == name
        for source in sources
    )


def joins(node: exp.Expr) -> Iterator[exp.Join]:
    """The joins of a SELECT, those inside parentheses in FROM too."""
    from_ = node.args.get("from_")
    if from_ is not None:
        yield from joins_of_source(from_.this)
    for join in node.args.get("joins") or ():
        yield join
        yield from joins_of_source(join.this)


def joins_of_source(node: exp.Expr) -> Iterator[exp.Join]:
    """The joins within one item of FROM."""
    if is_joined(node) and not node.args.get("alias"):
        yield from joins_of_source(node.this)
    for join in node.args.get("joins") or ():
        yield join
        yield from joins_of_source(join.this)


def is_joined(node: exp.Expr) -> bool:
    """Whether an item of FROM is parentheses around tables and joins, and no query."""
    if not isinstance(node, exp.Subquery) or node.args.get("with_"):
        return False
    within = node.this
    if isinstance(within, exp.Subquery):
        return bool(within.args.get("alias") or within.args.get("joins")) or is_joined(within)
    return isinstance(within, exp.Table)


def items(clause: exp.Expr) -> Iterator[exp.Expr]:
    """The items of GROUP BY, ORDER BY or DISTINCT ON, without their direction."""
    on = clause.args.get("on")
    for item in on.expressions if isinstance(on, exp.Tuple) else clause.expressions:
        yield item.this if isinstance(item, exp.Ordered) else item


def grouped_items(group: exp.Expr) -> Iterator[exp.Expr]:
    """The items of GROUP BY, those in ROLLUP, CUBE and GROUPING SETS too."""
    stack = list(group.iter_expressions())
    while stack:
        item = stack.pop()
        if isinstance(item, exp.Tuple | exp.Rollup | exp.Cube | exp.GroupingSets | exp.Paren):
            stack.extend(item.iter_expressions())
        else:
            yield item


def is_bare_position(node: exp.Expr) -> bool:
    """A whole number that stands for a column of the result, in GROUP BY or ORDER BY."""
    return isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()
