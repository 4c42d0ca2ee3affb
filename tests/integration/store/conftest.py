"""One store at this version on each database, emptied for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from support.postgres import fresh_database
from support.store import SHOP, opened

from farm.store import targets
from farm.store.engine import Store
from farm.store.tables import Base

TABLES = ", ".join(table.name for table in Base.metadata.sorted_tables)


@pytest.fixture(scope="session")
def postgres_store(postgres_url: str) -> Iterator[Store]:
    with fresh_database(postgres_url) as url, opened(url) as store:
        yield store


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    with opened(f"sqlite:///{tmp_path / 'farm.db'}") as store:
        yield store


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store that knows the target `shop`, once on SQLite and once on Postgres."""
    if request.param == "sqlite":
        sqlite: Store = request.getfixturevalue("sqlite_store")
        return sqlite
    postgres: Store = request.getfixturevalue("postgres_store")
    with postgres.write() as connection:
        connection.execute(text(f"TRUNCATE {TABLES} RESTART IDENTITY"))
    targets.save(postgres, SHOP)
    return postgres


@pytest.fixture
def url(store: Store) -> str:
    """Where that store is, for a second connection of its own."""
    return store.engine.url.render_as_string(hide_password=False)
