"""The columns that a part of a query gives: one of SELECT's items, VALUES, UNION, `*`."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from farm.sql.sources import Columns, Origin, Scope


def is_comma(join: exp.Join) -> bool:
    """A comma in FROM; where every JOIN has a condition, what has none is one."""
    return not any(join.args.get(key) for key in ("on", "using", "kind", "side", "method"))


def one(name: str, as_written: str, node: exp.Expr) -> Columns:
    return Columns(names={name: as_written}, count=1, labels=[name], origins=[node])


def of_values(node: exp.Values) -> Columns:
    """`column1`, `column2` …, as Postgres and SQLite call them."""
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
    width = len(rows[0]) if rows else 0
    names = {f"column{at + 1}": f"column{at + 1}" for at in range(width)}
    return Columns.of(names, [tuple(row[at] for row in rows if at < len(row)) for at in range(width)])


def combined(first: Columns, others: Sequence[Columns]) -> Columns:
    """The columns of a set operation: named by its first part, of the types of all."""
    parts = [first.origins, *(other.origins for other in others)]
    if first.count is None or any(len(part) != first.count for part in parts):
        return first
    return replace(first, origins=[tuple(each) for each in zip(*parts, strict=True)])


def all_columns(scope: Scope) -> Columns:
    """What `*` stands for: the columns that USING and NATURAL merge come first, and once."""
    names: dict[str, str] = {}
    labels: list[str | None] = []
    origins: list[Origin] = []
    count: int | None = 0
    for merged in scope.merged_in_order():
        labels.append(merged)
        origins.append(tuple(source.columns.origin(merged) for source in scope.having(merged)))
    for source in scope.sources:
        names.update(source.columns.names)
        count = None if count is None or source.columns.count is None else count + source.columns.count
        for at, name in enumerate(source.columns.labels):
            if name not in scope.merged:
                labels.append(name)
                origins.append(source.columns.origins[at])
    if count is None:
        return Columns(names=names, count=None, complete=scope.complete)
    return Columns(names=names, count=len(labels), complete=scope.complete, labels=labels, origins=origins)
