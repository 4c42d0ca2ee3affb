import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from farm.errors import TargetTrouble
from farm.targets import child as engine_child
from farm.targets.sqlite.engine import SqliteEngine

SCHEMA = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, loud AS (upper(name)));
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id REFERENCES customers, total REAL);
    CREATE VIEW big AS SELECT * FROM orders WHERE total > 10;
    CREATE VIRTUAL TABLE docs USING fts5(body);
    CREATE VIRTUAL TABLE places USING rtree(id, x0, x1);
    CREATE INDEX by_customer ON orders (customer_id);
    INSERT INTO customers (name) VALUES ('Ann'), ('Bob');
    INSERT INTO orders VALUES (1, 1, 5), (2, 1, 50), (3, 2, 500);
    INSERT INTO docs VALUES ('hello world');
    INSERT INTO places VALUES (1, 0, 1);
    ANALYZE;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "my shop%20#1?.db"
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    connection.close()
    return path


def opened(path: Path) -> SqliteEngine:
    # The odd characters of the file's name are no part of a URL's syntax here, but for the question mark.
    link = path.parent / "shop.db"
    link.symlink_to(path)
    return SqliteEngine.from_url(f"sqlite:///{link}", target_name="shop")


@pytest.fixture
def engine(path: Path) -> Iterator[SqliteEngine]:
    engine = opened(path)
    yield engine
    engine.close()


@pytest.fixture
def dry(engine: SqliteEngine) -> Iterator[SqliteEngine]:
    dry = SqliteEngine.from_ddl(engine.introspect(), target_name="shop")
    yield dry
    dry.close()


READS = [
    "SELECT * FROM customers",
    "SELECT name, loud FROM customers -- comment",
    "SELECT c.name, sum(total) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY 1 ORDER BY 2;",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
    "VALUES (1), (2)",
    "SELECT * FROM big",
    "SELECT * FROM docs WHERE docs MATCH 'hello'",
    "SELECT highlight(docs, 0, '<', '>'), bm25(docs) FROM docs('world')",
    "SELECT id FROM places WHERE x0 <= 0",
    "SELECT value FROM json_each('[1, 2]')",
    "SELECT '{\"a\": 1}' ->> '$.a', row_number() OVER (ORDER BY id) FROM orders",
    "SELECT count(*) FROM sqlite_master",
    "SELECT name FROM customers WHERE name LIKE 'a%' OR name GLOB 'B*' COLLATE NOCASE",
    "SELECT strftime('%Y', '2025-01-02'), date('now', '-1 month')",
]


@pytest.mark.parametrize("sql", READS)
def test_a_good_query_passes_the_dry_run_and_runs(engine: SqliteEngine, dry: SqliteEngine, sql: str) -> None:
    assert dry.prepare(sql) is None
    assert dry.prepare(sql) is None, "and once more"
    assert engine.run(sql, row_limit=100, timeout_seconds=5).rows
    assert engine.run(sql, row_limit=100, timeout_seconds=5).rows


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT nope FROM customers", "no such column: nope"),
        ("SELECT * FROM custmers", "no such table: custmers"),
        ("SELECT soundslike(name) FROM customers", "no such function: soundslike"),
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT ?", "bindings"),
        ("SELECT 1\0", "null"),
        ("SELECT '\ud800'", "surrogates"),
        ("", "incomplete input"),
        ("PRAGMA table_info(customers)", "only a query that reads is allowed"),
        ("SELECT load_extension('x')", "load_extension is not allowed"),
    ],
)
def test_a_bad_query_is_told_what_sqlite_says(dry: SqliteEngine, sql: str, says: str) -> None:
    refused = dry.prepare(sql)
    assert refused is not None
    assert says in refused


def test_rows_come_with_their_columns_up_to_the_limit(engine: SqliteEngine) -> None:
    result = engine.run("SELECT id, total AS t FROM orders ORDER BY id", row_limit=2, timeout_seconds=5)
    assert (result.columns, result.rows, result.truncated) == (("id", "t"), [(1, 5.0), (2, 50.0)], True)
    assert not engine.run("SELECT id FROM orders", row_limit=3, timeout_seconds=5).truncated
    assert engine.run("SELECT id FROM orders WHERE 0", row_limit=3, timeout_seconds=5).columns == ("id",)


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_runs(engine: SqliteEngine) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(TargetTrouble, match=r"longer than 0\.1 s"):
        engine.run(endless, row_limit=1, timeout_seconds=0.1)
    assert engine.run("SELECT 1", row_limit=1, timeout_seconds=5).rows == [(1,)]


def sqlite_children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if engine_child.PROGRAM in child.cmdline()]


def test_a_process_that_was_killed_is_replaced(engine: SqliteEngine) -> None:
    with pytest.raises(TargetTrouble, match="longer than"):
        engine.run("SELECT printf('%.*c', 2000000000, 'x')", row_limit=1, timeout_seconds=0.01)
    assert engine.run("SELECT 1", row_limit=1, timeout_seconds=5).rows == [(1,)]
    for child in sqlite_children():
        child.kill()
        child.wait(5)
    assert engine.run("SELECT 1", row_limit=1, timeout_seconds=5).rows == [(1,)]


def test_closing_leaves_no_process_behind(path: Path) -> None:
    engine = opened(path)
    engine.run("SELECT 1", row_limit=1, timeout_seconds=5)
    assert sqlite_children()
    engine.close()
    assert not sqlite_children()


def test_text_that_is_not_utf8_is_shown(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE customers SET name = CAST(x'4fff' AS TEXT)")
    connection.commit()
    connection.close()
    engine = opened(path)
    result = engine.run("SELECT name FROM customers LIMIT 1", row_limit=1, timeout_seconds=1)
    assert result.rows == [("O\ufffd",)]
    engine.close()


def test_a_schema_alone_has_no_rows_to_run_on(dry: SqliteEngine) -> None:
    with pytest.raises(TargetTrouble, match="no data"):
        dry.run("SELECT 1", row_limit=1, timeout_seconds=1)


def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(TargetTrouble, match=r"does not exist: .*gone\.db.*--url"):
        SqliteEngine.from_url(f"sqlite:///{tmp_path}/gone.db", target_name="shop")
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(TargetTrouble, match="is a folder"):
        SqliteEngine.from_url(f"sqlite:///{tmp_path}", target_name="shop")


def test_another_kind_of_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("id,name\n" * 1000)
    with pytest.raises(TargetTrouble, match="file is not a database"):
        SqliteEngine.from_url(f"sqlite:///{tmp_path}/shop.db", target_name="shop")


READ_UNREADABLE = """
import os, sys
from farm.targets import child as engine_child
from farm.targets.sqlite.engine import SqliteEngine
if os.geteuid() == 0:  # who can read everything
    os.setuid(65534)
try:
    SqliteEngine.from_url(sys.argv[1], target_name="shop")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_file_that_may_not_be_read_is_named() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.db"
        sqlite3.connect(path).close()
        path.chmod(0)
        Path(folder).chmod(0o755)
        program = [sys.executable, "-c", READ_UNREADABLE, f"sqlite:///{path}"]
        said = subprocess.run(program, capture_output=True, text=True, check=True)
    assert "TargetTrouble" in said.stdout
    assert "Check its permissions" in said.stdout
