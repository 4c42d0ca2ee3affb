"""What generated SQL could do to a SQLite target and its host: none of it happens."""

import hashlib
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.errors import TargetTrouble
from farm.targets.sqlite import SqliteEngine

TIMEOUT_SECONDS = 0.3
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"

REFUSED = [
    "INSERT INTO t VALUES (9)",
    "INSERT INTO t VALUES (9) RETURNING a",
    "UPDATE t SET a = 9",
    "DELETE FROM t RETURNING a",
    "WITH x AS (SELECT 9) INSERT INTO t SELECT * FROM x",
    "REPLACE INTO t VALUES (9)",
    "DROP TABLE t",
    "ALTER TABLE t RENAME TO u",
    "CREATE TABLE u (a)",
    "CREATE TEMP TABLE u AS SELECT 1",
    "CREATE TEMP VIEW u AS SELECT 1",
    "ATTACH '{folder}/new.db' AS x",
    "ATTACH 'file:{folder}/new.db?mode=rwc' AS x",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO '{folder}/new.db'",
    "/* SELECT */ VACUUM INTO '{folder}/new.db' -- SELECT",
    "REINDEX",
    "ANALYZE",
    "BEGIN EXCLUSIVE",
    "SAVEPOINT s",
    "PRAGMA query_only = 0",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA writable_schema = 1",
    "SELECT 1; VACUUM INTO '{folder}/new.db'",
    "SELECT 1; DROP TABLE t",
    "EXPLAIN SELECT 1",
    "QUERY PLAN SELECT 1",
    "SELECT load_extension('{folder}/evil.so')",
    "SELECT writefile('{folder}/new.db', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT edit('x', 'touch {folder}/new.db')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_journal_mode('delete')",
    "INSERT INTO docs(docs) VALUES ('rebuild')",
]

TOO_BIG = [
    "SELECT zeroblob(2000000000)",
    "SELECT replace(hex(zeroblob(4000000)), '0', hex(zeroblob(4000000)))",
]

STOPPED = [
    f"{ENDLESS} SELECT count(*) FROM n",
    f"{ENDLESS} SELECT i FROM n ORDER BY random()",
    f"{ENDLESS} SELECT i FROM n WHERE i < 0",
    "SELECT count(*) FROM c, c AS d, c AS e, c AS f",
    "SELECT printf('%.*c', 2000000000, 'x')",
    "SELECT instr(hex(zeroblob(4000000)), hex(zeroblob(2000000)) || '1')",
    f"{ENDLESS} SELECT length(group_concat(hex(zeroblob(1000)))) FROM n WHERE i < 0 OR hex(i) = 'x'",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    connection = sqlite3.connect(folder / "shop.db")
    connection.executescript(
        "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1), (2); CREATE TABLE c (x);"
        "CREATE VIRTUAL TABLE docs USING fts5(body);"
    )
    connection.executemany("INSERT INTO c VALUES (?)", [(number,) for number in range(1000)])
    connection.commit()
    connection.close()
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[SqliteEngine]:
    engine = SqliteEngine.from_url(f"sqlite:///{folder / 'shop.db'}", target_name="shop")
    yield engine
    engine.close()


def state(folder: Path) -> dict[str, str]:
    """Each file's digest; the shared memory of WAL is the reader's own."""
    files = [path for path in folder.rglob("*") if path.suffix != ".db-shm"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("sql", REFUSED + TOO_BIG)
def test_it_is_refused_and_nothing_happens(engine: SqliteEngine, folder: Path, sql: str) -> None:
    before = state(folder)
    started = time.monotonic()
    with pytest.raises(TargetTrouble):
        engine.run(sql.format(folder=folder), row_limit=10, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + 3
    assert state(folder) == before
    assert engine.run("SELECT a FROM t", row_limit=10, timeout_seconds=1).rows == [(1,), (2,)]


@pytest.mark.parametrize("sql", STOPPED)
def test_it_is_stopped_in_time(engine: SqliteEngine, folder: Path, sql: str) -> None:
    before = state(folder)
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match="took longer"):
        engine.run(sql, row_limit=10, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + 3
    assert state(folder) == before


@pytest.mark.parametrize("sql", REFUSED)
def test_the_dry_run_refuses_it_too(engine: SqliteEngine, folder: Path, sql: str) -> None:
    dry = SqliteEngine.from_ddl(engine.introspect(), target_name="shop")
    assert dry.prepare(sql.format(folder=folder)) is not None
    dry.close()


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
