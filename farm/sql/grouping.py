"""Which expressions of a grouped SELECT have one value for each group.

After "The GROUP BY Clause" in PostgreSQL's documentation: what GROUP BY lists, aggregates, what is made of
these, and the other columns of a table whose primary key GROUP BY lists.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlglot import exp

from farm.sql.calls import CALLS, aggregates_rows
from farm.sql.dialect import Rules
from farm.sql.names.owners import innermost, is_window
from farm.sql.names.resolution import Resolution
from farm.sql.names.sources import Selection, Source
from farm.sql.sameness import Sameness
from farm.sql.shape import grouped_items, is_bare_position, items
from farm.sql.subject import Subject


def shows_any_row(subject: Subject) -> bool:
    """Whether a column has the value of any row of its group, which only SQLite allows."""
    if subject.rules.grouping != "free":
        return False
    rules = replace(subject.rules, grouping="keys")
    resolution = subject.resolution
    return any(
        next(Grouping(selection=selection, resolution=resolution, rules=rules).ungrouped(), None) is not None
        for selection in grouped_selections(subject)
    )


def grouped_selections(subject: Subject) -> Iterator[Selection]:
    """The SELECTs whose rows stand for groups."""
    aggregating = {id(aggregate.selection.node) for aggregate in subject.aggregates}
    for selection in subject.resolution.selections:
        node = selection.node
        group = node.args.get("group")
        if group is not None and group.args.get("all"):
            continue
        if group is not None or id(node) in aggregating or node.args.get("having") is not None:
            yield selection


@dataclass(frozen=True, kw_only=True)
class Ungrouped:
    """A column (or `*`) that has many values for each group; `inside` a query within the SELECT."""

    node: exp.Expr
    inside: bool


@dataclass(kw_only=True)
class Grouping:
    """The keys of one grouped SELECT."""

    selection: Selection
    resolution: Resolution
    rules: Rules

    def __post_init__(self) -> None:
        self.sameness = Sameness(resolution=self.resolution)
        self.key = self.sameness.key
        listed = list(self.items())
        self.keys = {self.key(item) for item in listed}
        self.kinds = frozenset(self.sameness.kind(item) for item in listed)
        rows = (item for item in listed if isinstance(item, exp.Column))
        self.wholes = {row.name.lower() for row in rows if id(row) not in self.resolution.references}
        self.determined = [source for source in self.selection.scope.sources if self._is_determined(source)]

    @property
    def group(self) -> exp.Expr | None:
        return self.selection.node.args.get("group")

    @property
    def only_filters(self) -> bool:
        """Whether HAVING filters single rows by what SELECT shows, as MySQL lets it without aggregates."""
        node = self.selection.node
        if self.rules.name != "mysql" or self.group is not None or node.args.get("having") is None:
            return False
        parts = [*node.expressions, node.args["having"], node.args.get("order")]
        return not any(self._aggregates(part) for part in parts if part is not None)

    def _aggregates(self, part: exp.Expr) -> bool:
        """Whether a part computes an aggregate of this SELECT."""
        calls = (call for call in part.find_all(*CALLS) if aggregates_rows(call, self.rules))
        return any(not is_window(c) and c.find_ancestor(exp.Select) is self.selection.node for c in calls)

    def items(self) -> Iterator[exp.Expr]:
        """What GROUP BY lists, in ROLLUP, CUBE and GROUPING SETS too, with positions and aliases followed."""
        for item in grouped_items(self.group) if self.group is not None else ():
            yield self._meant(item)

    def _meant(self, item: exp.Expr) -> exp.Expr:
        projections = self.selection.node.expressions
        if is_bare_position(item) and 0 < int(item.name) <= len(projections):
            projection: exp.Expr = projections[int(item.name) - 1]
            return projection.this if isinstance(projection, exp.Alias) else projection
        reference = self.resolution.references.get(id(item))
        return reference.alias if reference is not None and reference.alias is not None else item

    def _is_determined(self, source: Source) -> bool:
        if source.name in self.wholes and source.columns.count == 1 and source.table is None:
            return True  # the only column of a function, which is the row
        key = source.table.primary_key if source.table is not None else frozenset()
        if not key or self.rules.grouping != "keys":
            return False
        scope = self.selection.scope
        return all(
            self.sameness.column(name, scope if name in scope.merged else source) in self.keys for name in key
        )

    def ungrouped(self) -> Iterator[Ungrouped]:
        """The columns that stand outside of aggregates and have more than one value for each group."""
        node = self.selection.node
        parts = [*([] if self.only_filters else node.expressions), node.args.get("having")]
        # MariaDB orders groups by any column
        order = node.args.get("order") if self.rules.name != "mysql" or self.group is None else None
        parts += [item for item in items(order) if not is_bare_position(item)] if order is not None else []
        for part in parts:
            for found in self._in(part, inside=False) if part is not None else ():
                if not (isinstance(part, exp.Having) and self._means_alias(found.node)):
                    yield found

    def _means_alias(self, node: exp.Expr) -> bool:
        """Whether HAVING takes a name for what SELECT computes under it, though a table has such a column."""
        if self.rules.name not in {"mysql", "duckdb"} or not isinstance(node, exp.Column) or node.table:
            return False
        shown = self.selection.scope.aliases.get(node.name.lower())
        return shown is not None and not isinstance(shown, exp.Column)

    def _in(self, node: exp.Expr, *, inside: bool) -> Iterator[Ungrouped]:
        """`inside`: within a query of its own, where only columns of this SELECT count."""
        stack = [(node, inside)]
        while stack:
            here, within = stack.pop()
            if isinstance(here, exp.Star):
                shows_columns = not within and here.parent is self.selection.node  # not so count(*) OVER ()
                if shows_columns and not self._all_determined(self.selection.scope.sources):
                    yield Ungrouped(node=here, inside=False)
            elif isinstance(here, exp.Column):
                if not self._is_single(here, within=within):
                    yield Ungrouped(node=here, inside=within)
            elif not self._is_one_value(here, within=within):
                deeper = within or isinstance(here, exp.Query)
                stack.extend((part, deeper) for part in here.iter_expressions(reverse=True))

    def _is_one_value(self, node: exp.Expr, *, within: bool) -> bool:
        call = innermost(node)
        if aggregates_rows(call, self.rules) and not is_window(call):
            return not within or self._is_of_this(call)
        if isinstance(node, exp.Literal | exp.Query) or self.sameness.kind(node) not in self.kinds:
            return False
        return self.key(node) in self.keys

    def _is_of_this(self, aggregate: exp.Expr) -> bool:
        """Whether an aggregate in a query inside is one of this SELECT."""
        columns = [self.resolution.references.get(id(c)) for c in aggregate.find_all(exp.Column)]
        return bool(columns) and all(c is not None and c.scope is self.selection.scope for c in columns)

    def _is_single(self, column: exp.Expr, *, within: bool) -> bool:
        if isinstance(column.this, exp.Star):
            named = [
                s
                for s in self.selection.scope.sources
                if s.name in {column.text("table"), column.text("table").lower()}
            ]
            return within or self._all_determined(named)
        reference = self.resolution.references.get(id(column))
        if reference is None or reference.scope is not self.selection.scope or reference.source is None:
            return True
        return reference.source in self.determined or self.key(column) in self.keys

    def _all_determined(self, sources: list[Source]) -> bool:
        return all(self._is_whole(source) for source in sources)

    def _is_whole(self, source: Source) -> bool:
        if source in self.determined or not source.columns.complete:
            return True
        scope = self.selection.scope
        return all(
            self.sameness.column(name, scope if name in scope.merged else source) in self.keys
            for name in source.columns.names
        )
