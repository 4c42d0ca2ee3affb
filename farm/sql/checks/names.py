"""Every table and column exists, and means one thing."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.scopes import resolve
from farm.sql.subject import Subject
from farm.sql.verdict import Finding

REPORTED = 10


def known_names(subject: Subject) -> Iterator[Finding]:
    """Tables, columns, aliases and the widths of set operations, looked up in the schema."""
    yield from resolve(subject.tree, subject.schema, subject.sql).findings[:REPORTED]


def aggregates_in_place(subject: Subject) -> Iterator[Finding]:
    """No aggregate directly in WHERE; an aggregate inside a nested query is that query's own affair."""
    for where in subject.tree.find_all(exp.Where):
        if isinstance(where.parent, exp.Select) and where.parent.parent_select is None:
            aggregate = next(_aggregates(where), None)
            if aggregate is not None:
                yield Finding(
                    code="misplaced_aggregate",
                    message=f"the aggregate {aggregate.sql(subject.rules.name)[:60]} stands in WHERE",
                    hint="filter groups with HAVING, or compute the aggregate in a subquery",
                )


def _aggregates(where: exp.Expr) -> Iterator[exp.Expr]:
    stack: list[exp.Expr] = [where]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Query | exp.Window):
            continue
        if isinstance(node, exp.AggFunc) and not _scalar_in_sqlite(node):
            yield node
        stack.extend(node.iter_expressions())


def _scalar_in_sqlite(node: exp.Expr) -> bool:
    """SQLite's max(a, b) and min(a, b) are no aggregates."""
    return bool(node.expressions)
