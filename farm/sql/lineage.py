"""What a query reads: tables, columns, joins, filters, functions, by the names that the schema gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class ColumnName:
    """A column of the schema. `table` has its schema in front where that is not the default one."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Join:
    """Two columns that a query takes for equal, in alphabetical order."""

    left: ColumnName
    right: ColumnName

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Filter:
    """A column by which rows or groups are chosen, and how: `=`, `>=`, `LIKE`, `NOT IN`, `IS NULL`, …"""

    column: ColumnName
    operator: str

    def __str__(self) -> str:
        return f"{self.column} {self.operator}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """What a query reads, each thing once, sorted. Views stand as they are named; stars are expanded.

    `functions` are in small letters.
    """

    tables: tuple[str, ...] = ()
    columns: tuple[ColumnName, ...] = ()
    joins: tuple[Join, ...] = ()
    filters: tuple[Filter, ...] = ()
    functions: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "tables": list(self.tables),
            "columns": [_column(each) for each in self.columns],
            "joins": [{"left": _column(each.left), "right": _column(each.right)} for each in self.joins],
            "filters": [{"column": _column(each.column), "operator": each.operator} for each in self.filters],
            "functions": list(self.functions),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        return cls(
            tables=tuple(value["tables"]),
            columns=tuple(ColumnName(**each) for each in value["columns"]),
            joins=tuple(
                Join(left=ColumnName(**each["left"]), right=ColumnName(**each["right"]))
                for each in value["joins"]
            ),
            filters=tuple(
                Filter(column=ColumnName(**each["column"]), operator=each["operator"])
                for each in value["filters"]
            ),
            functions=tuple(value["functions"]),
        )


def _column(column: ColumnName) -> dict[str, str]:
    return {"table": column.table, "column": column.column}
