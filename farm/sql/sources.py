"""What a SELECT can see: the sources in its FROM clause, and through its parent what surrounds it."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Output columns by folded name, mapped to the name as written. Not `complete`: there may be other names.
    `count` is None where even their number is not known."""

    names: dict[str, str]
    count: int | None
    complete: bool = True

    @classmethod
    def unknown(cls) -> "Columns":
        return cls(names={}, count=None, complete=False)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One table, view, CTE or subquery in a FROM clause. `hidden`: with rowid or ctid and such."""

    name: str
    columns: Columns
    hidden: bool = False

    def has(self, column: str) -> bool:
        return column in self.columns.names


@dataclass(kw_only=True)
class Scope:
    """The names one SELECT sees. `aliases` are its own result names, in force while `sees_aliases`."""

    parent: "Scope | None" = None
    sources: list[Source] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)
    aliases: set[str] = field(default_factory=set)
    sees_aliases: bool = False

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

    def visible_columns(self) -> list[str]:
        """Every column name that could have been meant here, nearest scope first."""
        found: dict[str, None] = {}
        for scope in self.outward():
            for source in scope.sources:
                found.update(dict.fromkeys(source.columns.names.values()))
        return list(found)
