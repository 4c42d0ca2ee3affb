"""What generated SQL could do to a DuckDB target and its host: none of it happens."""

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from support.dangers import Danger, dangers

from farm.errors import TargetTrouble
from farm.sql.assess import judge
from farm.sql.schema import Schema
from farm.targets.duckdb.engine import DuckdbEngine

TIMEOUT_SECONDS = 0.2
MORE_SECONDS = 5.0  # to kill the child, to start the next one, and for a busy machine

TRAPS = """
    CREATE TABLE t (a integer);
    INSERT INTO t VALUES (1), (2);
    CREATE TABLE c (x integer);
    INSERT INTO c SELECT * FROM range(1000);
    CREATE SEQUENCE s;
    CREATE VIEW paid AS SELECT a FROM t;
    CREATE MACRO waited(x) AS sleep_ms(20000);
    CREATE MACRO files() AS TABLE SELECT * FROM glob('/etc/*');
    CREATE MACRO files_of(p) AS TABLE SELECT * FROM read_text(p);
    CREATE VIEW waiting_view AS SELECT waited(a) AS w, a FROM t;
    CREATE VIEW waiting_view_of_view AS SELECT * FROM waiting_view;
    CREATE VIEW settings_view AS SELECT * FROM duckdb_settings();
"""


@pytest.fixture(scope="module")
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The database's folder, in which everything happens, so that files with relative names are seen too."""
    folder = tmp_path_factory.mktemp("shop")
    with duckdb.connect(str(folder / "shop.db")) as connection:
        connection.execute(TRAPS)
        connection.execute(f"COPY t TO '{folder}/x.parquet' (FORMAT parquet)")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[DuckdbEngine]:
    engine = DuckdbEngine.from_url(f"duckdb:///{folder / 'shop.db'}", target_name="shop")
    engine.run("SELECT 1", row_limit=1, timeout_seconds=20)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def dry(engine: DuckdbEngine) -> Iterator[DuckdbEngine]:
    dry = DuckdbEngine.from_ddl(engine.introspect(), target_name="shop")
    yield dry
    dry.close()


@pytest.fixture(scope="module")
def schema(engine: DuckdbEngine) -> Schema:
    return Schema.from_ddl(engine.introspect(), "duckdb")


@pytest.fixture(scope="module")
def before(engine: DuckdbEngine, folder: Path) -> dict[str, str]:
    return state(folder)


def state(folder: Path) -> dict[str, str]:
    """Each file's digest, also below the folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def accepting(_sql: str) -> None:
    """An engine that accepts everything."""


@pytest.mark.parametrize("danger", dangers("duckdb", "refused"), ids=str)
def test_the_checks_alone_refuse_it(danger: Danger, schema: Schema) -> None:
    verdict = judge(danger.sql(folder="/nowhere", port=1), schema, accepting, "any")
    assert not verdict.accepted
    assert verdict.first_error is not None
    assert verdict.first_error.code != "could_not_check"


@pytest.mark.parametrize("danger", dangers("duckdb", "refused", "trapped"), ids=str)
def test_the_target_alone_refuses_it(
    danger: Danger,
    engine: DuckdbEngine,
    dry: DuckdbEngine,
    folder: Path,
    before: dict[str, str],
    listening: socket.socket,
) -> None:
    sql = danger.sql(folder=folder, port=listening.getsockname()[1])
    started = time.monotonic()
    with pytest.raises(TargetTrouble):
        engine.run(sql, row_limit=10, timeout_seconds=TIMEOUT_SECONDS)
    assert dry.prepare(sql) is not None
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS
    assert state(folder) == before
    with pytest.raises(BlockingIOError):
        listening.accept()
    assert engine.run("SELECT a FROM t ORDER BY a", row_limit=10, timeout_seconds=20).rows == [(1,), (2,)]


@pytest.mark.parametrize("danger", dangers("duckdb", "limited"), ids=str)
def test_the_target_alone_keeps_it_in_bounds(
    danger: Danger, engine: DuckdbEngine, folder: Path, before: dict[str, str]
) -> None:
    started = time.monotonic()
    with suppress(TargetTrouble):
        engine.run(danger.sql(folder=folder), row_limit=1000, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS
    assert state(folder) == before
    assert engine.run("SELECT a FROM t ORDER BY a", row_limit=10, timeout_seconds=20).rows == [(1,), (2,)]


def test_the_dangers_are_real_without_the_guard(folder: Path, tmp_path: Path) -> None:
    """A file opened read-only with other defaults reads and writes other files and waits."""
    (tmp_path / "shop.db").write_bytes((folder / "shop.db").read_bytes())
    with duckdb.connect(str(tmp_path / "shop.db"), read_only=True) as connection:
        connection.execute(f"COPY t TO '{tmp_path}/out.csv'")
        assert connection.execute("SELECT count(*) FROM files_of('/etc/passwd')").fetchone() == (1,)
        started = time.monotonic()
        connection.execute("SELECT sleep_ms(200)").fetchall()
        assert time.monotonic() - started > 0.15
    assert (tmp_path / "out.csv").exists()
