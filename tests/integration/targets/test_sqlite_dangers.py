"""What generated SQL could do to a SQLite target and its host: none of it happens."""

import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.dangers import Danger, dangers
from support.late import LATE_SECONDS

from farm.errors import TargetTrouble
from farm.sql.assess import judge
from farm.sql.schema import Schema
from farm.targets.sqlite.engine import SqliteEngine

TIMEOUT_SECONDS = 0.2
MORE_SECONDS = 3.0  # to kill the child, to start the next one, and for a busy machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The database's folder, in which everything happens, so that files with relative names are seen too."""
    folder = tmp_path_factory.mktemp("shop")
    connection = sqlite3.connect(folder / "shop.db")
    connection.executescript(
        "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1), (2); CREATE TABLE c (x);"
        "CREATE INDEX t_a ON t (a); CREATE VIEW paid AS SELECT a FROM t;"
        "CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO numbered VALUES (1);"
        "CREATE VIRTUAL TABLE docs USING fts5(body);"
    )
    connection.executemany("INSERT INTO c VALUES (?)", [(number,) for number in range(1000)])
    connection.commit()
    connection.close()
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[SqliteEngine]:
    engine = SqliteEngine.from_url(f"sqlite:///{folder / 'shop.db'}", target_name="shop")
    engine.run("SELECT 1", row_limit=1, timeout_seconds=5)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def dry(engine: SqliteEngine) -> Iterator[SqliteEngine]:
    dry = SqliteEngine.from_ddl(engine.introspect(), target_name="shop")
    yield dry
    dry.close()


@pytest.fixture(scope="module")
def schema(engine: SqliteEngine) -> Schema:
    return Schema.from_ddl(engine.introspect(), "sqlite")


@pytest.fixture(scope="module")
def before(engine: SqliteEngine, folder: Path) -> dict[str, str]:
    return state(folder)


def state(folder: Path) -> dict[str, str]:
    """Each file's digest; the shared memory of WAL is the reader's own."""
    files = [path for path in folder.rglob("*") if path.suffix != ".db-shm"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def accepting(_sql: str) -> None:
    """An engine that accepts everything."""


@pytest.mark.parametrize("danger", dangers("sqlite", "refused"), ids=str)
def test_the_checks_alone_refuse_it(danger: Danger, schema: Schema) -> None:
    verdict = judge(danger.sql(folder="/nowhere"), schema, accepting, "any")
    assert not verdict.accepted
    assert verdict.first_error is not None
    assert verdict.first_error.code != "could_not_check"


@pytest.mark.parametrize("danger", dangers("sqlite", "refused"), ids=str)
def test_the_target_alone_refuses_it(
    danger: Danger, engine: SqliteEngine, dry: SqliteEngine, folder: Path, before: dict[str, str]
) -> None:
    sql = danger.sql(folder=folder)
    started = time.monotonic()
    with pytest.raises(TargetTrouble):
        engine.run(sql, row_limit=10, timeout_seconds=TIMEOUT_SECONDS)
    assert dry.prepare(sql) is not None
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS + LATE_SECONDS
    assert state(folder) == before
    assert engine.run("SELECT a FROM t", row_limit=10, timeout_seconds=5).rows == [(1,), (2,)]


@pytest.mark.parametrize("danger", dangers("sqlite", "limited"), ids=str)
def test_the_target_alone_keeps_it_in_bounds(
    danger: Danger, engine: SqliteEngine, folder: Path, before: dict[str, str]
) -> None:
    started = time.monotonic()
    with suppress(TargetTrouble):
        engine.run(danger.sql(folder=folder), row_limit=1000, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS + LATE_SECONDS
    assert state(folder) == before
    assert engine.run("SELECT a FROM t", row_limit=10, timeout_seconds=5).rows == [(1,), (2,)]


def test_the_dangers_are_real_without_the_guard(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "shop.db", tmp_path)
    folder = tmp_path
    connection = sqlite3.connect(f"file:{folder}/shop.db?mode=ro", uri=True, isolation_level=None)
    connection.execute(f"VACUUM INTO '{folder}/new.db'")
    connection.execute("PRAGMA query_only = 1")
    connection.execute(f"ATTACH '{folder}/attached.db' AS x")
    connection.execute("PRAGMA query_only = 0")
    connection.execute("CREATE TABLE x.t (a)")
    connection.close()
    assert {"new.db", "attached.db"} <= set(state(folder))
