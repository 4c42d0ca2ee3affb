"""Resolves the names of a query against a schema, scope by scope: an own walk instead of sqlglot's `qualify`.

`qualify` stops at the first error, copies the tree, is exponential on chains of aliases and lets qualified
columns of unknown tables, HAVING and set operations pass. This walk visits each node once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlglot import exp

from farm.sql.calls import names_a_unit
from farm.sql.names.columns import all_columns, combined, is_comma, of_projection, of_values, shown, under
from farm.sql.names.functions import of_function
from farm.sql.names.lookup import Lookup
from farm.sql.names.resolution import Resolution
from farm.sql.names.sources import Columns, Origin, Reference, Scope, Selection, Source
from farm.sql.place import place
from farm.sql.schema import Schema, Table
from farm.sql.shape import branches, grouped_items, identifier, is_joined, items, joins, joins_of_source
from farm.sql.verdict import Finding

# engines take 1,600 (Postgres) to 4,096 (MySQL); it also keeps stars that double at each step in bounds
COLUMN_LIMIT = 4_096
ALL_COLUMNS_LIMIT = 25 * COLUMN_LIMIT
"""Of all the SELECTs and NATURAL joins of one query together."""
_TOO_MANY = "too_many_columns"
_ALIASES = "give each its own alias, and qualify the columns"

Ctes = Mapping[str, Columns]

_NAMED_LATER = ("where", "group", "having", "qualify", "order", "distinct", "windows", "limit", "offset")
_LEAVES = frozenset({exp.Literal, exp.Identifier, exp.Var, exp.Null, exp.Boolean})
_LOCAL_IN_SQLITE = frozenset({"group", "order"})
_BARE_ALIAS = frozenset({"group", "order", "distinct"})


def resolve(tree: exp.Expr, schema: Schema, sql: str) -> Resolution:
    """Look every table and column of a query up. `sql` is the text that the tree's positions refer to."""
    walk = _Walk(lookup=Lookup(schema=schema, sql=sql))
    columns = walk.query(tree, None, {})
    return Resolution(
        columns=columns,
        findings=tuple(walk.findings),
        references=walk.references,
        selections=walk.selections,
        outputs=walk.outputs,
    )


@dataclass(kw_only=True)
class _Walk:
    lookup: Lookup
    findings: list[Finding] = field(default_factory=list)
    references: dict[int, Reference] = field(default_factory=dict)
    selections: list[Selection] = field(default_factory=list)
    outputs: dict[int, Columns] = field(default_factory=dict)
    unused: dict[int, list[Finding]] = field(default_factory=dict)
    columns_left: int = ALL_COLUMNS_LIMIT

    def query(self, node: exp.Expr, outer: Scope | None, ctes: Ctes) -> Columns:
        """Resolve a query and return its output columns."""
        columns = self.outputs[id(node)] = self._query(node, outer, ctes)
        return columns

    def _query(self, node: exp.Expr, outer: Scope | None, ctes: Ctes) -> Columns:
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
        return of_values(node) if isinstance(node, exp.Values) else Columns.unknown()

    def _with(self, node: exp.Expr, outer: Scope | None, ctes: Ctes) -> Ctes:
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        known, own = dict(ctes), set[str]()
        if self.lookup.schema.rules.aliases_everywhere:  # SQLite's see those that follow, too
            known |= {
                self.lookup.fold_table(cte.args["alias"].this): Columns.unknown()
                for cte in clause.expressions
            }
        for cte in clause.expressions:
            named = cte.args["alias"].this
            name = self.lookup.fold_table(named)
            if name in own:
                self._report("duplicate_cte", f"WITH defines {named.name} more than once", named)
            own.add(name)
            before = len(self.findings)
            renamed = cte.args["alias"].args.get("columns") or []
            recursive = clause.args.get("recursive") or self.lookup.schema.rules.aliases_everywhere
            if recursive and isinstance(cte.this, exp.SetOperation) and not cte.this.args.get("with_"):
                columns = self._set_operation(
                    cte.this, outer, known, after_first=partial(self._declare, known, name, renamed)
                )
            else:
                columns = self.query(cte.this, outer, known)
            self._column_list(columns, renamed, named)
            self._declare(known, name, renamed, columns)
            if clause.args.get("search"):  # SEARCH and CYCLE add columns
                known[name] = replace(known[name], complete=False, only_odd=False)
            if self.lookup.schema.rules.checks_used_ctes_only:
                found = self.findings[before:]
                self.unused[id(known[name])] = [each for each in found if each.code != _TOO_MANY]
                self.findings[before:] = [each for each in found if each.code == _TOO_MANY]
        return known

    def _column_list(self, columns: Columns, renamed: Sequence[exp.Expr], named: exp.Expr) -> None:
        """Report `t(a, b)` where t has not two columns; Postgres lets the last ones go without."""
        if not renamed or columns.count is None or columns.count == len(renamed):
            return
        if columns.count < len(renamed) or not self.lookup.schema.rules.whole_rows:
            what = f"{named.name} has {columns.count} columns, and {len(renamed)} names for them"
            self._report("column_list", what, named, hint="give one name for each column")

    def _declare(
        self, known: dict[str, Columns], name: str, renamed: Sequence[exp.Expr], columns: Columns
    ) -> None:
        known[name] = under(columns, renamed, self.lookup)

    def _select(self, node: exp.Select, outer: Scope | None, ctes: Ctes) -> Columns:
        scope = Scope(parent=outer)
        from_ = node.args.get("from_")
        if from_ is not None:
            self._source(from_.this, scope, ctes)
        for join in node.args.get("joins") or ():
            self._join(join, scope, ctes)
        for lateral in node.args.get("laterals") or ():
            self._source(lateral, scope, ctes)
        for alias in node.expressions:
            if isinstance(alias, exp.Alias):
                scope.aliases.setdefault(self.lookup.fold(alias.args["alias"]), alias.this)
        scope.sees_aliases = "select" in self.lookup.schema.rules.alias_clauses
        for projection in node.expressions:
            self._expressions(projection, scope, ctes)
        columns = self._output(node, scope)
        self._clauses(node, scope, ctes, columns)
        self.selections.append(Selection(node=node, scope=scope, columns=columns))
        return columns

    def _clauses(self, node: exp.Select, scope: Scope, ctes: Ctes, columns: Columns) -> None:
        rules = self.lookup.schema.rules
        scope.sees_aliases = rules.aliases_everywhere
        for join in joins(node) if rules.aliases_everywhere else ():
            self._expressions(join.args.get("on"), scope, ctes)
        outer = scope.parent
        for key in _NAMED_LATER:
            # in SQLite these two clauses see nothing of the queries around theirs
            scope.sees_aliases = rules.aliases_everywhere or key in rules.alias_clauses
            scope.parent = None if rules.aliases_everywhere and key in _LOCAL_IN_SQLITE else outer
            shows = key == "order" or (key == "group" and rules.name == "mysql")
            if shows and not rules.aliases_everywhere:
                scope.aliases = shown(columns) | scope.aliases
            value = node.args.get(key)
            if value is None:
                continue
            for clause in value if isinstance(value, list) else (value,):
                self._expressions(
                    clause, scope, ctes, bare_alias=key in _BARE_ALIAS, columns_first=key == "group"
                )
        scope.parent = outer

    def _set_operation(
        self,
        node: exp.SetOperation,
        outer: Scope | None,
        ctes: Ctes,
        after_first: Callable[[Columns], None] | None = None,
    ) -> Columns:
        """`after_first` hears the columns of the first part, which a recursive CTE has from then on."""
        start, *rest = branches(node)
        first = self.query(start, outer, ctes)
        if after_first is not None:
            after_first(first)
        others = [self.query(branch, outer, ctes) for branch in rest]
        for other in others:
            if None not in (first.count, other.count) and first.count != other.count:
                self._report(
                    "set_operation_columns",
                    f"the parts of {node.key.upper()} have {first.count} and {other.count} columns",
                    node,
                    hint="give every part the same number of columns",
                )
                break
        whole = combined(first, others)
        self._order_of_result(node, whole, outer, ctes)
        return whole

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
        if isinstance(node, exp.Subquery) and is_joined(node):
            self._parenthesised_join(node, scope, ctes)
        elif isinstance(node, exp.Subquery):
            outer = scope if self.lookup.schema.rules.implied_lateral else scope.parent
            self._add(node, self.query(node, outer, ctes), scope)
        elif isinstance(node, exp.Lateral):
            inner = node.this
            if isinstance(inner, exp.Subquery):
                self._add(node, self.query(inner, scope, ctes), scope)
            else:
                self._expressions(inner, scope, ctes)
                self._add(node, of_function(node, self.lookup, self.references), scope)
        elif isinstance(node, exp.Table):
            self._table(node, scope, ctes)
        else:
            for part in node.expressions:
                self._expressions(part, scope, ctes)
            columns = (
                of_values(node)
                if isinstance(node, exp.Values)
                else of_function(node, self.lookup, self.references)
            )
            self._add(node, columns, scope)
        for join in node.args.get("joins") or ():
            self._join(join, scope, ctes)

    def _parenthesised_join(self, node: exp.Subquery, scope: Scope, ctes: Ctes) -> None:
        if node.args.get("alias") is None:
            self._source(node.this, scope, ctes)
            return
        inner = Scope(parent=scope.parent)
        self._source(node.this, inner, ctes)
        for join in joins_of_source(node.this):
            self._expressions(join.args.get("on"), inner, ctes)
        self._add(node, all_columns(inner), scope)

    def _table(self, node: exp.Table, scope: Scope, ctes: Ctes) -> None:
        if not isinstance(node.this, exp.Identifier):
            self._expressions(node.this, scope, ctes)
            for rows in node.args.get("rows_from") or ():
                self._expressions(rows.this, scope, ctes)
            self._add(node, of_function(node, self.lookup, self.references), scope)
            return
        db = node.args.get("db")
        cte = ctes.get(self.lookup.fold_table(node.this)) if db is None else None
        if cte is not None:
            self.findings += self.unused.pop(id(cte), ())
            self._add(node, cte, scope)
            return
        table = self.lookup.schema.find(
            node.name, quoted=bool(node.this.args.get("quoted")), db=db.name if db else None
        )
        if table is None:
            self.findings += self.lookup.unknown_table(node)
        elif not self.lookup.schema.rules.folds_tables and table.name != node.name:
            self._report(
                "table_case",
                f"the table is called {table.name}; names of tables mind upper and lower case",
                node.this,
                nearest=(table.name,),
            )
        if table is None or table.columns is None:
            self._add(node, Columns.unknown(), scope)
        else:
            columns = Columns(
                names=table.columns,
                count=len(table.columns),
                complete=not table.odd_names,
                only_odd=table.odd_names,
                labels=table.column_names,
                origins=table.column_types,
            )
            self._add(node, columns, scope, hidden=table.hidden, table=table)

    def _add(
        self,
        node: exp.Expr,
        columns: Columns,
        scope: Scope,
        *,
        hidden: bool = False,
        table: Table | None = None,
    ) -> None:
        alias = node.args.get("alias")
        named = alias.this if alias is not None and alias.this is not None else node.this
        name = (
            self.lookup.fold_table(named)
            if isinstance(named, exp.Identifier)
            else self.lookup.schema.rules.fold_table(named.name if named is not None else "", quoted=False)
        )
        renamed = (alias.args.get("columns") or []) if alias is not None else []
        if name and scope.named(name) and not self.lookup.schema.rules.aliases_everywhere:
            self._report("duplicate_alias", f"{name} stands in FROM more than once", named, hint=_ALIASES)
        self._column_list(columns, renamed, named or node)
        source = Source(name=name, columns=under(columns, renamed, self.lookup), hidden=hidden, table=table)
        scope.sources.append(source)
        if table is None and self.lookup.schema.rules.name == "mysql":
            self._told_apart(source, named or node)

    def _told_apart(self, source: Source, named: exp.Expr) -> None:
        """In MySQL, no two columns of a subquery or CTE have one name."""
        twice = next((label for label in source.columns.labels if label and source.has_twice(label)), None)
        if twice is not None:
            what = f"{source.name} has more than one column {twice}"
            self._report("ambiguous_column", what, named, hint="give each column its own alias")

    def _join(self, join: exp.Join, scope: Scope, ctes: Ctes) -> None:
        rules = self.lookup.schema.rules
        if rules.name == "postgres" and is_comma(join):
            scope.joined_from = len(scope.sources)
        before = list(scope.sources)
        self._source(join.this, scope, ctes)
        joined = scope.sources[len(before) :]
        if (join.args.get("method") or "").upper() == "NATURAL":
            right = {name: None for source in joined for name in source.columns.names}
            self.columns_left -= len(right)
            if self.columns_left >= 0:  # else the SELECT's own columns are too many, which is reported
                scope.merge([name for name in right if any(source.has(name) for source in before)])
        scope.merge([self.lookup.fold(identifier(using)) for using in join.args.get("using") or ()])
        for using in join.args.get("using") or ():
            self._using(identifier(using), before, joined, scope)
        self._condition(join, scope, ctes)

    def _condition(self, join: exp.Join, scope: Scope, ctes: Ctes) -> None:
        """ON sees what is joined up to here; a comma begins anew. SQLite's sees the whole FROM clause."""
        if self.lookup.schema.rules.aliases_everywhere:
            return
        everything = scope.sources
        scope.sources = everything[scope.joined_from :]
        self._expressions(join.args.get("on"), scope, ctes)
        scope.sources = everything

    def _using(
        self, column: exp.Expr, before: Sequence[Source], joined: Sequence[Source], scope: Scope
    ) -> None:
        name = self.lookup.fold(column)
        for side in (before, joined):
            known = not any(source.columns.may_have(name) for source in side)
            if known and not any(source.has(name) for source in side):
                sources = ", ".join(source.name for source in side)
                self._report("unknown_column", f"USING needs a column {column.name} in {sources}", column)

    # columns

    def _expressions(
        self,
        node: exp.Expr | None,
        scope: Scope,
        ctes: Ctes,
        *,
        bare_alias: bool = False,
        columns_first: bool = False,
    ) -> None:
        """Look up every column under `node`; nested queries get a scope of their own."""
        if node is None:
            return
        named = grouped_items if isinstance(node, exp.Group) else items
        bare = set(map(id, named(node))) if bare_alias else set()
        stack: list[exp.Expr] = [node]
        while stack:
            here = stack.pop()
            if isinstance(here, exp.Query):
                self.query(here, scope, ctes)
            elif type(here) in _LEAVES:
                continue
            elif isinstance(here, exp.Column):
                if self.lookup.schema.rules.name == "mysql" and names_a_unit(here):
                    continue
                found = self.lookup.column(
                    here, scope, bare_alias=id(here) in bare, columns_first=columns_first
                )
                if isinstance(found, Finding):
                    self.findings.append(found)
                elif found is not None:
                    self.references[id(here)] = found
            else:
                stack.extend(here.iter_expressions(reverse=True))

    def _output(self, node: exp.Select, scope: Scope) -> Columns:
        names: dict[str, str] = {}
        labels: list[str | None] = []
        origins: list[Origin] = []
        count: int | None = 0
        complete = only_odd = True
        for projection in node.expressions:
            columns = of_projection(projection, scope, self.lookup)
            names.update(columns.names)
            count = None if count is None or columns.count is None else count + columns.count
            complete = complete and columns.complete
            only_odd = only_odd and (columns.complete or columns.only_odd)
            labels += columns.labels
            origins += columns.origins
            if len(origins) > min(COLUMN_LIMIT, self.columns_left):
                whose = "the query has" if len(origins) > COLUMN_LIMIT else "its SELECTs and joins have"
                most = COLUMN_LIMIT if len(origins) > COLUMN_LIMIT else ALL_COLUMNS_LIMIT
                what = f"{whose} more than {most:,} columns"
                self._report(_TOO_MANY, what, projection, hint="name the columns that are needed")
                return Columns.unknown()
        self.columns_left -= len(origins)
        if count is None:
            return Columns(names=names, count=None, complete=complete, only_odd=only_odd)
        return Columns(
            names=names, count=count, complete=complete, only_odd=only_odd, labels=labels, origins=origins
        )

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
