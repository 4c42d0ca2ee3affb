"""One store at this version on each database, emptied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from support.postgres import fresh_database
from support.store import SHOP, opened

from farm.store import targets
from farm.store.engine import Store
from farm.store.tables import Base

TABLES = [table.name for table in reversed(Base.metadata.sorted_tables)]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that knows the target `shop`, to copy: migrating anew for each test takes longer."""
    path = tmp_path_factory.mktemp("store") / "farm.db"
    opened(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres_store(postgres_url: str) -> Iterator[Store]:
    with fresh_database(postgres_url) as url, opened(url) as store:
        yield store


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(sqlite_template, tmp_path / "farm.db")
    with Store.open(f"sqlite:///{tmp_path / 'farm.db'}") as store:
        yield store


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store that knows the target `shop`, once on SQLite and once on Postgres."""
    if request.param == "sqlite":
        sqlite: Store = request.getfixturevalue("sqlite_store")
        return sqlite
    postgres: Store = request.getfixturevalue("postgres_store")
    with postgres.write() as connection:
        if connection.execute(text("SELECT count(*) > 5000 FROM tasks")).scalar():
            connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
        for table in TABLES:  # faster than TRUNCATE for the few rows of most tests
            connection.execute(text(f"DELETE FROM {table}"))
    targets.save(postgres, SHOP)
    return postgres


@pytest.fixture
def url(store: Store) -> str:
    """Where that store is, for a second connection of its own."""
    return store.engine.url.render_as_string(hide_password=False)
