"""The locks that keep the programs which share a SQLite store from each other's way."""

import subprocess
import sys
from pathlib import Path

from farm.store import migrate
from farm.store.engine import Store

VISIT = """
import sqlite3, sys
visitor = sqlite3.connect(sys.argv[1])
visitor.execute("SELECT count(*) FROM tasks").fetchone()
visitor.close()
"""


def test_a_further_connection_keeps_the_locks_of_those_that_a_program_has(tmp_path: Path) -> None:
    """Closing any descriptor of a file drops a program's locks on it: then the next program to leave takes
    itself for the last one, removes the write-ahead log, and the database is damaged."""
    path = tmp_path / "farm.db"
    with Store.open(f"sqlite:///{path}") as store:
        migrate.migrate(store)
        with store.read() as first, store.read() as second:
            assert first.connection.dbapi_connection is not second.connection.dbapi_connection
            subprocess.run([sys.executable, "-c", VISIT, path], check=True, timeout=60)
            assert path.with_name("farm.db-wal").exists()
