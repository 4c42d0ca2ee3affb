"""Bringing the store to this version of the farm."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from farm.errors import StoreTrouble
from farm.store.engine import Connection, Store

ADVISORY_LOCK = 7_215_331_024
NO_LIMITS = """
    SELECT set_config(name, '0', true)
    FROM pg_settings
    WHERE name IN ('statement_timeout', 'transaction_timeout')
"""
"""What somebody has set against runaway queries is too short for reading a million rows."""
# Alembic keeps the migration under way in module-level proxies, so one process runs one at a time.
_ALEMBIC = threading.Lock()


def migrate(store: Store, revision: str = "head") -> tuple[str | None, str | None]:
    """Upgrade to `revision`; returns the revisions before and after. Safe to run at the same time twice.

    A store that is not empty goes by one revision at a time, each in a transaction of its own, so that no
    lock on a table that others write to is held while a later one reads a million rows. What fails leaves
    the store at the revision before it.
    """
    with _ALEMBIC:
        before, after = _step(store, revision)
        found = before
        while after != found:  # looked up anew each time: others may have gone on meanwhile
            found, after = _step(store, revision)
        return before, after


def _step(store: Store, revision: str) -> tuple[str | None, str | None]:
    """Upgrade by one revision, an empty store by all; returns the revisions before and after."""
    with _alone(store) as (connection, found):
        steps = [revision] if found is None else _steps(found, revision)
        return found, _upgrade(connection, steps[0]) if steps else found


@contextmanager
def _alone(store: Store) -> Iterator[tuple[Connection, str | None]]:
    """A transaction while which nobody else migrates, and the revision that the store is at."""
    with store.write() as connection:
        if store.dialect == "postgresql":
            _require_utf8(connection, store.where)
            connection.execute(text(NO_LIMITS))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        found = MigrationContext.configure(connection).get_current_revision()
        if found not in _known():
            raise StoreTrouble(
                f"the store {store.where} is at revision {found}, which this version does not know; "
                "upgrade the farm"
            )
        yield connection, found


def _steps(before: str, revision: str) -> list[str]:
    """The revisions after `before` up to this one, in order."""
    scripts = ScriptDirectory.from_config(_config()).iterate_revisions(revision, before)
    return [script.revision for script in scripts][::-1]


def _upgrade(connection: Connection, revision: str) -> str | None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    return MigrationContext.configure(connection).get_current_revision()


def _require_utf8(connection: Connection, where: str) -> None:
    """Raise StoreTrouble for a database that cannot keep each text: in LATIN1, or SQL_ASCII (bytes)."""
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise StoreTrouble(
            f"the store {where} is a database in {encoding}, which cannot keep every text; make one with "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


def downgrade(store: Store, revision: str) -> None:
    """Go back to `revision` ("base": no tables at all)."""
    with _ALEMBIC, store.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def _known() -> set[str | None]:
    return {None, *(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "migrations:")
    return config
