"""What a SQLite connection may do once it is guarded: read, and nothing else.

`mode=ro` and `query_only` do not suffice: ATTACH and VACUUM INTO write files even so. An authorizer that
allows only what reading needs stops the first; VACUUM asks no authorizer, but then it does not SELECT either.
"""

import contextlib
import sqlite3

from farm.sql.dialect import SQLITE

FUNCTIONS = SQLITE.functions | {"->", "->>"}
PLAIN_READS = frozenset({sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
LIMITS = {
    "SQLITE_LIMIT_LENGTH": 10_000_000,
    "SQLITE_LIMIT_SQL_LENGTH": 1_000_000,
    "SQLITE_LIMIT_ATTACHED": 0,
    "SQLITE_LIMIT_COLUMN": 2_000,
    "SQLITE_LIMIT_COMPOUND_SELECT": 500,
    "SQLITE_LIMIT_EXPR_DEPTH": 1_000,
    "SQLITE_LIMIT_FUNCTION_ARG": 127,
    "SQLITE_LIMIT_VARIABLE_NUMBER": 1_000,
    "SQLITE_LIMIT_VDBE_OP": 1_000_000,
    "SQLITE_LIMIT_WORKER_THREADS": 0,
    "SQLITE_LIMIT_LIKE_PATTERN_LENGTH": 1_000,
}


class Guard:
    """The authorizer of one connection. `reads`: the statement compiled last has a SELECT in it."""

    def __init__(self) -> None:
        self.reads = False
        self.refused: str | None = None

    def reset(self) -> None:
        self.reads = False
        self.refused = None

    def __call__(
        self, action: int, first: str | None, second: str | None, database: str | None, source: str | None
    ) -> int:
        if action == sqlite3.SQLITE_SELECT:
            self.reads = True
            return sqlite3.SQLITE_OK
        if action in PLAIN_READS or (
            action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in FUNCTIONS
        ):
            return sqlite3.SQLITE_OK
        # Full-text search asks for this one itself, to notice changes.
        if action == sqlite3.SQLITE_PRAGMA and first == "data_version" and not second:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            self.refused = f"function {second} is not allowed in a report"
        else:
            self.refused = "only a query that reads is allowed"
        return sqlite3.SQLITE_DENY


def guard(connection: sqlite3.Connection) -> Guard:
    """Allow nothing but reading on `connection` from here on."""
    connection.execute("PRAGMA query_only = 1")
    set_limits(connection)
    _wake_virtual_tables(connection)
    authorizer = Guard()
    connection.set_authorizer(authorizer)
    return authorizer


def set_limits(connection: sqlite3.Connection) -> None:
    """Bound what one statement can take: sizes, nothing attached."""
    for name, limit in LIMITS.items():
        connection.setlimit(getattr(sqlite3, name), limit)


def _wake_virtual_tables(connection: sqlite3.Connection) -> None:
    """A virtual table's first use declares it, which an authorizer that only allows reading would refuse."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")
    for name in ("json_each", "json_tree", *(row[0] for row in found.fetchall())):
        quoted = '"' + name.replace('"', '""') + '"'
        with contextlib.suppress(sqlite3.Error):
            connection.execute(f"SELECT * FROM {quoted} LIMIT 0").fetchall()  # noqa: S608 - a quoted name
