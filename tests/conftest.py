"""Real servers for all tests: one Valkey and one Postgres per run, a clean database for each test."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from support.child import running
from support.llm import StubLLM
from support.mariadb import ABSENT, binary, fresh_mysql, mariadb
from support.postgres import fresh_database, postgres

from farm.services import valkey


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A real queue server on a private unix socket; it belongs to this test run."""
    home = Path(tempfile.mkdtemp(prefix="farm-valkey-"))
    command = valkey.command(valkey.binary(), home)
    url = valkey.url(home)
    try:
        with running(command, ready=lambda: valkey.answers(url), log=home / "log"):
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    """The queue server, empty."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A Postgres server's first database: FARM_TEST_POSTGRES_URL, or a server of this test run's own."""
    if given := os.environ.get("FARM_TEST_POSTGRES_URL"):
        yield given
        return
    if sys.platform == "win32":
        pytest.skip("set FARM_TEST_POSTGRES_URL: the tests' own Postgres does not run on Windows")
    with postgres() as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of a new, empty Postgres database, dropped after the test."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def mysql_url() -> Iterator[str]:
    """A server, as its administrator: FARM_TEST_MYSQL_URL, or a MariaDB of this test run's own."""
    if given := os.environ.get("FARM_TEST_MYSQL_URL"):
        yield given
        return
    program = binary()
    if program is None:
        pytest.skip(ABSENT)
    with mariadb(program) as url:
        yield url


@pytest.fixture
def mysql_database(mysql_url: str) -> Iterator[str]:
    """The URL of a new, empty MySQL database, dropped after the test."""
    with fresh_mysql(mysql_url) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'farm.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database for the store, once on SQLite and once on Postgres."""
    fixture = {"sqlite": "sqlite_url", "postgres": "postgres_database"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def llm() -> Iterator[StubLLM]:
    """A scripted model server; see tests/support/llm.py."""
    with StubLLM() as server:
        yield server
