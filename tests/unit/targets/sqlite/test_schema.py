import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.errors import TargetTrouble
from farm.targets.sqlite.schema import load_ddl, read_ddl, statements


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def loaded(connection: sqlite3.Connection, ddl: str) -> list[str]:
    load_ddl(connection, ddl, target_name="shop")
    return [row[0] for row in connection.execute("SELECT name FROM sqlite_master ORDER BY rowid")]


def test_the_order_of_the_statements_does_not_matter(empty: sqlite3.Connection) -> None:
    ddl = (
        "CREATE INDEX i ON t (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END; CREATE TABLE t (a)"
    )
    assert sorted(loaded(empty, ddl)) == ["g", "i", "t"]


def test_a_dump_loads_without_its_data_and_settings(empty: sqlite3.Connection) -> None:
    dump = """
        PRAGMA foreign_keys=OFF; BEGIN TRANSACTION;
        CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);
        INSERT INTO t VALUES (1, 'semi;colon');
        -- SQLite's own:
        CREATE TABLE sqlite_sequence(name,seq); CREATE TABLE sqlite_stat1(tbl,idx,stat);
        COMMIT;
    """
    assert loaded(empty, dump) == ["t", "sqlite_sequence"]
    assert empty.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_reading_back_gives_what_was_loaded(empty: sqlite3.Connection) -> None:
    ddl = (
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT, b INT AS (a * 2)) STRICT;\n"
        "CREATE VIRTUAL TABLE docs USING fts5(body);\n"
        "CREATE VIEW v AS SELECT a FROM t;\n"
    )
    loaded(empty, ddl)
    assert read_ddl(empty) == ddl


def test_a_broken_statement_is_quoted(empty: sqlite3.Connection) -> None:
    with pytest.raises(TargetTrouble, match=r"'shop'.*syntax error.*TABLE u \(a,,b\).*farm target add"):
        loaded(empty, "CREATE TABLE t (a); CREATE TABLE u (a,,b);")


def test_indexes_and_modules_that_are_missing_here_do_not_stop_it(empty: sqlite3.Connection) -> None:
    ddl = (
        "CREATE TABLE t (a); CREATE INDEX i ON t (a COLLATE klingon);"
        "CREATE VIRTUAL TABLE geo USING no_such_module(a);"
    )
    assert loaded(empty, ddl) == ["t"]


@pytest.mark.timeout(20)
def test_a_schema_that_computes_is_stopped(empty: sqlite3.Connection) -> None:
    endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT sum(n) FROM r"
    with pytest.raises(TargetTrouble, match="interrupted"):
        loaded(empty, f"CREATE TABLE t AS {endless};")


def test_a_schema_attaches_no_other_file(empty: sqlite3.Connection, tmp_path: Path) -> None:
    with pytest.raises(TargetTrouble, match="not authorized, in: ATTACH"):
        loaded(empty, f"ATTACH '{tmp_path}/x.db' AS x; CREATE TABLE x.t (a);")
    assert not list(tmp_path.iterdir())


def test_statements_end_where_sqlite_says() -> None:
    script = "CREATE TABLE t (a DEFAULT ';');CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;SELECT 1"
    assert list(statements(script)) == [
        "CREATE TABLE t (a DEFAULT ';');",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;",
        "SELECT 1",
    ]
