"""Aggregates and window functions stand only where an engine computes them."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.calls import aggregates_rows, called, written
from farm.sql.names.owners import NO_AGGREGATES, Aggregate, innermost, is_window
from farm.sql.nearest import nearest
from farm.sql.shape import branches, calls_itself, is_bare_position, items
from farm.sql.subject import Subject
from farm.sql.verdict import Finding

_TWICE = "aggregate twice with a subquery in FROM"
_INSTEAD = "filter groups with HAVING, or aggregate in a subquery"


def aggregates_in_place(subject: Subject) -> Iterator[Finding]:
    """None in WHERE, ON or GROUP BY of their own SELECT, none inside another."""
    for aggregate in subject.aggregates:
        if aggregate.within is not None:
            yield _misplaced(subject, aggregate.node, "another aggregate", _TWICE)
        elif aggregate.clause in NO_AGGREGATES:
            yield _misplaced(subject, aggregate.node, NO_AGGREGATES[aggregate.clause], _INSTEAD)
        elif (inner := _aggregate_by_alias(aggregate, subject)) is not None:
            yield _misplaced(subject, inner, "another aggregate, by its alias", _TWICE)


def _aggregate_by_alias(aggregate: Aggregate, subject: Subject) -> exp.Expr | None:
    """The aggregate that an argument means by the alias of a result column, which MariaDB takes."""
    if subject.rules.name != "sqlite" or not aggregate.selection.scope.aliases:
        return None
    for column in aggregate.node.find_all(exp.Column):
        reference = subject.resolution.references.get(id(column))
        own = reference is not None and reference.scope is aggregate.selection.scope
        meant = reference.alias if reference is not None and own else None
        if meant is not None and (inner := _first(meant, subject)) is not None:
            return inner
    return None


def aggregates_outside_recursion(subject: Subject) -> Iterator[Finding]:
    """A recursive query does not aggregate what it has found so far."""
    if exp.With not in subject.kinds or subject.rules.name not in {"postgres", "sqlite"}:
        return
    by_select = {id(aggregate.selection.node): aggregate.node for aggregate in subject.aggregates}
    for cte in subject.find_all(exp.CTE) if by_select else ():
        if not isinstance(cte.this, exp.SetOperation):
            continue
        for part in branches(cte.this)[1:]:
            if id(part) in by_select and calls_itself(part, cte):
                hint = "aggregate outside of it"
                yield _misplaced(subject, by_select[id(part)], "the recursive part of a query", hint)


def filters_of_aggregates(subject: Subject) -> Iterator[Finding]:
    """FILTER belongs to an aggregate."""
    for node in subject.find_all(exp.Filter):
        call = innermost(node)
        if called(call) is not None and not aggregates_rows(call, subject.rules):
            yield Finding(
                code="misplaced_aggregate",
                message=f"{written(call, subject.rules.name)} is no aggregate, and has FILTER",
                hint="write CASE WHEN … THEN … END",
                **subject.place(call.meta.get("start")),
            )


def aliases_of_aggregates(subject: Subject) -> Iterator[Finding]:
    """WHERE and GROUP BY mean no aggregate by its alias or position either."""
    owners = {id(aggregate.selection.node) for aggregate in subject.aggregates}
    if not owners:
        return
    for selection in subject.resolution.selections:
        if id(selection.node) not in owners:
            continue
        group = selection.node.args.get("group")
        for item in items(group) if group is not None else ():
            meant = item
            if is_bare_position(item) and 0 < int(item.name) <= len(selection.node.expressions):
                meant = selection.node.expressions[int(item.name) - 1]
            elif isinstance(item, exp.Column):
                reference = subject.resolution.references.get(id(item))
                meant = reference.alias if reference is not None and reference.alias is not None else item
            if meant is not item and (found := _first(meant, subject)) is not None:
                yield _misplaced(subject, found, "GROUP BY", "group by columns of the tables")
        where = selection.node.args.get("where")
        may_mean_any = where is not None and bool(selection.scope.aliases)
        for column in where.find_all(exp.Column) if where is not None and may_mean_any else ():
            reference = subject.resolution.references.get(id(column))
            if reference is None or reference.alias is None or reference.scope is not selection.scope:
                continue
            if (found := _first(reference.alias, subject)) is not None:
                yield _misplaced(subject, found, f"WHERE, by its alias {column.name}", _INSTEAD)


def _first(node: exp.Expr, subject: Subject) -> exp.Expr | None:
    """The first aggregate in an expression, not counting those of queries inside it."""
    stack = [node]
    while stack:
        here = stack.pop()
        if aggregates_rows(here, subject.rules) and not is_window(here):
            return here
        if not isinstance(here, exp.Query):
            stack.extend(here.iter_expressions(reverse=True))
    return None


def ordered_by_aggregates(subject: Subject) -> Iterator[Finding]:
    """In SQLite an aggregate in ORDER BY needs another one in the SELECT list, or a GROUP BY."""
    if subject.rules.name != "sqlite":
        return
    elsewhere = {id(a.selection.node) for a in subject.aggregates if a.clause in {"expressions", "having"}}
    for aggregate in subject.aggregates:
        select = aggregate.selection.node
        grouped = id(select) in elsewhere or select.args.get("group") is not None
        if aggregate.clause == "order" and not grouped:
            where = "ORDER BY of a query that does not group"
            yield _misplaced(subject, aggregate.node, where, "group the rows with GROUP BY")


def groups_to_filter(subject: Subject) -> Iterator[Finding]:
    """In SQLite, HAVING needs GROUP BY or an aggregate."""
    if subject.rules.name != "sqlite":
        return
    grouped = {id(aggregate.selection.node) for aggregate in subject.aggregates}
    for select in subject.find_all(exp.Select):
        having = select.args.get("having")
        if having is not None and select.args.get("group") is None and id(select) not in grouped:
            yield Finding(
                code="misplaced_aggregate",
                message="HAVING filters groups, and this query makes none",
                hint="filter rows with WHERE",
            )


def windows_in_place(subject: Subject) -> Iterator[Finding]:
    """Window functions have OVER, and none stands in WHERE, GROUP BY or HAVING."""
    rules = subject.rules
    for node in subject.find_all(exp.Anonymous):
        name = called(node)
        is_set = isinstance(node.parent, exp.WithinGroup) and rules.name != "mysql"
        if name in rules.windows and not is_window(node) and not is_set:
            yield Finding(
                code="misplaced_window",
                message=f"{node.name} is a window function and needs OVER (…)",
                hint=f"write {node.name}(…) OVER (PARTITION BY … ORDER BY …)",
                **subject.place(node.meta.get("start")),
            )
    for window in subject.find_all(exp.Window):
        call = innermost(window.this)
        name = called(call)
        if isinstance(call, exp.Anonymous) and name not in rules.windows | rules.aggregates:
            yield Finding(
                code="misplaced_window",
                message=f"{call.name} is neither a window function nor an aggregate, and has OVER",
                hint="leave OVER (…) out",
                **subject.place(call.meta.get("start")),
            )
    if exp.Window not in subject.kinds:
        return
    yield from _windows_in_aggregates(subject)
    for clause in subject.find_all(exp.Where, exp.Group, exp.Having):
        inner = next(_windows(clause), None)
        if inner is not None and not isinstance(clause.parent, exp.Filter):
            yield Finding(
                code="misplaced_window",
                message=f"the window {written(inner.this, rules.name)} stands in {clause.key.upper()}",
                hint="compute it in a subquery, and filter outside of it",
                **subject.place(inner.this.meta.get("start")),
            )


def _windows_in_aggregates(subject: Subject) -> Iterator[Finding]:
    """An aggregate is computed before every window of its SELECT."""
    for aggregate in subject.aggregates:
        if (inner := next(_windows(aggregate.node), None)) is not None:
            yield Finding(
                code="misplaced_window",
                message=f"the window {written(inner.this, subject.rules.name)} stands in an aggregate",
                hint="compute it in a subquery, and aggregate outside of it",
                **subject.place(inner.this.meta.get("start")),
            )
            return


def aliases_of_windows(subject: Subject) -> Iterator[Finding]:
    """WHERE, GROUP BY and HAVING mean no window by its alias either."""
    if exp.Window not in subject.kinds:
        return
    for clause in subject.find_all(exp.Where, exp.Group, exp.Having):
        for column in clause.find_all(exp.Column):
            reference = subject.resolution.references.get(id(column))
            meant = reference.alias if reference is not None else None
            if meant is not None and next(_windows(meant), None) is not None:
                yield Finding(
                    code="misplaced_window",
                    message=f"{column.name} is computed by a window, and stands in {clause.key.upper()}",
                    hint="compute it in a subquery, and filter outside of it",
                    **subject.place(column.this.meta.get("start")),
                )
                return


def windows_exist(subject: Subject) -> Iterator[Finding]:
    """`OVER w` needs a WINDOW clause in the same SELECT that says what w is."""
    for window in subject.find_all(exp.Window):
        alias = window.args.get("alias")
        if alias is None or window.this is None or window.arg_key == "windows":
            continue
        select = window.find_ancestor(exp.Select)
        known = [each.this.name.lower() for each in (select.args.get("windows") or ())] if select else []
        if alias.name.lower() not in known:
            yield Finding(
                code="unknown_window",
                message=f"there is no window {alias.name}",
                nearest=nearest(alias.name, known),
                hint=f"add WINDOW {alias.name} AS (…) before ORDER BY",
                **subject.place(alias.meta.get("start")),
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


def _misplaced(subject: Subject, aggregate: exp.Expr, where: str, hint: str) -> Finding:
    return Finding(
        code="misplaced_aggregate",
        message=f"the aggregate {written(aggregate, subject.rules.name)} stands in {where}",
        hint=hint,
        **subject.place(aggregate.meta.get("start")),
    )
