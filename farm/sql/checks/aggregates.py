"""Aggregates and window functions stand only where an engine computes them."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.calls import aggregates_rows, called, written
from farm.sql.dialect import Rules
from farm.sql.subject import Subject
from farm.sql.verdict import Finding

_TRANSPARENT = (exp.CTE, exp.With, exp.From, exp.Join, exp.Subquery, exp.SetOperation, exp.Select)


def aggregates_in_place(subject: Subject) -> Iterator[Finding]:
    """None in WHERE, ON, GROUP BY or FILTER, none inside another; windows over aggregates are fine."""
    rules = subject.rules
    for clause in subject.find_all(exp.Where, exp.Join, exp.Group):
        parts = [clause.args.get("on")] if isinstance(clause, exp.Join) else list(clause.iter_expressions())
        for aggregate in (found for part in parts for found in _aggregates(part, rules)):
            if not _may_be_outer(clause):
                where = "GROUP BY" if isinstance(clause, exp.Group) else "WHERE, ON or FILTER"
                hint = "filter groups with HAVING, or aggregate in a subquery"
                yield _misplaced(subject, aggregate, where, hint)
    for node in subject.nodes:
        if not aggregates_rows(node, rules) or isinstance(_unwrapped(node).parent, exp.Window):
            continue
        inner = next((found for part in node.iter_expressions() for found in _aggregates(part, rules)), None)
        if inner is not None:
            hint = "aggregate twice with a subquery in FROM"
            yield _misplaced(subject, inner, "another aggregate", hint)


def ordered_by_aggregates(subject: Subject) -> Iterator[Finding]:
    """In SQLite an aggregate in ORDER BY needs another one in the SELECT list, or a GROUP BY."""
    if subject.rules.name != "sqlite":
        return
    for select in subject.find_all(exp.Select):
        order = select.args.get("order")
        if order is None or select.args.get("group") is not None or select.args.get("having") is not None:
            continue
        if any(True for part in select.expressions for _ in _aggregates(part, subject.rules)):
            continue
        for aggregate in _aggregates(order, subject.rules):
            if not _may_be_outer(order):
                hint = "group the rows with GROUP BY"
                yield _misplaced(subject, aggregate, "ORDER BY of a query that does not group", hint)


def windows_in_place(subject: Subject) -> Iterator[Finding]:
    """Window functions have OVER, and none stands in WHERE, GROUP BY or HAVING."""
    rules = subject.rules
    for node in subject.find_all(exp.Anonymous):
        name = called(node)
        has_over = isinstance(_unwrapped(node).parent, exp.Window)
        if name in rules.windows and not has_over and not isinstance(node.parent, exp.WithinGroup):
            yield Finding(
                code="misplaced_window",
                message=f"{node.name} is a window function and needs OVER (…)",
                hint=f"write {node.name}(…) OVER (PARTITION BY … ORDER BY …)",
                **subject.place(node.meta.get("start")),
            )
    for clause in subject.find_all(exp.Where, exp.Group, exp.Having):
        window = next(_windows(clause), None)
        if window is not None and not isinstance(clause.parent, exp.Filter):
            yield Finding(
                code="misplaced_window",
                message=f"the window {written(window.this, rules.name)} stands in {clause.key.upper()}",
                hint="compute it in a subquery, and filter outside of it",
            )


def _windows(clause: exp.Expr) -> Iterator[exp.Expr]:
    """The windows in a clause, without those of queries inside it."""
    stack = [clause]
    while stack:
        here = stack.pop()
        if isinstance(here, exp.Window):
            yield here
        elif not isinstance(here, exp.Query):
            stack.extend(here.iter_expressions())


def _unwrapped(node: exp.Expr) -> exp.Expr:
    """The outermost of what belongs to a call: FILTER, WITHIN GROUP, IGNORE NULLS."""
    while isinstance(node.parent, exp.Filter | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
        if node.arg_key != "this":
            break
        node = node.parent
    return node


def _misplaced(subject: Subject, aggregate: exp.Expr, where: str, hint: str) -> Finding:
    return Finding(
        code="misplaced_aggregate",
        message=f"the aggregate {written(aggregate, subject.rules.name)} stands in {where}",
        hint=hint,
        **subject.place(aggregate.meta.get("start")),
    )


def _may_be_outer(node: exp.Expr) -> bool:
    """In a subquery that is part of an expression an aggregate may be one of the query around it."""
    if isinstance(node.parent, exp.Filter):
        node = node.parent
        while node.parent is not None and not isinstance(node, exp.Select):
            node = node.parent
    elif node.parent is not None:
        node = node.parent
    while node.parent is not None:
        if not isinstance(node, _TRANSPARENT):
            return True
        node = node.parent
    return False


def _aggregates(node: exp.Expr | None, rules: Rules) -> Iterator[exp.Expr]:
    """The aggregates under `node` that belong to its own SELECT."""
    stack = [node] if node is not None else []
    while stack:
        here = stack.pop()
        if isinstance(here, exp.Query):
            continue
        if isinstance(here, exp.Window):
            stack.extend(part for part in here.iter_expressions() if part is not here.this)
            stack.extend(_unwrapped_call(here.this).iter_expressions())
            continue
        if aggregates_rows(here, rules):
            yield here
        stack.extend(here.iter_expressions())


def _unwrapped_call(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Filter | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
        node = node.this
    return node
