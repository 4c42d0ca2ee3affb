"""An engine's error message as a finding, with the place and the nearest names where it names something."""

import re

from farm.sql.nearest import nearest
from farm.sql.place import Place, place
from farm.sql.schema import Schema
from farm.sql.verdict import Finding

_COLUMN = re.compile(
    r'no such column: "?([^"\n]+?)"?(?:$|\s-)|column "?([^"\n]+?)"? does not exist|has no column named (\S+)'
    r"|Unknown column '([^']+)'"
    r'|Referenced column "([^"]+)" not found'
)
_TABLE = re.compile(
    r'no such table: (\S+)|relation "([^"]+)" does not exist|missing FROM-clause entry for table "([^"]+)"'
    r"|Table '([^']+)' doesn't exist|Table with name (\S+) does not exist|Unknown table '([^']+)'"
)
_FUNCTION = re.compile(
    r"no such function: (\S+)|function ([\w.]+)\(.*\) does not exist|number of arguments to function (\w+)"
    r"|FUNCTION ([\w.]+) does not exist|Function with name (\w+) does not exist"
)
_NEAR = re.compile(r'(?:at or )?near "([^"]+)"' r"|near '(.+)' at line", re.DOTALL)
_POSITION = re.compile(r"^LINE (\d+):", re.MULTILINE)
_HINT = re.compile(r"^HINT:\s*(.+)$", re.MULTILINE)


def engine_finding(message: str, sql: str, schema: Schema) -> Finding:
    """The finding `engine_refused` for what an engine said of `sql`."""
    hint = _HINT.search(message)
    return Finding(
        code="engine_refused",
        message=message.strip().partition("\n")[0],
        nearest=_nearest(message, schema),
        hint=hint[1].strip() if hint else None,
        **_place(message, sql),
    )


def _nearest(message: str, schema: Schema) -> tuple[str, ...]:
    if name := _named(_COLUMN, message):
        columns = {column for table in schema.tables.values() for column in (table.columns or {}).values()}
        return nearest(name.rpartition(".")[2], sorted(columns))
    if name := _named(_TABLE, message):
        return schema.nearest_tables(name.rpartition(".")[2])
    if name := _named(_FUNCTION, message):
        return nearest(name, sorted(schema.rules.functions))
    return ()


def _named(pattern: re.Pattern[str], message: str) -> str | None:
    match = pattern.search(message)
    return next((group for group in match.groups() if group), None) if match else None


def _place(message: str, sql: str) -> Place:
    """The place of the word the engine names, when it occurs once; else the line that Postgres gives."""
    word = _named(_NEAR, message) or _named(_COLUMN, message) or _named(_TABLE, message)
    found = (
        [m.start() for m in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", sql, re.IGNORECASE)]
        if word
        else []
    )
    if len(found) == 1:
        return place(sql, found[0])
    line = _POSITION.search(message)
    return {"line": int(line[1]) if line else None, "column": None}
