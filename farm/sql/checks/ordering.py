"""ORDER BY, GROUP BY and DISTINCT refer to what they may refer to."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.calls import called, start_of, written
from farm.sql.names.sources import Columns
from farm.sql.sameness import Sameness
from farm.sql.shape import branches, is_bare_position, items
from farm.sql.subject import Subject
from farm.sql.verdict import Finding


def positions_in_range(subject: Subject) -> Iterator[Finding]:
    """`ORDER BY 3` needs a third column; Postgres takes no other constants there."""
    for query, columns in _queries(subject):
        for clause in (query.args.get("group"), query.args.get("order")):
            for item in items(clause) if clause is not None else ():
                yield from _position(subject, clause, item, columns)


def _position(
    subject: Subject, clause: exp.Expr | None, item: exp.Expr, columns: Columns
) -> Iterator[Finding]:
    word = "GROUP BY" if isinstance(clause, exp.Group) else "ORDER BY"
    if is_bare_position(item):
        if columns.count is not None and not 1 <= int(item.name) <= columns.count:
            yield Finding(
                code="position_out_of_range",
                message=f"{word} {item.name} points to no column; the result has {columns.count}",
                hint=f"use a number from 1 to {columns.count}, or name the column",
            )
    elif isinstance(item, exp.Literal) and subject.rules.name == "postgres":
        yield Finding(
            code="position_out_of_range",
            message=f"{word} {written(item, 'postgres')} is a constant and orders nothing",
            hint="name a column; double quotes make a name, single quotes a string",
        )


def distinct_orders_by_results(subject: Subject) -> Iterator[Finding]:
    """With SELECT DISTINCT, what ORDER BY names is among the result columns (not in SQLite and MariaDB)."""
    if not subject.rules.distinct_orders_by_results:
        return
    sameness = Sameness(resolution=subject.resolution)
    for selection in subject.resolution.selections:
        distinct, order = selection.node.args.get("distinct"), selection.node.args.get("order")
        if distinct is None or order is None:
            continue
        if distinct.args.get("on") is not None:
            yield from _distinct_on(subject, sameness, list(items(distinct)), list(items(order)))
            continue
        if any(part.is_star for part in selection.node.expressions):
            continue
        shown = {sameness.key(part) for part in selection.node.expressions}
        for item in items(order):
            named = isinstance(item, exp.Column) and not item.args.get("table")
            if is_bare_position(item) or sameness.key(item) in shown:
                continue
            if named and item.name.lower() in selection.columns.names:
                continue
            yield _distinct(
                subject, item, "SELECT DISTINCT shows", "add it to the SELECT list, or group instead"
            )
            break


def _distinct_on(
    subject: Subject, sameness: Sameness, on: list[exp.Expr], order: list[exp.Expr]
) -> Iterator[Finding]:
    if any(is_bare_position(item) for item in (*on, *order)):
        return
    keys = {sameness.key(item) for item in on}
    for item in order[: len(keys)]:
        if sameness.key(item) not in keys:
            yield _distinct(subject, item, "DISTINCT ON lists", "begin ORDER BY with the DISTINCT ON columns")
            return


def _distinct(subject: Subject, item: exp.Expr, what: str, hint: str) -> Finding:
    return Finding(
        code="distinct_order",
        message=f"ORDER BY {written(item, subject.rules.name)} is not among what {what}",
        hint=hint,
        **subject.place(start_of(item)),
    )


def whole_result_ordered_by_name(subject: Subject) -> Iterator[Finding]:
    """ORDER BY after UNION takes names and numbers of result columns; in Postgres nothing else."""
    if subject.rules.name not in {"postgres", "sqlite"}:
        return
    for node in subject.find_all(exp.SetOperation):
        order, columns = node.args.get("order"), subject.resolution.outputs.get(id(node))
        if order is None or columns is None:
            continue
        for item in items(order):
            if not is_bare_position(item) and not _names_result(subject, item, node):
                shown = written(item, subject.rules.name)
                yield Finding(
                    code="set_operation_order",
                    message=f"ORDER BY {shown} names no column of the whole result",
                    hint="order by the name or number of a result column",
                    **subject.place(start_of(item)),
                )
                break


def _names_result(subject: Subject, item: exp.Expr, node: exp.Expr) -> bool:
    if subject.rules.name == "postgres":
        return isinstance(item, exp.Column) and not item.args.get("table")
    if not isinstance(item, exp.Column) or item.args.get("table"):
        return _may_be_result(subject, item, node)
    parts = [node]
    while parts:
        part = parts.pop()
        if isinstance(part, exp.SetOperation):
            parts += [part.this, part.expression]
            continue
        columns = subject.resolution.outputs.get(id(part))
        if columns is None or not columns.complete or item.name.lower() in columns.names:
            return True
    return False


def _may_be_result(subject: Subject, item: exp.Expr, node: exp.Expr) -> bool:
    """Whether SQLite may find an expression, which it compares with those of every part, among them."""
    inner = item.this if isinstance(item, exp.Collate) else item
    if isinstance(inner, exp.Column):
        return inner is item or bool(inner.args.get("table")) or _names_result(subject, inner, node)
    if called(inner) is None:
        return True
    parts = [part for part in branches(node) if isinstance(part, exp.Select)]
    shown = [part.unalias() for select in parts for part in select.expressions]
    names = {called(part) for part in shown}
    return called(inner) in names or any(part.is_star for part in shown)


def _queries(subject: Subject) -> Iterator[tuple[exp.Expr, Columns]]:
    for node in subject.find_all(exp.Select, exp.SetOperation):
        columns = subject.resolution.outputs.get(id(node))
        if columns is not None:
            yield node, columns


def distinct_arguments_ordered_by_themselves(subject: Subject) -> Iterator[Finding]:
    """In Postgres, what an aggregate's DISTINCT drops cannot order the rest."""
    if subject.rules.name != "postgres":
        return
    for order in subject.find_all(exp.Order):
        distinct = order.this
        if not isinstance(distinct, exp.Distinct):
            continue
        sameness = Sameness(resolution=subject.resolution)
        given = {sameness.key(argument) for argument in distinct.expressions}
        for item in items(order):
            if sameness.key(item) not in given:
                yield Finding(
                    code="distinct_order",
                    message=f"ORDER BY {written(item, 'postgres')} is not among what DISTINCT is of",
                    hint="order by the argument itself, or leave DISTINCT out",
                    **subject.place(start_of(item)),
                )
                return
