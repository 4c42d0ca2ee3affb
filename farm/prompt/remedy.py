"""Where a column is to be had that a query looks for in the wrong table."""

import re
from collections.abc import Mapping

from farm.prompt.excerpt import KEY_NAME, aliases_in
from farm.prompt.schema import SchemaText, Table
from farm.prompt.schema_text import read_schema
from farm.sql.verdict import Finding

READ_CHARS = 4_000
MISSING = re.compile(r"(?:^(?P<inside>\S+) has no column|no table in FROM has a column) (?P<column>\w+)$")
FROM = re.compile(r'(?:\b(?:FROM|JOIN)\s+|,\s*)(?=(?:\w+\.)?"?(\w+))', re.IGNORECASE)


def remedy(finding: Finding, sql: str, ddl: str) -> str | None:
    """What to write instead: the column of another table in FROM, or how the table that has it is joined.

    None where no table that could be joined has such a column: a name that comes near is the better guess.
    """
    if finding.code == "ambiguous_column" and finding.nearest:
        qualified = finding.nearest[0]
        return f"Replace every {qualified.rpartition('.')[2]} that has no table before it by {qualified}."
    missing = MISSING.search(finding.message) if finding.code == "unknown_column" else None
    if missing is None:
        return None
    column, schema, sql = missing["column"], read_schema(ddl), sql[:READ_CHARS]
    owners = [table for table in schema.tables if _named(table, column)]
    called = _called(sql, schema)
    inside = [f"{called[owner.name]}.{column}" for owner in owners if owner.name in called]
    former = f"{missing['inside']}.{column}" if missing["inside"] else column
    if inside:
        return f"Replace every {former} by {' or '.join(inside)}."
    for owner in owners:
        if joined := _join(owner, called, schema):
            near = f" Or did you mean {', '.join(finding.nearest)}?" if finding.nearest else ""
            return f"{owner.name} has it: add {joined} and write {owner.name}.{column}.{near}"
    return None


def _named(table: Table, column: str) -> bool:
    return any(each.name.lower() == column.lower() for each in table.columns)


def _called(sql: str, schema: SchemaText) -> dict[str, str]:
    """The tables that the query reads, by name, with what it calls them."""
    aliases = aliases_in(sql)
    used = {match[1].lower() for match in FROM.finditer(sql)}
    return {
        table.name: aliases.get(table.name.lower(), table.name)
        for table in schema.tables
        if table.name.lower() in used
    }


def _join(owner: Table, called: Mapping[str, str], schema: SchemaText) -> str | None:
    """`JOIN owner ON …` along a key to a table that the query reads, or along a column of the same name."""
    for key in schema.foreign_keys:
        if key.table == owner.name and key.parent in called:
            other = f"{called[key.parent]}.{key.parent_column}"
            return f"JOIN {owner.name} ON {owner.name}.{key.column} = {other}"
        if key.parent == owner.name and key.table in called:
            other = f"{called[key.table]}.{key.column}"
            return f"JOIN {owner.name} ON {owner.name}.{key.parent_column} = {other}"
    for table in schema.tables:
        if table.name in called and not schema.foreign_keys:
            for each in table.columns:
                if KEY_NAME.search(each.name) and _named(owner, each.name):
                    other = f"{called[table.name]}.{each.name}"
                    return f"JOIN {owner.name} ON {owner.name}.{each.name} = {other}"
    return None
