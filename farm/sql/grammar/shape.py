"""A schema as a grammar sees it: tables, and columns by what can be done with them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from farm.sql.schema import Schema, Table
from farm.sql.words import words

MOST_COLUMNS = 40


class Kind(StrEnum):
    """What a column may be compared with; OTHER with nothing."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    FLAG = "flag"
    OTHER = "other"


_KINDS = (
    (Kind.OTHER, re.compile(r"\[\s*\d*\s*\]|\barray\b|interval|^(?:time\b|point|money|json|xml|bytea|blob)")),
    (Kind.FLAG, re.compile(r"^bool")),
    (Kind.DATE, re.compile(r"^(?:date|timestamp|datetime)")),
    (
        Kind.NUMBER,
        re.compile(
            r"^(?:(?:tiny|small|medium|big|huge)?(?:int|serial)|u?(?:tiny|small|big)?int|numeric|decimal|"
            r"real|double|float|number|dec\b)"
        ),
    ),
    (Kind.TEXT, re.compile(r"char|^(?:text|tinytext|mediumtext|longtext|string|clob|name$)")),
)
_DATE_NAME = re.compile(r"(?:^|_)(?:date|day|dt|datetime|timestamp)(?:$|_)|_(?:at|on)$|date$", re.IGNORECASE)
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}")
_PLAIN = {
    "postgres": re.compile(r"[a-z_][a-z0-9_]*"),
    "sqlite": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "mysql": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "duckdb": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
}
# Reserved by some engine, or a value or function that is written without parentheses.
_NEVER_BARE = words(
    "abort analyse analyze asc asymmetric authorization binary both by cast collation column "
    "concurrently cross current current_catalog current_date current_role current_schema current_time "
    "current_timestamp current_user database desc describe div do end explain false fetch filter for "
    "freeze full function grant group groups ilike initially inner interval is key keys lateral leading "
    "left like localtime localtimestamp match mod natural of offset only outer over overlaps partition "
    "pivot placing qualify range rank read recursive regexp release rename replace right row rows "
    "schema session_user show similar some summarize symmetric system_user tablesample trailing true "
    "unpivot usage user variadic verbose virtual window with write"
)


@dataclass(frozen=True, slots=True)
class Column:
    """`written` is the name as a query must have it; `is_key`: part of its table's primary key."""

    name: str
    written: str
    kind: Kind
    is_key: bool


@dataclass(frozen=True, slots=True)
class TableShape:
    """`written` as in FROM; `alias` is a short name that no other table has."""

    name: str
    written: str
    alias: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    dialect: str
    tables: tuple[TableShape, ...]

    def columns(self) -> Iterator[tuple[TableShape, Column]]:
        """Every column with its table."""
        return ((table, column) for table in self.tables for column in table.columns)


def shape_of(schema: Schema, tables: Collection[str] | None, wished: Mapping[str, str]) -> Shape:
    """The relations of the default schema, or those of them that `tables` names in whatever case; `wished`
    are aliases by tables in small letters."""
    wanted = None if tables is None else {name.lower() for name in tables}
    chosen = [
        table
        for table in schema.tables.values()
        if table.columns
        and table.schema.lower() == schema.rules.default_schema
        and (wanted is None or table.name.lower() in wanted)
    ]
    aliases = _aliases([table.name for table in chosen], wished, schema)
    shapes = tuple(
        TableShape(
            name=table.name,
            written=written(table.name, schema),
            alias=aliases[table.name],
            columns=_columns(table, schema),
        )
        for table in chosen
    )
    return Shape(dialect=schema.rules.name, tables=shapes)


def _columns(table: Table, schema: Schema) -> tuple[Column, ...]:
    columns = table.columns or {}
    shapes = [
        Column(
            name=name,
            written=written(name, schema),
            kind=kind_of(table.types.get(folded, ""), name, schema.rules.name),
            is_key=folded in table.primary_key,
        )
        for folded, name in columns.items()
    ]
    return tuple(shapes[:MOST_COLUMNS])


def kind_of(type_: str, name: str, dialect: str) -> Kind:
    """The kind of a column of this declared type. SQLite keeps dates as text; there its name tells, too."""
    declared = type_.strip().lower().strip('"')
    kind = next((kind for kind, pattern in _KINDS if pattern.search(declared)), Kind.OTHER)
    if dialect != "sqlite":
        return kind
    if kind is Kind.FLAG:
        return Kind.NUMBER
    if kind in (Kind.TEXT, Kind.OTHER) and _DATE_NAME.search(name) and "blob" not in declared:
        return Kind.DATE
    return Kind.TEXT if not declared else kind


def written(name: str, schema: Schema) -> str:
    """A name as a query must spell it: bare where that means the same, else quoted."""
    rules = schema.rules
    lowered = name.lower()
    if _PLAIN[rules.name].fullmatch(name) and lowered not in rules.reserved and lowered not in _NEVER_BARE:
        return name
    mark = "`" if rules.name == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def _aliases(names: Sequence[str], wished: Mapping[str, str], schema: Schema) -> dict[str, str]:
    """The wished name of each table, else its initials, with a number where they are taken."""
    taken = {name.lower() for name in names} | schema.rules.reserved | _NEVER_BARE
    found: dict[str, str] = {}
    for name in names:
        wish = wished.get(name.lower(), "")
        if _ALIAS.fullmatch(wish) and wish.lower() not in taken:
            found[name] = wish
            taken |= {wish.lower()}
    for name in names:
        if name not in found:
            numbered = (f"{_initials(name)}{number or ''}" for number in (0, *range(2, len(names) + 99)))
            found[name] = next(each for each in numbered if each not in taken)
            taken |= {found[name]}
    return found


def _initials(name: str) -> str:
    letters = "".join(part[:1] for part in re.split(r"[_\W]+", name.lower()) if part[:1].isalpha())
    return letters if letters and letters.isascii() else "t"
