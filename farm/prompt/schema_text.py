"""Tables, columns and foreign keys, read from CREATE statements.

This is no parser of SQL: what it does not understand it leaves out, and the model still has the DDL itself.
"""

import re
from functools import lru_cache

from farm.prompt.schema import Column, ForeignKey, SchemaText, Table
from farm.prompt.signs import signs
from farm.prompt.words import stems

NAME = r'(?:"?\w+"?\.)?"?(\w+)"?'
CREATE = re.compile(rf"CREATE\s+(?:\w+\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{NAME}\s*\(", re.IGNORECASE)
REFERENCES = re.compile(rf'REFERENCES\s+{NAME}\s*\(\s*"?(\w+)"?\s*\)', re.IGNORECASE)
FOREIGN_KEY = re.compile(r'FOREIGN\s+KEY\s*\(\s*"?(\w+)"?\s*\)', re.IGNORECASE)
ALTER = re.compile(rf"ALTER\s+TABLE\s+(?:ONLY\s+)?{NAME}\s+ADD\s+([^;]*)", re.IGNORECASE)
TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|[(),]|[^-/'\"(),]+|.", re.DOTALL)
NO_COLUMN = frozenset({"PRIMARY", "FOREIGN", "UNIQUE", "CHECK", "CONSTRAINT", "EXCLUDE", "LIKE"})
FLAG = re.compile(r"\b(\d+)\s*[:=]\s*(\w{4,})")
QUOTED = re.compile(r"'((?:[^']|'')*)'")


@lru_cache(maxsize=16)
def read_schema(ddl: str) -> SchemaText:
    """The tables and single-column foreign keys of `ddl`, in its order."""
    tables: list[Table] = []
    keys: list[ForeignKey] = []
    at = 0
    while match := CREATE.search(ddl, at):
        items, at = _items(ddl, match.end())
        columns = tuple(column for item in items if (column := _column(*item)))
        tables.append(Table(name=match[1], words=tuple(stems(match[1])), columns=columns))
        keys += [key for text, _ in items if (key := _foreign_key(match[1], text))]
    keys += [key for match in ALTER.finditer(ddl) if (key := _foreign_key(match[1], match[2]))]
    return SchemaText(tables=tuple(tables), foreign_keys=tuple(keys), signs=signs(tables))


def _items(ddl: str, start: int) -> tuple[list[tuple[str, str]], int]:
    """(text, comment) of the items between the parentheses that are open at `start`, and where those end."""
    items = [["", ""]]
    depth, end = 1, len(ddl)
    for match in TOKEN.finditer(ddl, start):
        piece = match[0]
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth == 0:
            end = match.end()
            break
        if piece.startswith(("--", "/*")):
            # A comment behind the comma speaks of the column before it.
            items[-2 if len(items) > 1 and not items[-1][0].strip() else -1][1] += piece
        elif depth == 1 and piece[0] == ",":
            items.append(["", ""])
        else:
            items[-1][0] += piece
    return [(text.strip(), comment) for text, comment in items], end


def _column(text: str, comment: str) -> Column | None:
    words = text.split()
    if not words or words[0].upper() in NO_COLUMN:
        return None
    name = words[0].strip('"')
    is_date = len(words) > 1 and words[1].upper().startswith(("DATE", "TIMESTAMP"))
    return Column(
        name=name,
        words=tuple(stems(name)),
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
