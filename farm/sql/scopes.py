"""Resolves the names of a query against a schema, scope by scope: an own walk instead of sqlglot's `qualify`.

`qualify` stops at the first error, copies the tree, is exponential on chains of aliases and lets qualified
columns of unknown tables, HAVING and set operations pass. This walk visits each node once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlglot import exp

from farm.sql.lookup import Lookup
from farm.sql.place import place
from farm.sql.schema import Schema
from farm.sql.sources import Columns, Scope, Source
from farm.sql.verdict import Finding

_ALIASES = "give each its own alias, and qualify the columns"

Ctes = Mapping[str, Columns]

_NAMED_LATER = ("where", "group", "having", "qualify", "order", "distinct", "windows", "limit", "offset")
_LOCAL_IN_SQLITE = frozenset({"group", "order"})
_BARE_ALIAS = frozenset({"group", "order", "distinct"})


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """`columns` are the folded output names, None where not all are known."""

    columns: Sequence[str] | None
    findings: Sequence[Finding]


def resolve(tree: exp.Expr, schema: Schema, sql: str) -> Resolution:
    """Look every table and column of a query up. `sql` is the text that the tree's positions refer to."""
    walk = _Walk(lookup=Lookup(schema=schema, sql=sql))
    columns = walk.query(tree, None, {})
    return Resolution(
        columns=list(columns.names.values()) if columns.complete else None, findings=tuple(walk.findings)
    )


@dataclass(kw_only=True)
class _Walk:
    lookup: Lookup
    findings: list[Finding] = field(default_factory=list)

    def query(self, node: exp.Expr, outer: Scope | None, ctes: Ctes) -> Columns:
        """Resolve a query and return its output columns."""
        ctes = self._with(node, outer, ctes)
        if isinstance(node, exp.Select):
            return self._select(node, outer, ctes)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, outer, ctes)
        if isinstance(node, exp.Subquery):
            columns = self.query(node.this, outer, ctes)
            self._order_of_result(node, columns, outer, ctes)
            return columns
        if isinstance(node, exp.Table):
            return self._select(exp.select("*").from_(node, copy=False), outer, ctes)
        self._expressions(node, outer or Scope(), ctes)
        return Columns.unknown()

    def _with(self, node: exp.Expr, outer: Scope | None, ctes: Ctes) -> Ctes:
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        known = dict(ctes)
        for cte in clause.expressions:
            name = self.lookup.fold(cte.args["alias"].this)
            renamed = cte.args["alias"].args.get("columns") or []
            recursive = clause.args.get("recursive") or self.lookup.schema.rules.aliases_everywhere
            if recursive and isinstance(cte.this, exp.SetOperation) and not cte.this.args.get("with_"):
                columns = self._set_operation(
                    cte.this, outer, known, after_first=partial(self._declare, known, name, renamed)
                )
            else:
                columns = self.query(cte.this, outer, known)
            self._declare(known, name, renamed, columns)
        return known

    def _declare(
        self, known: dict[str, Columns], name: str, renamed: Sequence[exp.Expr], columns: Columns
    ) -> None:
        known[name] = self._renamed(columns, renamed)

    def _select(self, node: exp.Select, outer: Scope | None, ctes: Ctes) -> Columns:
        scope = Scope(parent=outer)
        from_ = node.args.get("from_")
        if from_ is not None:
            self._source(from_.this, scope, ctes)
        for join in node.args.get("joins") or ():
            self._join(join, scope, ctes)
        for lateral in node.args.get("laterals") or ():
            self._source(lateral, scope, ctes)
        scope.aliases = {
            self.lookup.fold(a.args["alias"]) for a in node.expressions if isinstance(a, exp.Alias)
        }
        for projection in node.expressions:
            self._expressions(projection, scope, ctes)
        columns = self._output(node, scope)
        self._clauses(node, scope, ctes, columns)
        return columns

    def _clauses(self, node: exp.Select, scope: Scope, ctes: Ctes, columns: Columns) -> None:
        rules = self.lookup.schema.rules
        scope.sees_aliases = rules.aliases_everywhere
        for join in _joins(node):
            self._expressions(join.args.get("on"), scope, ctes)
        outer = scope.parent
        for key in _NAMED_LATER:
            # in SQLite these two clauses see nothing of the queries around theirs
            scope.parent = None if rules.aliases_everywhere and key in _LOCAL_IN_SQLITE else outer
            if key == "order" and not rules.aliases_everywhere:
                scope.aliases |= set(columns.names)
            value = node.args.get(key)
            for clause in value if isinstance(value, list) else (value,):
                self._expressions(clause, scope, ctes, bare_alias=key in _BARE_ALIAS)
        scope.parent = outer

    def _set_operation(
        self,
        node: exp.SetOperation,
        outer: Scope | None,
        ctes: Ctes,
        after_first: Callable[[Columns], None] | None = None,
    ) -> Columns:
        """`after_first` hears the columns of the first part, which a recursive CTE has from then on."""
        start, *rest = _branches(node)
        first = self.query(start, outer, ctes)
        if after_first is not None:
            after_first(first)
        for other in [self.query(branch, outer, ctes) for branch in rest]:
            if None not in (first.count, other.count) and first.count != other.count:
                self._report(
                    "set_operation_columns",
                    f"the parts of {node.key.upper()} have {first.count} and {other.count} columns",
                    node,
                    hint="give every part the same number of columns",
                )
                break
        self._order_of_result(node, first, outer, ctes)
        return first

    def _order_of_result(self, node: exp.Expr, columns: Columns, outer: Scope | None, ctes: Ctes) -> None:
        """ORDER BY on a whole result sees its column names; SQLite also takes those of the other parts."""
        order = node.args.get("order")
        if order is None:
            return
        known = columns if not self.lookup.schema.rules.aliases_everywhere else Columns.unknown()
        scope = Scope(parent=outer, sources=[Source(name="", columns=known)])
        if not known.complete:
            return
        self._expressions(order, scope, ctes)

    # sources

    def _source(self, node: exp.Expr, scope: Scope, ctes: Ctes) -> None:
        """Add what one item of FROM brings into view."""
        if isinstance(node, exp.Subquery) and isinstance(_inside(node), exp.Table):
            self._parenthesised_join(node, scope, ctes)
        elif isinstance(node, exp.Subquery):
            self._add(node, self.query(node, scope.parent, ctes), scope)
        elif isinstance(node, exp.Lateral):
            inner = node.this
            columns = self.query(inner, scope, ctes) if isinstance(inner, exp.Subquery) else Columns.unknown()
            self._expressions(None if isinstance(inner, exp.Subquery) else inner, scope, ctes)
            self._add(node, columns, scope)
        elif isinstance(node, exp.Table):
            self._table(node, scope, ctes)
        else:
            for part in node.expressions:
                self._expressions(part, scope, ctes)
            self._add(node, Columns.unknown(), scope)
        for join in node.args.get("joins") or ():
            self._join(join, scope, ctes)

    def _parenthesised_join(self, node: exp.Subquery, scope: Scope, ctes: Ctes) -> None:
        if node.args.get("alias") is None:
            self._source(_inside(node), scope, ctes)
            return
        inner = Scope(parent=scope.parent)
        self._source(_inside(node), inner, ctes)
        for join in _joins_of_source(_inside(node)):
            self._expressions(join.args.get("on"), inner, ctes)
        self._add(node, _all_columns(inner), scope)

    def _table(self, node: exp.Table, scope: Scope, ctes: Ctes) -> None:
        if not isinstance(node.this, exp.Identifier):
            self._expressions(node.this, scope, ctes)
            for rows in node.args.get("rows_from") or ():
                self._expressions(rows.this, scope, ctes)
            self._add(node, Columns.unknown(), scope)
            return
        db = node.args.get("db")
        cte = ctes.get(self.lookup.fold(node.this)) if db is None else None
        if cte is not None:
            self._add(node, cte, scope)
            return
        table = self.lookup.schema.find(
            node.name, quoted=bool(node.this.args.get("quoted")), db=db.name if db else None
        )
        if table is None:
            self._unknown_table(node)
        if table is None or table.columns is None:
            self._add(node, Columns.unknown(), scope)
        else:
            columns = Columns(names=dict(table.columns), count=len(table.columns))
            self._add(node, columns, scope, hidden=table.hidden)

    def _unknown_table(self, node: exp.Table) -> None:
        rules, db = self.lookup.schema.rules, node.args.get("db")
        name = node.name.lower()
        is_system = name in rules.catalogs or (db is not None and f"{db.name.lower()}.*" in rules.catalogs)
        if is_system and name not in rules.secrets:
            return
        written = f"{db.name}.{node.name}" if db is not None else node.name
        near = self.lookup.schema.nearest_tables(node.name)
        known = [table.name for table in self.lookup.schema.tables.values()]
        self._report(
            "unknown_table",
            f"there is no table {written}",
            node.this,
            nearest=near,
            hint=None if near else f"tables are {', '.join(known[:40])}",
        )

    def _add(self, node: exp.Expr, columns: Columns, scope: Scope, *, hidden: bool = False) -> None:
        alias = node.args.get("alias")
        named = alias.this if alias is not None and alias.this is not None else node.this
        name = self.lookup.fold(named) if isinstance(named, exp.Identifier) else named.name.lower()
        renamed = (alias.args.get("columns") or []) if alias is not None else []
        if name and scope.named(name) and not self.lookup.schema.rules.aliases_everywhere:
            self._report("duplicate_alias", f"{name} stands in FROM more than once", named, hint=_ALIASES)
        scope.sources.append(Source(name=name, columns=self._renamed(columns, renamed), hidden=hidden))

    def _renamed(self, columns: Columns, renamed: Sequence[exp.Expr]) -> Columns:
        """Apply the column list of `AS t(a, b)`."""
        if not renamed:
            return columns
        new = {self.lookup.fold(_identifier(name)): name.name for name in renamed}
        if columns.count is None or columns.count > len(columns.names):
            complete = columns.count == len(renamed)
            return Columns(names=new, count=columns.count, complete=complete)
        rest = dict(list(columns.names.items())[len(renamed) :])
        return Columns(names={**new, **rest}, count=columns.count)

    def _join(self, join: exp.Join, scope: Scope, ctes: Ctes) -> None:
        before = list(scope.sources)
        self._source(join.this, scope, ctes)
        joined = scope.sources[len(before) :]
        left = {name for source in before for name in source.columns.names}
        right = {name for source in joined for name in source.columns.names}
        if (join.args.get("method") or "").upper() == "NATURAL":
            scope.merged |= left & right
        for using in join.args.get("using") or ():
            self._using(_identifier(using), before, joined, scope)

    def _using(
        self, column: exp.Expr, before: Sequence[Source], joined: Sequence[Source], scope: Scope
    ) -> None:
        name = self.lookup.fold(column)
        scope.merged.add(name)
        for side in (before, joined):
            complete = all(source.columns.complete for source in side)
            if complete and not any(source.has(name) for source in side):
                sources = ", ".join(source.name for source in side)
                self._report("unknown_column", f"USING needs a column {column.name} in {sources}", column)

    # columns

    def _expressions(
        self, node: exp.Expr | None, scope: Scope, ctes: Ctes, *, bare_alias: bool = False
    ) -> None:
        """Look up every column under `node`; nested queries get a scope of their own."""
        if node is None:
            return
        items = set(map(id, _items(node))) if bare_alias else set()
        stack: list[exp.Expr] = [node]
        while stack:
            here = stack.pop()
            if isinstance(here, exp.Query):
                self.query(here, scope, ctes)
            elif isinstance(here, exp.Column):
                finding = self.lookup.column(here, scope, bare_alias=id(here) in items)
                if finding is not None:
                    self.findings.append(finding)
            else:
                stack.extend(here.iter_expressions(reverse=True))

    def _output(self, node: exp.Select, scope: Scope) -> Columns:
        names: dict[str, str] = {}
        count: int | None = 0
        complete = True
        for projection in node.expressions:
            columns = self._projection(projection, scope)
            names.update(columns.names)
            count = None if count is None or columns.count is None else count + columns.count
            complete = complete and columns.complete
        return Columns(names=names, count=count, complete=complete)

    def _projection(self, node: exp.Expr, scope: Scope) -> Columns:
        if isinstance(node, exp.Star):
            return _all_columns(scope)
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            sources = scope.named(self.lookup.fold(node.args["table"]))
            return sources[0].columns if sources else Columns.unknown()
        if isinstance(node, exp.Alias):
            return Columns(names={self.lookup.fold(node.args["alias"]): node.alias}, count=1)
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
            return Columns(names={self.lookup.fold(node.this): node.name}, count=1)
        return Columns(names={}, count=1, complete=False)

    def _report(
        self,
        code: str,
        message: str,
        node: exp.Expr,
        *,
        nearest: tuple[str, ...] = (),
        hint: str | None = None,
    ) -> None:
        at = place(self.lookup.sql, node.meta.get("start"))
        self.findings.append(Finding(code=code, message=message, nearest=nearest, hint=hint, **at))


def _identifier(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Column | exp.ColumnDef) else node


def _inside(node: exp.Expr) -> exp.Expr:
    """What stands inside one or more pairs of parentheses."""
    while isinstance(node, exp.Subquery) and not node.args.get("with_"):
        node = node.this
    return node


def _branches(node: exp.Expr) -> list[exp.Expr]:
    """The parts of a chain of set operations from left to right, without recursion."""
    branches: list[exp.Expr] = []
    while isinstance(node, exp.SetOperation):
        branches.append(node.expression)
        node = node.this
    return [node, *reversed(branches)]


def _joins(node: exp.Expr) -> Iterator[exp.Join]:
    """The joins of a SELECT, those inside parentheses in FROM too."""
    from_ = node.args.get("from_")
    if from_ is not None:
        yield from _joins_of_source(from_.this)
    for join in node.args.get("joins") or ():
        yield join
        yield from _joins_of_source(join.this)


def _joins_of_source(node: exp.Expr) -> Iterator[exp.Join]:
    inside = _inside(node)
    if isinstance(node, exp.Subquery) and (node.args.get("alias") or not isinstance(inside, exp.Table)):
        return
    for join in inside.args.get("joins") or ():
        yield join
        yield from _joins_of_source(join.this)


def _items(clause: exp.Expr) -> Iterator[exp.Expr]:
    """The items of GROUP BY, ORDER BY or DISTINCT ON, without their direction."""
    on = clause.args.get("on")
    for item in on.expressions if isinstance(on, exp.Tuple) else clause.expressions:
        yield item.this if isinstance(item, exp.Ordered) else item


def _all_columns(scope: Scope) -> Columns:
    names: dict[str, str] = {}
    count: int | None = 0
    for source in scope.sources:
        repeated = sum(1 for name in source.columns.names if name in scope.merged and name in names)
        known = None if count is None or source.columns.count is None else count + source.columns.count
        count = None if known is None else known - repeated
        names.update(source.columns.names)
    return Columns(names=names, count=count, complete=scope.complete)
