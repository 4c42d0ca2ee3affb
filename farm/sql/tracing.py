"""Works out the lineage of a resolved query."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from sqlglot import exp

from farm.sql.calls import CALLS, called
from farm.sql.lineage import ColumnName, Filter, Join, Lineage
from farm.sql.names.resolution import Resolution
from farm.sql.names.sources import Origin, Reference, Scope, Source
from farm.sql.schema import Table
from farm.sql.subject import Subject

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.Like: "LIKE",
    exp.ILike: "ILIKE",
    exp.Glob: "GLOB",
    exp.RegexpLike: "REGEXP",
    exp.RegexpILike: "REGEXP",
    exp.SimilarTo: "SIMILAR TO",
    exp.In: "IN",
    exp.Between: "BETWEEN",
    exp.Is: "IS",
}
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
_CLAUSES = (exp.Where, exp.Having, exp.Qualify, exp.Join, exp.Filter)
_Kind = tuple[int, int]
_CONDITION = {"join": "on", "filter": "expression"}
"""Where a clause has its condition, if not in `this`."""


def lineage(subject: Subject) -> Lineage:
    """What an accepted query reads."""
    tracing = _Tracing(subject=subject)
    joins, filters = tracing.comparisons()
    columns = {*tracing.columns(), *chain.from_iterable((join.left, join.right) for join in joins)}
    return Lineage(
        tables=tuple(sorted({tracing.name(table) for table in tracing.tables.values()})),
        columns=tuple(sorted(columns)),
        joins=tuple(sorted(joins)),
        filters=tuple(sorted(filters)),
        functions=tuple(sorted(_functions(subject))),
    )


@dataclass(kw_only=True)
class _Tracing:
    subject: Subject
    scopes: list[Scope] = field(default_factory=list)
    tables: dict[int, Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        scopes = [selection.scope for selection in self.resolution.selections]
        scopes += [reference.scope for reference in self.resolution.references.values()]
        self.scopes = list({id(scope): scope for scope in scopes}.values())
        for scope in self.scopes:
            for source in scope.sources:
                if source.table is not None:
                    self.tables[id(source.table)] = source.table

    @property
    def resolution(self) -> Resolution:
        return self.subject.resolution

    def name(self, table: Table) -> str:
        default = self.subject.rules.default_schema
        return table.name if table.schema == default else f"{table.schema}.{table.name}"

    # columns

    def columns(self) -> Iterator[ColumnName]:
        """Every column of a table that is named, or that a star or a join by name stands for."""
        for reference in self.resolution.references.values():
            if reference.source is not None and reference.source.table is not None:
                yield from self._of(reference.source, reference.name)
        for scope in self.scopes:
            yield from chain.from_iterable(self._merged(scope))
        shown: dict[_Kind, Source] = {}
        for selection in self.resolution.selections:
            for projection in selection.node.expressions:
                shown |= {_kind(source): source for source in self._starred(projection, selection.scope)}
        for source in shown.values():
            for label in source.columns.labels:
                yield from self._of(source, label)

    def _merged(self, scope: Scope) -> Iterator[list[ColumnName]]:
        """For each name that is joined by, the columns; of sources that are alike, those of two."""
        alike: dict[_Kind, list[Source]] = {}
        for source in scope.sources if scope.merged else ():
            alike.setdefault(_kind(source), []).append(source)
        few = {id(source) for sources in alike.values() for source in sources[:2]}
        sources = [source for source in scope.sources if id(source) in few]
        for name in scope.merged:
            yield [column for source in sources if source.has(name) for column in self._of(source, name)]

    def _starred(self, node: exp.Expr, scope: Scope) -> list[Source]:
        if isinstance(node, exp.Star):
            return scope.sources
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            qualifier = node.args["table"]
            name = self.subject.rules.fold_table(qualifier.name, quoted=bool(qualifier.args.get("quoted")))
            return scope.named(name)
        return []

    def _of(self, source: Source, name: str | None) -> Iterator[ColumnName]:
        """The column of a table that a source calls `name`; nothing where it is no table's."""
        table = source.table
        if table is None or not table.columns or name not in source.columns.places:
            return
        at = source.columns.places[name]  # `AS t(a, b)` calls columns otherwise
        yield ColumnName(table=self.name(table), column=table.written_names[at])

    def _meant(self, node: exp.Expr) -> ColumnName | None:
        """The column of a table that a reference comes to, through subqueries and CTEs."""
        for _ in range(len(self.resolution.references) + 1):
            reference = self.resolution.references.get(id(node))
            if reference is None:
                return None
            if reference.source is not None and reference.source.table is not None:
                return next(self._of(reference.source, reference.name), None)
            origin = self._origin(reference)
            if isinstance(origin, str):
                return self._by_name(reference.name)
            if origin is None:
                return None
            node = origin
        return None

    def _origin(self, reference: Reference) -> str | exp.Expr | None:
        """Where a column of a subquery comes from; of a set operation, in its first part."""
        origin: Origin = reference.alias
        if reference.source is not None:
            origin = reference.source.columns.origin(reference.name)
        while isinstance(origin, tuple | exp.Alias | exp.Paren):
            origin = origin.this if isinstance(origin, exp.Expr) else next(iter(origin), None)
        return origin

    def _by_name(self, name: str) -> ColumnName | None:
        """A column that came through a star: of the one table that has such a column."""
        having = [table for table in self.tables.values() if table.columns and name in table.columns]
        if len(having) != 1 or having[0].columns is None:
            return None
        return ColumnName(table=self.name(having[0]), column=having[0].columns[name])

    # comparisons

    def comparisons(self) -> tuple[set[Join], set[Filter]]:
        """The joins and filters."""
        joins, filters = set(self._by_using()), set[Filter]()
        for node in _choosing(self.subject):
            pair = self._pair(node)
            if pair is not None:
                joins.add(pair)
            else:
                filters.update(self._filters(node))
        return joins, filters

    def _by_using(self) -> Iterator[Join]:
        for scope in self.scopes:
            for found in self._merged(scope):
                yield from (_join(found[0], other) for other in found[1:])

    def _pair(self, node: exp.Expr) -> Join | None:
        """Two columns that are compared for equality."""
        sides = (node.this, node.args.get("expression"))
        if not isinstance(node, exp.EQ) or not all(isinstance(side, exp.Column) for side in sides):
            return None
        left, right = (self._meant(side) if side is not None else None for side in sides)
        return _join(left, right) if left is not None and right is not None else None

    def _filters(self, node: exp.Expr) -> Iterator[Filter]:
        operator = _OPERATORS[type(node)]
        negated = isinstance(node.parent, exp.Not) or bool(node.args.get("negate"))
        if isinstance(node, exp.Is):
            what = node.expression.sql(self.subject.rules.name).upper()
            operator, negated = f"IS {'NOT ' * negated}{what}", False
        sides = [(node.this, operator)]
        if isinstance(node, exp.Binary):
            sides.append((node.expression, _MIRRORED.get(operator, operator)))
        for side, word in sides:
            for column in _columns(side):
                if (meant := self._meant(column)) is not None:
                    yield Filter(column=meant, operator=f"{'NOT ' * negated}{word}")


def _kind(source: Source) -> _Kind:
    """Of two sources the same where they are one table with the same names for its columns."""
    return id(source.table), id(source.columns.labels)


def _functions(subject: Subject) -> set[str]:
    names = {called(node) for node in subject.find_all(*CALLS)}
    return {name for name in names if name is not None and name != "exists"}


def _join(one: ColumnName, other: ColumnName) -> Join:
    left, right = sorted((one, other))
    return Join(left=left, right=right)


def _choosing(subject: Subject) -> Iterator[exp.Expr]:
    """The comparisons in clauses that choose rows or groups; queries in these have clauses of their own."""
    clauses = subject.find_all(*_CLAUSES)
    stack = [part for clause in clauses if (part := clause.args.get(_CONDITION.get(clause.key, "this")))]
    while stack:
        here = stack.pop()
        if type(here) in _OPERATORS:
            yield here
        if not isinstance(here, exp.Query):
            stack.extend(here.iter_expressions())


def _columns(node: exp.Expr) -> Iterator[exp.Column]:
    """The columns in one side of a comparison, but those of a query or of another comparison in it."""
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, exp.Column):
            yield here
        elif not isinstance(here, exp.Query) and type(here) not in _OPERATORS:
            stack.extend(here.iter_expressions())
