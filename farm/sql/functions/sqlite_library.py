"""What the SQLite library of this Python can call, which depends on its version and on how it was built."""

import sqlite3
from contextlib import closing
from functools import cache

_SYNTAX = frozenset({"cast", "exists", "current_date", "current_time", "current_timestamp"})
_NAMES = "SELECT lower(name) FROM pragma_function_list UNION SELECT lower(name) FROM pragma_module_list"


@cache
def callable_names() -> frozenset[str] | None:
    """Functions and table-valued functions, in lower case, with what only looks like a call; None where the
    library was built without telling."""
    try:
        with closing(sqlite3.connect(":memory:")) as library:
            return _SYNTAX.union(name for (name,) in library.execute(_NAMES))
    except sqlite3.Error:
        return None


def orders_aggregates() -> bool:
    """Whether ORDER BY may stand among the arguments of an aggregate."""
    return sqlite3.sqlite_version_info >= (3, 44)
