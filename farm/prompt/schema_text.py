"""A schema as a prompt sees it: tables, columns and foreign keys, read from CREATE statements.

This is no parser of SQL: what it does not understand it leaves out, and the model still has the DDL itself.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

NAME = r'(?:"?\w+"?\.)?"?(\w+)"?'
CREATE = re.compile(rf"CREATE\s+(?:\w+\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{NAME}\s*\(", re.IGNORECASE)
REFERENCES = re.compile(rf'REFERENCES\s+{NAME}\s*\(\s*"?(\w+)"?\s*\)', re.IGNORECASE)
FOREIGN_KEY = re.compile(r'FOREIGN\s+KEY\s*\(\s*"?(\w+)"?\s*\)', re.IGNORECASE)
ALTER = re.compile(rf"ALTER\s+TABLE\s+(?:ONLY\s+)?{NAME}\s+ADD\s+([^;]*)", re.IGNORECASE)
TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|[(),]|[^-/'\"(),]+|.", re.DOTALL)
NO_COLUMN = frozenset({"PRIMARY", "FOREIGN", "UNIQUE", "CHECK", "CONSTRAINT", "EXCLUDE", "LIKE"})
FLAG = re.compile(r"\b(\d+)\s*[:=]\s*(\w{4,})")
QUOTED = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """What its comment says of the codes it may hold.

    `values` are quoted words ('paid', 'open'), `flags` numbers with their meaning (1: subscribed).
    """

    name: str
    is_date: bool
    values: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    name: str
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
    tables: tuple[Table, ...]
    foreign_keys: tuple[ForeignKey, ...]


@lru_cache(maxsize=16)
def read_schema(ddl: str) -> SchemaText:
    """The tables and single-column foreign keys of `ddl`, in its order."""
    tables: list[Table] = []
    keys: list[ForeignKey] = []
    for match in CREATE.finditer(ddl):
        items = _items(ddl, match.end())
        tables.append(Table(name=match[1], columns=tuple(c for item in items if (c := _column(*item)))))
        keys += [key for text, _ in items if (key := _foreign_key(match[1], text))]
    keys += [key for match in ALTER.finditer(ddl) if (key := _foreign_key(match[1], match[2]))]
    return SchemaText(tables=tuple(tables), foreign_keys=tuple(keys))


def _items(ddl: str, start: int) -> list[tuple[str, str]]:
    """(text, comment) of the items between the parentheses that are open at `start`."""
    items = [["", ""]]
    depth = 1
    for match in TOKEN.finditer(ddl, start):
        piece = match[0]
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth == 0:
            break
        if piece.startswith(("--", "/*")):
            # A comment behind the comma speaks of the column before it.
            items[-2 if len(items) > 1 and not items[-1][0].strip() else -1][1] += piece
        elif depth == 1 and piece[0] == ",":
            items.append(["", ""])
        else:
            items[-1][0] += piece
    return [(text.strip(), comment) for text, comment in items]


def _column(text: str, comment: str) -> Column | None:
    words = text.split()
    if not words or words[0].upper() in NO_COLUMN:
        return None
    is_date = len(words) > 1 and words[1].upper().startswith(("DATE", "TIMESTAMP"))
    return Column(
        name=words[0].strip('"'),
        is_date=is_date,
        values=tuple(QUOTED.findall(comment)),
        flags=tuple(FLAG.findall(comment)),
    )


def _foreign_key(table: str, text: str) -> ForeignKey | None:
    parent = REFERENCES.search(text)
    if not parent:
        return None
    named = FOREIGN_KEY.search(text)
    column = named[1] if named else text.split(maxsplit=1)[0].strip('"')
    return ForeignKey(table=table, column=column, parent=parent[1], parent_column=parent[2])
