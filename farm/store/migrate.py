"""Bringing the store to this version of the farm."""

import threading

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from farm.errors import StoreTrouble
from farm.store.engine import Store

ADVISORY_LOCK = 7_215_331_024
# Alembic keeps the migration under way in module-level proxies, so one process runs one at a time.
_ALEMBIC = threading.Lock()


def migrate(store: Store, revision: str = "head") -> tuple[str | None, str | None]:
    """Upgrade to `revision`; returns the revisions before and after. Safe to run at the same time twice."""
    with _ALEMBIC, store.write() as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        config = _config()
        config.attributes["connection"] = connection
        context = MigrationContext.configure(connection)
        before = context.get_current_revision()
        if before not in _known():
            raise StoreTrouble(
                f"the store {store.where} is at revision {before}, which this version does not know; "
                "upgrade the farm"
            )
        command.upgrade(config, revision)
        return before, MigrationContext.configure(connection).get_current_revision()


def downgrade(store: Store, revision: str) -> None:
    """Go back to `revision` ("base": no tables at all)."""
    with _ALEMBIC, store.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def current(store: Store) -> str | None:
    """The store's revision; None before the first migration."""
    with store.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The revision that this version of the farm needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def require_current(store: Store) -> None:
    """Raise StoreTrouble unless the store is at this version's revision."""
    found = current(store)
    if found != head():
        raise StoreTrouble(
            f"the store {store.where} is at revision {found or 'none'}, this version needs {head()}; "
            "run `farm migrate`"
        )


def _known() -> set[str | None]:
    return {None, *(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "migrations:")
    return config
