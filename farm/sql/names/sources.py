"""What a SELECT can see: the sources in its FROM clause, and through its parent what surrounds it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from sqlglot import exp

from farm.sql.schema import Table

# Where a column's values come from: a type as the DDL has it, the expression that computes them, the parts
# of a set operation; None where that is not known.
Origin: TypeAlias = "str | exp.Expr | tuple[Origin, ...] | None"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Output columns by folded name, mapped to the name as written. Not `complete`: there may be other names,
    with `only_odd` such as no bare word means. `count` is None where even their number is not known; where it
    is, `labels` (folded names, None for an unnamed one) and `origins` have one entry for each, in order."""

    names: Mapping[str, str]
    count: int | None
    complete: bool = True
    only_odd: bool = False
    labels: Sequence[str | None] = ()
    origins: Sequence[Origin] = ()

    @classmethod
    def unknown(cls) -> "Columns":
        return cls(names={}, count=None, complete=False)

    @classmethod
    def of(cls, names: dict[str, str], origins: Sequence[Origin]) -> "Columns":
        """All columns, each with a name of its own."""
        return cls(names=names, count=len(names), labels=list(names), origins=origins)

    def may_have(self, name: str) -> bool:
        """Whether there may be such a column though it is not among the names."""
        return not self.complete and not (self.only_odd and name.isidentifier())

    @cached_property
    def places(self) -> Mapping[str | None, int]:
        """Where each label stands first."""
        return {label: at for at, label in reversed(list(enumerate(self.labels)))}

    @cached_property
    def doubles(self) -> frozenset[str | None]:
        """The labels of more than one column."""
        return frozenset(label for at, label in enumerate(self.labels) if self.places[label] != at)

    def origin(self, name: str) -> Origin:
        at = self.places.get(name)
        return self.origins[at] if at is not None and at < len(self.origins) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """One table, view, CTE or subquery in a FROM clause. `hidden`: with rowid or ctid and such. `table` is
    what stands behind the name in the schema, None for a CTE or a subquery."""

    name: str
    columns: Columns
    hidden: bool = False
    table: Table | None = None

    def has(self, column: str) -> bool:
        return column in self.columns.names

    def has_twice(self, column: str) -> bool:
        """Whether two columns of a subquery have this name."""
        return self.table is None and column in self.columns.doubles


@dataclass(kw_only=True, eq=False)
class Scope:
    """The names one SELECT sees. `aliases` are its own result names with what they stand for, in force while
    `sees_aliases`; `merged` are the columns that USING and NATURAL make one, with the join that does so;
    `joined_from` is the index of the first source behind the last comma in FROM."""

    parent: "Scope | None" = None
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, exp.Expr | None] = field(default_factory=dict)
    sees_aliases: bool = False
    joined_from: int = 0

    def outward(self) -> Iterator["Scope"]:
        """This scope and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def named(self, name: str) -> list[Source]:
        return [source for source in self.sources if source.name == name]

    def having(self, column: str) -> list[Source]:
        return [source for source in self.sources if source.has(column)]

    @property
    def complete(self) -> bool:
        return all(source.columns.complete for source in self.sources)

    @property
    def only_odd(self) -> bool:
        return all(source.columns.complete or source.columns.only_odd for source in self.sources)

    def may_have(self, column: str) -> bool:
        """Whether a source may have a column that is not among its names."""
        return any(source.columns.may_have(column) for source in self.sources)

    def merge(self, names: Sequence[str]) -> None:
        join = len(self.sources)
        for name in names:
            self.merged.pop(name, None)
            self.merged[name] = join

    def merged_in_order(self) -> list[str]:
        """Those of the last join first."""
        return sorted(self.merged, key=lambda name: -self.merged[name])

    def visible_columns(self) -> list[str]:
        """Every column name that could have been meant here, nearest scope first."""
        found: dict[str, None] = {}
        for scope in self.outward():
            for source in scope.sources:
                found.update(dict.fromkeys(source.columns.names.values()))
        return list(found)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a column reference means: a column of a source, or (`alias`) a result name of its SELECT."""

    scope: Scope
    source: Source | None = None
    name: str = ""
    alias: exp.Expr | None = None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """One SELECT, resolved."""

    node: exp.Select
    scope: Scope
    columns: Columns
