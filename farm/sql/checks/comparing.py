"""Where rows are sorted, grouped or told apart by values that Postgres cannot compare, such as json."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.calls import start_of
from farm.sql.subject import Subject
from farm.sql.types.names import spoken
from farm.sql.verdict import Finding
from farm.sql.words import words

# the types of PostgreSQL's catalog without an operator class for B-trees
_SHAPES = words("json jsonpath xml point line lseg box path polygon circle")
_NO_ORDER = _SHAPES | {f"_{type_}" for type_ in _SHAPES}
_TIMES = frozenset({"date", "timestamp", "timestamptz", "time", "timetz", "interval"})
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
_DISTINCT_SETS = (exp.Union, exp.Except, exp.Intersect)


def values_are_comparable(subject: Subject) -> Iterator[Finding]:
    """In Postgres: ORDER BY, GROUP BY, DISTINCT, PARTITION BY and UNION on values that have no order."""
    if subject.rules.name != "postgres":
        return
    typing = subject.typing
    for node in _compared(subject):
        type_ = typing.type(node)
        if type_ in _NO_ORDER:
            yield _finding(subject, node, type_)
    for selection in subject.resolution.selections:
        if _shows_each_row_once(selection.node):
            for origin in selection.columns.origins:
                type_ = typing.origin(origin)
                if type_ in _NO_ORDER:
                    yield _finding(subject, selection.node.args.get("distinct") or selection.node, type_)


def _compared(subject: Subject) -> Iterator[exp.Expr]:
    for ordered in subject.find_all(exp.Ordered):
        yield ordered.this
    for group in subject.find_all(exp.Group):
        yield from group.expressions
    for window in subject.find_all(exp.Window):
        yield from window.args.get("partition_by") or ()
    for distinct in subject.find_all(exp.Distinct):
        yield from distinct.expressions
        if distinct.args.get("on") is not None:
            yield from distinct.args["on"].expressions


def _shows_each_row_once(select: exp.Select) -> bool:
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is None:
        return True
    above = select.parent
    while isinstance(above, exp.Subquery):
        above = above.parent
    return isinstance(above, _DISTINCT_SETS) and above.args.get("distinct") is not False


def _finding(subject: Subject, node: exp.Expr, type_: str | None) -> Finding:
    return Finding(
        code="type_mismatch",
        message=f"values of type {spoken(type_ or '')} cannot be sorted, grouped or told apart",
        hint="convert them, for example CAST(… AS text), or json to jsonb",
        **subject.place(start_of(node)),
    )


def frames_measure(subject: Subject) -> Iterator[Finding]:
    """In Postgres, RANGE with an offset measures in the type of what it is ordered by."""
    if subject.rules.name != "postgres":
        return
    for window in subject.find_all(exp.Window):
        spec, order = window.args.get("spec"), window.args.get("order")
        if spec is None or order is None or (spec.args.get("kind") or "").upper() != "RANGE":
            continue
        key = subject.typing.type(order.expressions[0].this) if len(order.expressions) == 1 else None
        for side in ("start", "end"):
            offset = spec.args.get(side)
            type_ = subject.typing.type(offset) if isinstance(offset, exp.Expr) else None
            if (key in _TIMES and type_ in _NUMBERS) or (key in _NUMBERS and type_ == "interval"):
                yield Finding(
                    code="type_mismatch",
                    message=f"RANGE measures {spoken(key or '')} and cannot go back by {spoken(type_ or '')}",
                    hint="write INTERVAL '7 days' for dates and times, a number for numbers, or use ROWS",
                    **subject.place(start_of(order)),
                )
