"""Decides whether a column reference names something, and says what is wrong when it does not."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count, islice

from sqlglot import exp

from farm.sql.names.sources import Reference, Scope, Source
from farm.sql.nearest import nearest
from farm.sql.place import Place, place
from farm.sql.schema import Schema
from farm.sql.verdict import Finding, Severity

# What names may have meant is worked out for a few wrong ones; more are hardly read.
MOST_SUGGESTED = 40


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Looks up the column references of one text: what it means, a finding when it means nothing, None when
    it may mean something that is not known here."""

    schema: Schema
    sql: str
    suggestions: Iterator[int] = field(default_factory=count)

    def column(
        self, node: exp.Column, scope: Scope, *, bare_alias: bool, columns_first: bool = False
    ) -> Finding | Reference | None:
        """`bare_alias`: the reference stands alone in ORDER BY or GROUP BY, where result names count too;
        `columns_first`: after those of the tables."""
        if not isinstance(node.this, exp.Identifier):
            return None if not isinstance(node.this, exp.Star) else self._star(node, scope)
        name = self.fold(node.this)
        if node.args.get("table"):
            return self._qualified(node, name, scope)
        found = scope.having(name) if columns_first else []
        if len(found) > 1 and self.schema.rules.name == "mysql" and name in scope.aliases:
            found = []  # of several columns MySQL groups by the one that SELECT shows
        prefers_alias = bare_alias and not found
        return self._unqualified(node, name, scope, bare_alias=prefers_alias)

    def fold_table(self, identifier: exp.Expr) -> str:
        return self.schema.rules.fold_table(identifier.name, quoted=bool(identifier.args.get("quoted")))

    def fold(self, identifier: exp.Expr) -> str:
        return self.schema.rules.fold(identifier.name, quoted=bool(identifier.args.get("quoted")))

    def unknown_table(self, node: exp.Table) -> tuple[Finding, ...]:
        """What to say of a table that is not in the schema; nothing of the harmless parts of the catalog."""
        rules, db = self.schema.rules, node.args.get("db")
        name = node.name.lower()
        schema = db.name.lower() if db is not None else ""
        is_system = not rules.catalogs.isdisjoint({name, f"{schema}.{name}", f"{schema}.*"})
        if is_system and name not in rules.secrets:
            return ()
        finding = Finding(
            code="unknown_table",
            message=f"there is no table {f'{db.name}.{node.name}' if db is not None else node.name}",
            **self._at(node.this),
        )
        if self._has_suggested_enough():
            return (finding,)
        near = self.schema.nearest_tables(node.name)
        tables = (table.name for table in self.schema.tables.values())
        hint = None if near else _listed("tables are", tables)
        return (replace(finding, nearest=near, hint=hint),)

    def _has_suggested_enough(self) -> bool:
        """Whether so many names are wrong that nobody reads what each might have meant."""
        return next(self.suggestions) >= MOST_SUGGESTED

    def _star(self, node: exp.Column, scope: Scope) -> Finding | None:
        qualifier = node.args["table"]
        if any(around.named(self.fold_table(qualifier)) for around in scope.outward()):
            return None
        return self._unknown_qualifier(node, scope)

    def _qualified(self, node: exp.Column, name: str, scope: Scope) -> Finding | Reference | None:
        qualifier = self.fold_table(node.args["table"])
        rules = self.schema.rules
        first: Source | None = None
        for around in scope.outward():
            named = around.named(qualifier)
            if not named:
                continue
            several = len(named) > 1 and sum(source.has(name) for source in named) > 1
            if several or self._is_double(named, name):
                return self._ambiguous(node, named)
            for source in named:
                first = first or source
                if source.has(name):
                    return Reference(scope=around, source=source, name=name)
                if source.columns.may_have(name):
                    return None
                if name in rules.hidden_columns and source.hidden:
                    return None
            if first is not None and not rules.aliases_everywhere:
                break
        if first is None:
            is_part = rules.name == "duckdb" and self._is_column(node.args["table"], scope)
            return None if is_part else self._unknown_qualifier(node, scope)
        known = first.columns.names
        return self._unknown_column(node, lambda: list(known.values()), inside=node.args["table"].name)

    def _unqualified(
        self, node: exp.Column, name: str, scope: Scope, *, bare_alias: bool
    ) -> Finding | Reference | None:
        rules = self.schema.rules
        quoted = bool(node.this.args.get("quoted"))
        if name in rules.bare_words and not quoted:
            return None
        if bare_alias and name in scope.aliases and not rules.aliases_everywhere:
            return Reference(scope=scope, name=name, alias=scope.aliases[name])
        for around in scope.outward():
            found = around.having(name)
            if name not in around.merged and self._is_double(found, name):
                return self._ambiguous(node, found)
            if len(found) == 1 or (found and name in around.merged):
                return Reference(scope=around, source=found[0], name=name)
            if name in around.merged or around.may_have(name):
                return None
            if found:
                return None if bare_alias and name in around.aliases else self._ambiguous(node, found)
            seen_from_inside = rules.name == "mysql" and around is not scope
            if (around.sees_aliases or seen_from_inside) and name in around.aliases:
                return Reference(scope=around, name=name, alias=around.aliases[name])
            if name in rules.hidden_columns and any(source.hidden for source in around.sources):
                return None
            if rules.whole_rows and around.named(name):
                return None
        if quoted and rules.strings_in_double_quotes and self._written_in_double_quotes(node):
            return self._string(node)
        return self._unknown_column(node, scope.visible_columns, inside=None)

    def _is_column(self, qualifier: exp.Expr, scope: Scope) -> bool:
        """Whether what stands before a dot is a column, whose part the whole is then: DuckDB's structs."""
        name = self.fold(qualifier)
        return any(around.having(name) or around.may_have(name) for around in scope.outward())

    def _is_double(self, sources: list[Source], name: str) -> bool:
        """Whether Postgres cannot tell which column of a subquery is meant."""
        return self.schema.rules.name == "postgres" and any(source.has_twice(name) for source in sources)

    def _written_in_double_quotes(self, node: exp.Column) -> bool:
        start = node.this.meta.get("start")
        return start is None or self.sql[start : start + 1] == '"'

    def _at(self, node: exp.Expr) -> Place:
        return place(self.sql, node.meta.get("start"))

    def _string(self, node: exp.Column) -> Finding:
        return Finding(
            code="string_in_double_quotes",
            severity=Severity.WARNING,
            message=f'no column is called "{node.name}", so SQLite reads it as a string',
            hint="write strings in single quotes",
            **self._at(node.this),
        )

    def _ambiguous(self, node: exp.Column, found: list[Source]) -> Finding:
        owners = list(dict.fromkeys(source.name for source in found))
        several = len(owners) > 1
        return Finding(
            code="ambiguous_column",
            message=f"column {node.name} could be from "
            + (" or ".join(owners) if several else f"several tables called {owners[0]}"),
            hint=f"qualify it, for example {owners[0]}.{node.name}" if several else "give each its own alias",
            nearest=tuple(f"{owner}.{node.name}" for owner in owners),
            **self._at(node.this),
        )

    def _unknown_qualifier(self, node: exp.Column, scope: Scope) -> Finding:
        name = node.args["table"].name
        finding = Finding(
            code="unknown_qualifier",
            message=f"{name}.{node.name if node.name else '*'} refers to {name}, which is not in FROM here",
            **self._at(node.args["table"]),
        )
        if self._has_suggested_enough():
            return finding
        visible = [source.name for around in scope.outward() for source in around.sources if source.name]
        is_table = self.schema.find(name, quoted=False) is not None
        hint = f"join {name}, or use its alias" if is_table else _listed("in FROM are", visible)
        return replace(finding, nearest=nearest(name, visible), hint=hint)

    def _unknown_column(
        self, node: exp.Column, columns: Callable[[], list[str]], *, inside: str | None
    ) -> Finding:
        where = f"{inside} has no column" if inside else "no table in FROM has a column"
        finding = Finding(code="unknown_column", message=f"{where} {node.name}", **self._at(node.this))
        if self._has_suggested_enough():
            return finding
        known, homes = columns(), self.schema.homes(node.name)[:3]
        hint = f"{node.name} is a column of {', '.join(homes)}" if homes else _listed("columns are", known)
        return replace(finding, nearest=nearest(node.name, known), hint=hint)


def _listed(what: str, names: Iterable[str]) -> str | None:
    listed = ", ".join(islice(names, 40))
    return f"{what} {listed}" if listed else None
