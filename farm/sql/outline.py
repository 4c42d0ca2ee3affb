"""A target's schema as people browse it: tables with columns, types, keys, comments and foreign keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.ddl import Reader, read_ddl, search_path_of, statements, tokenized
from farm.sql.dialect import Rules, rules_of
from farm.sql.remarks import Remarks, written_in
from farm.sql.schema import Schema, Table


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlineColumn:
    """`type` is as the DDL has it, "" where it has none; `comment` is "" where there is none."""

    name: str
    type: str
    in_primary_key: bool = False
    comment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignKey:
    """`columns` of a table refer to `parent`, by its label. `parent_columns` may be none: its primary key."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlineTable:
    """`label` is the name under which lineage knows it: with its schema where that is not the default one."""

    label: str
    is_view: bool
    columns: tuple[OutlineColumn, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """`tables` in the order of the DDL."""

    tables: tuple[OutlineTable, ...] = ()
    by_label: Mapping[str, OutlineTable] = field(default_factory=dict, repr=False)


_Place = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reference:
    child: _Place
    columns: tuple[str, ...]
    parent: _Place
    parent_columns: tuple[str, ...]


@lru_cache(maxsize=32)
def read_outline(ddl: str, dialect: str) -> Outline:
    """Everything that CREATE statements say of tables; raises BadInput where they cannot be read.

    Foreign keys to tables that the DDL does not make are left out, and so is a second one that says the same.
    """
    rules = rules_of(dialect)
    schema = Schema.from_ddl(ddl, dialect)
    views = {_place(rules, each.schema, each.name) for each in read_ddl(ddl, rules) if each.is_view}
    remarks = written_in(ddl, rules)
    keys: dict[_Place, dict[ForeignKey, None]] = {}
    for reference in _references(ddl, rules):
        parent = _found(schema, reference.parent, reference.child)
        if parent is not None:
            key = ForeignKey(
                columns=reference.columns,
                parent=label_of(parent, rules),
                parent_columns=reference.parent_columns,
            )
            keys.setdefault(reference.child, {})[key] = None
    tables = tuple(
        _table(table, rules, is_view=place in views, keys=tuple(keys.get(place, ())), remarks=remarks)
        for place, table in schema.tables.items()
    )
    return Outline(tables=tables, by_label={table.label: table for table in tables})


def label_of(table: Table, rules: Rules) -> str:
    """The table's name, with its schema in front where that is not the default one."""
    return table.name if table.schema == rules.default_schema else f"{table.schema}.{table.name}"


def _table(
    table: Table, rules: Rules, *, is_view: bool, keys: tuple[ForeignKey, ...], remarks: Remarks
) -> OutlineTable:
    place = (table.schema.lower(), rules.fold(table.name, quoted=True))
    return OutlineTable(
        label=label_of(table, rules),
        is_view=is_view,
        columns=tuple(
            OutlineColumn(
                name=name,
                type=table.types.get(folded, ""),
                in_primary_key=folded in table.primary_key,
                comment=remarks.columns.get((*place, folded), ""),
            )
            for folded, name in (table.columns or {}).items()
        ),
        foreign_keys=keys,
        comment=remarks.tables.get(place, ""),
    )


def _found(schema: Schema, parent: _Place, child: _Place) -> Table | None:
    """The table that a reference means: where it says, else in the child's schema."""
    return schema.tables.get(parent) or schema.tables.get((child[0], parent[1]))


def _place(rules: Rules, schema: str | None, name: str) -> _Place:
    return (schema or rules.default_schema).lower(), rules.fold(name, quoted=True)


def _references(ddl: str, rules: Rules) -> Iterator[_Reference]:
    text, tokens = tokenized(ddl, rules)
    search_path: str | None = None
    for statement in statements(tokens):
        search_path = search_path_of(statement) or search_path
        yield from _KeyReader(statement, text, rules).references(search_path)


class _KeyReader(Reader):
    """Finds the foreign keys of a CREATE TABLE or an ALTER TABLE."""

    def references(self, search_path: str | None) -> Iterator[_Reference]:
        relation = self.relation(search_path) if self._word() == "CREATE" else None
        if relation is not None and not relation.is_view:
            child = _place(self.rules, relation.schema, relation.name)
            self._rewind_to_items()
            for item in self._items():
                yield from self._in_item(item, child, search_path)
        elif self._skip("ALTER") and self._skip("TABLE"):
            while self._skip("ONLY", "IF", "EXISTS"):
                pass
            schema, name = self._qualified_name()
            yield from self._declared(
                self.tokens[self.at :], _place(self.rules, schema or search_path, name), search_path
            )

    def _rewind_to_items(self) -> None:
        opening = (i for i, token in enumerate(self.tokens) if token.token_type is TokenType.L_PAREN)
        self.at = next(opening, len(self.tokens))

    def _in_item(self, item: list[Token], child: _Place, search_path: str | None) -> Iterator[_Reference]:
        column = self._column(item)
        if column is None:
            yield from self._declared(item, child, search_path)
            return
        at = _index(item, "REFERENCES", 1)
        if at is not None:
            yield self._referred(item[at:], child, (column[0],), search_path)

    def _declared(self, tokens: list[Token], child: _Place, search_path: str | None) -> Iterator[_Reference]:
        """Every `FOREIGN KEY (…) REFERENCES …` in a row of tokens."""
        start = 0
        while (key := _index(tokens, "FOREIGN KEY", start)) is not None:
            start = key + 1
            at = _index(tokens, "REFERENCES", start)
            if at is None:
                return
            yield self._referred(tokens[at:], child, self._names(tokens[key:at]), search_path)

    def _referred(
        self, tokens: list[Token], child: _Place, columns: tuple[str, ...], search_path: str | None
    ) -> _Reference:
        inner = _KeyReader(tokens, self.text, self.rules)
        inner.at = 1
        schema, name = inner._qualified_name()
        opens = inner.at < len(tokens) and tokens[inner.at].token_type is TokenType.L_PAREN
        return _Reference(
            child=child,
            columns=columns,
            parent=_place(self.rules, schema or search_path, name),
            parent_columns=self._names(tokens[inner.at :]) if opens else (),
        )

    def _names(self, tokens: list[Token]) -> tuple[str, ...]:
        """The names in the first pair of parentheses."""
        inner = _KeyReader(tokens, self.text, self.rules)
        inner._rewind_to_items()
        return tuple(self._fold(part[0]) for part in inner._items() if part)


def _index(tokens: list[Token], word: str, start: int) -> int | None:
    """Where a keyword stands, not a quoted name or a text that reads the same."""
    spoken = (TokenType.IDENTIFIER, TokenType.STRING)
    places = range(start, len(tokens))
    return next(
        (i for i in places if tokens[i].token_type not in spoken and tokens[i].text.upper() == word), None
    )
