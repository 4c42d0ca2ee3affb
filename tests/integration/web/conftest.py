"""Farms and browsers at their pages; stores of this version are copies, as making one anew takes longer."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from starlette.testclient import TestClient
from support.postgres import copy_of, fresh_database
from support.store import SHOP
from support.web import TOKENS, client

from farm.api import Farm
from farm.store import migrate, targets
from farm.store.engine import Store


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "farm.db"
    with Store.open(f"sqlite:///{path}") as store:
        migrate.migrate(store)
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url:
        with Store.open(url) as store:
            migrate.migrate(store)
        yield str(make_url(url).database)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a SQLite file with an empty store of this version."""
    shutil.copy(sqlite_template, tmp_path / "farm.db")
    return f"sqlite:///{tmp_path / 'farm.db'}"


@pytest.fixture
def postgres_database(postgres_url: str, postgres_template: str) -> Iterator[str]:
    """The URL of a Postgres database with an empty store of this version, dropped after the test."""
    with copy_of(postgres_url, postgres_template) as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty store on SQLite; on Postgres as well where a test is ON_BOTH, as its dialect matters there."""
    fixture = {"sqlite": "sqlite_url", "postgres": "postgres_database"}[getattr(request, "param", "sqlite")]
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def settings() -> dict[str, Any]:
    """What a file's farms have set beside their store and a second pool."""
    return {}


@pytest.fixture
def farm(tmp_path: Path, database_url: str, settings: dict[str, Any]) -> Iterator[Farm]:
    """A farm with the target `shop` and two pools."""
    pools = {"big": {"model": "big-model"}}
    with Farm.connect(home=tmp_path, database_url=database_url, pools=pools, **settings) as farm:
        targets.save(farm.store, SHOP)
        yield farm


@pytest.fixture
def browser(farm: Farm) -> Iterator[TestClient]:
    """A browser on the farm's own machine."""
    with client(farm) as made:
        yield made


@pytest.fixture
def operator(farm: Farm) -> Iterator[TestClient]:
    with client(farm, token=TOKENS["web_operator_token"]) as made:
        yield made


@pytest.fixture
def reader(farm: Farm) -> Iterator[TestClient]:
    with client(farm, token=TOKENS["web_reader_token"]) as made:
        yield made


@pytest.fixture
def browse(tmp_path: Path, sqlite_url: str) -> Iterator[Callable[..., TestClient]]:
    """Opens a browser at a farm with these settings."""
    opened: list[Any] = []

    def browse(token: str | None = None, **settings: Any) -> TestClient:
        farm = Farm.connect(home=tmp_path, **settings)
        made = client(farm, token=token)
        opened.extend((made, farm))
        return made.__enter__()

    yield browse
    for made in opened:
        made.__exit__(None, None, None)


@pytest.fixture
def farm_command(tmp_path: Path, sqlite_url: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`farm web` on a free port, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "farm", "web", "--port", "0"],
        env={**os.environ, "FARM_HOME": str(tmp_path)},
        cwd=Path(__file__).parents[3],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        found = re.search(r"http://\S+?(?=;|\s)", said)
        assert found, said + process.stderr.read()
        yield process, found[0]
    finally:
        process.kill()
        process.communicate()
