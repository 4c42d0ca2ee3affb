"""The columns that a part of a query gives: one of SELECT's items, VALUES, UNION, `*`."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from farm.sql.names.labels import is_no_word, label
from farm.sql.names.lookup import Lookup
from farm.sql.names.sources import Columns, Origin, Scope
from farm.sql.shape import identifier


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
        return Columns(names=names, count=None, complete=scope.complete, only_odd=scope.only_odd)
    return Columns(
        names=names,
        count=len(labels),
        complete=scope.complete,
        only_odd=scope.only_odd,
        labels=labels,
        origins=origins,
    )


def of_projection(node: exp.Expr, scope: Scope, lookup: Lookup) -> Columns:
    """What one item of SELECT gives."""
    if isinstance(node, exp.Star):
        return all_columns(scope)
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        sources = scope.named(lookup.fold_table(node.args["table"]))
        return sources[0].columns if sources else Columns.unknown()
    if isinstance(node, exp.Alias):
        return one(lookup.fold(node.args["alias"]), node.alias, node.this)
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
        return one(lookup.fold(node.this), node.name, node)
    name = label(node) if lookup.schema.rules.name == "postgres" else None
    if name is not None:
        return one(name, name, node)
    only_odd = lookup.schema.rules.name != "postgres" and is_no_word(node)
    return Columns(names={}, count=1, complete=False, only_odd=only_odd, labels=[None], origins=[node])


def under(columns: Columns, renamed: Sequence[exp.Expr], lookup: Lookup) -> Columns:
    """The columns under the names of a list: `AS t(a, b)`."""
    if not renamed:
        return columns
    labels = [lookup.fold(identifier(name)) for name in renamed]
    new = dict(zip(labels, (name.name for name in renamed), strict=True))
    if columns.count is None:
        return Columns(names=new, count=None, complete=False)
    rest = columns.labels[len(renamed) :]
    return Columns(
        names={
            **new,
            **{name: columns.names[name] for name in rest if name is not None and name in columns.names},
        },
        count=columns.count,
        complete=None not in rest,
        only_odd=columns.only_odd,
        labels=[*labels, *rest][: columns.count],  # a list that is too long has been reported
        origins=columns.origins,
    )


def shown(columns: Columns) -> dict[str, exp.Expr | None]:
    """What each result name stands for, where that is an expression."""
    origins = zip(columns.labels, columns.origins, strict=False)
    meant = {name: origin for name, origin in origins if name and isinstance(origin, exp.Expr)}
    return dict.fromkeys(columns.names) | meant
