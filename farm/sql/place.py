"""Where in a text something stands, as people count: lines and columns from 1."""

from typing import TypedDict


class Place(TypedDict):
    """The keywords of a Finding that say where."""

    line: int | None
    column: int | None


def place(sql: str, offset: int | None) -> Place:
    """The place of a character offset; None where it is not known."""
    if offset is None:
        return {"line": None, "column": None}
    return {"line": sql.count("\n", 0, offset) + 1, "column": offset - sql.rfind("\n", 0, offset)}
