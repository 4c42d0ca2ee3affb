"""A schema as a prompt sees it: no more than names, codes and foreign keys."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """What its comment says of the codes it may hold.

    `values` are quoted words ('paid', 'open'), `flags` numbers with their meaning (1: subscribed).
    `words` are the stems of its name.
    """

    name: str
    words: tuple[str, ...]
    is_date: bool
    values: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    name: str
    words: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignKey:
    """`table.column` refers to `parent.parent_column`."""

    table: str
    column: str
    parent: str
    parent_column: str

    @property
    def condition(self) -> str:
        return f"{self.table}.{self.column} = {self.parent}.{self.parent_column}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaText:
    """`signs` are runs of word stems that give tables away, with the names of these."""

    tables: tuple[Table, ...]
    foreign_keys: tuple[ForeignKey, ...]
    signs: Mapping[tuple[str, ...], frozenset[str]]
