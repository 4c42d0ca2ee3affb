"""Subqueries and rows have as many columns as their place takes."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.calls import start_of, written
from farm.sql.subject import Subject
from farm.sql.verdict import Finding

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is)
_ROWS_ALLOWED = (
    *_COMPARISONS,
    *(exp.In, exp.Between, exp.Values, exp.Case, exp.If, exp.Paren, exp.Any, exp.All),
    *(exp.GroupingSets, exp.Cube, exp.Rollup, exp.Distinct, exp.Tuple, exp.Array, exp.Interval),
)
_NO_VALUE = (exp.From, exp.Join, exp.Lateral, exp.CTE, exp.SetOperation, exp.Exists, exp.Subquery, exp.Table)


def subqueries_fit(subject: Subject) -> Iterator[Finding]:
    """A subquery used as a value has one column, one compared with a row as many as the row."""
    for node in subject.find_all(exp.Subquery):
        columns = subject.resolution.outputs.get(id(node))
        above = node.parent
        if columns is None or columns.count is None or above is None or isinstance(above, _NO_VALUE):
            continue
        wanted = _wanted(node)
        if wanted is not None and columns.count != wanted:
            yield Finding(
                code="subquery_columns",
                message=f"the subquery gives {columns.count} columns where {wanted} can stand",
                hint="select only the column that is compared" if wanted == 1 else None,
                **subject.place(start_of(node)),
            )


def lists_are_even(subject: Subject) -> Iterator[Finding]:
    """The rows of VALUES are of one width."""
    for node in subject.find_all(exp.Values):
        widths = {len(row.expressions) if isinstance(row, exp.Tuple) else 1 for row in node.expressions}
        if len(widths) > 1:
            yield Finding(
                code="set_operation_columns",
                message=f"the rows of VALUES have {' and '.join(map(str, sorted(widths)))} columns",
                hint="give every row the same number of values",
                **subject.place(start_of(node)),
            )


def _wanted(node: exp.Expr) -> int | None:
    """How many columns the place of a subquery takes; None where that is not certain."""
    child, above = node, node.parent
    while isinstance(above, exp.Any | exp.All | exp.Paren):
        child, above = above, above.parent
    if not isinstance(above, (*_COMPARISONS, exp.In)):
        return 1
    other = above.this if child.arg_key != "this" else above.args.get("expression")
    if other is None:
        return None if isinstance(above, exp.In) and child.arg_key == "this" else 1
    other = other.unnest()
    if isinstance(other, exp.Tuple):
        return len(other.expressions)
    return None if isinstance(other, exp.Subquery | exp.Any | exp.All) else 1


def _is_other(part: exp.Expr, row: exp.Expr) -> bool:
    inner = part.unnest()
    if isinstance(inner, exp.Tuple):
        return len(inner.expressions) != len(row.expressions)
    return isinstance(inner, exp.Literal | exp.Column | exp.Null | exp.Boolean)


def no_limits_in_membership(subject: Subject) -> Iterator[Finding]:
    """MySQL and MariaDB take no LIMIT in the subquery of IN, ANY or ALL."""
    if subject.rules.name != "mysql":
        return
    for node in subject.find_all(exp.In, exp.Any, exp.All):
        query = node.args.get("query") if isinstance(node, exp.In) else node.this
        inner = query.unnest() if isinstance(query, exp.Expr) else None
        limit = inner.args.get("limit") if isinstance(inner, exp.Query) else None
        if limit is not None:
            yield Finding(
                code="limited_membership",
                message="MySQL takes no LIMIT in a subquery of IN, ANY or ALL",
                hint="join the limited query as a derived table, or wrap it: IN (SELECT * FROM (…) AS t)",
                **subject.place(start_of(node)),
            )
            return


def rows_in_place(subject: Subject) -> Iterator[Finding]:
    """A row is among rows as long; in SQLite and MySQL `(a, b)` is no value and can only be compared."""
    for membership in subject.find_all(exp.In) if subject.rules.name != "duckdb" else ():
        row = membership.this.unnest()
        if isinstance(row, exp.Tuple) and any(_is_other(part, row) for part in membership.expressions):
            yield Finding(
                code="subquery_columns",
                message=f"the row {written(row, subject.rules.name)} is compared with single values",
                hint=f"write rows of {len(row.expressions)} values: IN ((…, …), (…, …))",
                **subject.place(start_of(membership)),
            )
            return
    if subject.rules.name not in {"sqlite", "mysql"}:
        return
    for node in subject.find_all(exp.Tuple):
        if not isinstance(node.parent, _ROWS_ALLOWED):
            yield Finding(
                code="misplaced_row",
                message=f"the row {written(node, subject.rules.name)} stands where one value must",
                hint="leave the parentheses out to show several columns",
                **subject.place(start_of(node)),
            )
            return
