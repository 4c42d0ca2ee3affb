"""Which revision a store is at, and which one this version of the farm needs; see farm.store.migrate.

Asked at every start, so without Alembic, which takes longer to load than a question to the store takes.
"""

from functools import cache
from importlib.resources import files

from sqlalchemy import Column, MetaData, String, Table, inspect, select

from farm.errors import StoreTrouble
from farm.store.engine import Store

VERSIONS = Table("alembic_version", MetaData(), Column("version_num", String))


@cache
def head() -> str:
    """The revision that this version of the farm needs: the last of its migrations, which are numbered."""
    names = (path.name for path in files("migrations").joinpath("versions").iterdir())
    return max(name.partition("_")[0] for name in names if name.endswith(".py"))


def current(store: Store) -> str | None:
    """The store's revision; None before the first migration."""
    with store.read() as connection:
        if not inspect(connection).has_table(VERSIONS.name):
            return None
        return connection.scalar(select(VERSIONS.c.version_num))


def require_current(store: Store) -> None:
    """Raise StoreTrouble unless the store is at this version's revision."""
    found = current(store)
    if found != head():
        raise StoreTrouble(
            f"the store {store.where} is at revision {found or 'none'}, this version needs {head()}; "
            "run `farm migrate`"
        )
