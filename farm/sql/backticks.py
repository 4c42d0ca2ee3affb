"""Names in backticks, which DuckDB takes like those in double quotes."""

import re

_PARTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|`([^`\"]*)`", re.DOTALL)


def in_double_quotes(sql: str) -> str:
    """The same text, as long as before, with double quotes for backticks around names."""
    return _PARTS.sub(lambda part: part[0] if part[1] is None else f'"{part[1]}"', sql)
