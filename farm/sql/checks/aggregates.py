"""Aggregates stand only where an engine computes them."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.subject import Subject
from farm.sql.verdict import Finding

_TRANSPARENT = (exp.CTE, exp.With, exp.From, exp.Join, exp.Subquery, exp.SetOperation, exp.Select)


def aggregates_in_place(subject: Subject) -> Iterator[Finding]:
    """None in WHERE, ON or FILTER, none inside another; windows over aggregates are fine."""
    for clause in subject.find_all(exp.Where, exp.Join):
        for aggregate in _aggregates(clause if isinstance(clause, exp.Where) else clause.args.get("on")):
            if not _may_be_outer(clause):
                where = "WHERE, ON or FILTER"
                yield _misplaced(
                    subject, aggregate, where, "filter groups with HAVING, or aggregate in a subquery"
                )
    for aggregate in subject.find_all(exp.AggFunc):
        if _aggregates_rows(aggregate) and not isinstance(aggregate.parent, exp.Window):
            inner = next(
                (found for part in aggregate.iter_expressions() for found in _aggregates(part)), None
            )
            if inner is not None:
                yield _misplaced(
                    subject, inner, "another aggregate", "aggregate twice with a subquery in FROM"
                )


def counted_once(subject: Subject) -> Iterator[Finding]:
    """COUNT takes one argument."""
    for count in subject.find_all(exp.Count):
        if count.expressions and not isinstance(count.this, exp.Distinct):
            yield Finding(
                code="wrong_arguments",
                message=f"{count.sql(subject.rules.name)[:60]} has more than one argument",
                hint="count rows with COUNT(*), values with COUNT(column)",
            )


def _misplaced(subject: Subject, aggregate: exp.Expr, where: str, hint: str) -> Finding:
    return Finding(
        code="misplaced_aggregate",
        message=f"the aggregate {aggregate.sql(subject.rules.name)[:60]} stands in {where}",
        hint=hint,
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


def _aggregates(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """The aggregates under `node` that belong to its own SELECT."""
    stack = [node] if node is not None else []
    while stack:
        here = stack.pop()
        if isinstance(here, exp.Query | exp.Window):
            continue
        if isinstance(here, exp.AggFunc) and _aggregates_rows(here):
            yield here
        stack.extend(here.iter_expressions())


def _aggregates_rows(node: exp.Expr) -> bool:
    """SQLite's max(a, b) and min(a, b) compare their arguments."""
    return not (isinstance(node, exp.Max | exp.Min) and node.expressions)
