"""A target's tables and columns, compiled once and asked for every query."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from farm.errors import BadInput
from farm.sql.ddl import Relation, read_ddl, read_types
from farm.sql.dialect import Rules, rules_of
from farm.sql.nearest import nearest
from farm.sql.types.catalog import catalog
from farm.sql.types.declared import Declared


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table or view. `columns` maps the folded name to the name as written; None: any column may exist
    (a virtual table, or a view whose columns could not be worked out). `types` are as the DDL has them;
    `odd_names`: some columns of a view are called what they compute, here only about as in the database;
    `primary_key` are folded names, none where there is no such key."""

    schema: str
    name: str
    columns: Mapping[str, str] | None
    types: Mapping[str, str] = field(default_factory=dict)
    odd_names: bool = False
    hidden: bool = True
    primary_key: frozenset[str] = frozenset()

    @cached_property
    def column_names(self) -> Sequence[str]:
        """The folded names of the columns in their order."""
        return list(self.columns or ())

    @cached_property
    def written_names(self) -> Sequence[str]:
        """Their names as written in the same order."""
        return list((self.columns or {}).values())

    @cached_property
    def column_types(self) -> Sequence[str]:
        """Their types in the same order."""
        return list(self.types.values())


class Schema:
    """All relations of one target, by folded (schema, name). Immutable once compiled."""

    def __init__(self, rules: Rules, tables: Iterable[Table]) -> None:
        self.rules = rules
        self.collates = False
        """Whether some columns have a collation of their own."""
        self.declared = Declared()
        """Enums and domains, in Postgres."""
        self.tables: dict[tuple[str, str], Table] = {}
        self._by_name: dict[str, list[Table]] = {}
        self._homes: dict[str, list[str]] = {}
        for table in tables:
            self._add(table)

    @classmethod
    def from_ddl(cls, ddl: str, dialect: str) -> Self:
        """Compile CREATE statements; raises BadInput, with the line, when they define no readable table."""
        from farm.sql.views import output_columns  # it resolves view bodies, for which it needs this module

        rules = rules_of(dialect)
        schema = cls(rules, ())
        schema.collates = "collate" in ddl.lower()
        if rules.name == "postgres":
            schema.declared = read_types(ddl, rules)
        for relation in read_ddl(ddl, rules):
            schema._add(_table(relation, schema, output_columns(relation, schema)))
        if rules.name == "postgres":
            catalog()  # read now, and not with the first query
        if not schema.tables:
            raise BadInput(
                "missing DDL: the schema defines no table; give CREATE TABLE statements, "
                "for example what `pg_dump --schema-only` or SQLite's `.schema` prints"
            )
        return schema

    def find(self, name: str, *, quoted: bool, db: str | None = None) -> Table | None:
        """The table that a name in a query means; without `db` the default schema goes first."""
        folded = self.rules.fold(name, quoted=quoted)
        if db is not None:
            return self.tables.get((db.lower(), folded))
        found = self.tables.get((self.rules.default_schema, folded))
        return found or next(iter(self._by_name.get(folded, ())), None)

    def has_type(self, name: str) -> bool:
        """Whether a column of the schema is of this type."""
        wanted = name.lower()
        return any(
            type_.lower().partition("(")[0].rpartition(".")[2].strip('" ') == wanted
            for table in self.tables.values()
            for type_ in table.types.values()
        )

    def nearest_tables(self, name: str) -> tuple[str, ...]:
        """Existing tables whose names resemble `name`, best first."""
        return nearest(name, (table.name for table in self.tables.values()))

    def homes(self, column: str) -> Sequence[str]:
        """Names of the tables that have a column of this folded name."""
        return self._homes.get(column.lower(), ())

    def _add(self, table: Table) -> None:
        key = (table.schema.lower(), self.rules.fold(table.name, quoted=True))
        self.tables[key] = table
        self._by_name.setdefault(key[1], []).append(table)
        for column in table.columns or ():
            homes = self._homes.setdefault(column.lower(), [])
            if table.name not in homes:
                homes.append(table.name)


def _table(relation: Relation, schema: Schema, columns: Sequence[tuple[str, str]] | None) -> Table:
    fold = schema.rules.fold
    home = relation.schema or schema.rules.default_schema
    if columns is None:
        return Table(schema=home, name=relation.name, columns=None)
    return Table(
        schema=home,
        name=relation.name,
        columns={fold(name, quoted=True): name for name, _ in columns},
        types={fold(name, quoted=True): type_ for name, type_ in columns},
        odd_names=relation.is_view and not all(name.isidentifier() for name, _ in columns),
        hidden=not (relation.is_view or relation.without_rowid),
        primary_key=frozenset(fold(name, quoted=True) for name in relation.primary_key),
    )
