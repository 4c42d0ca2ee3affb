import datetime
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import psutil
import pytest
from support.late import LATE_SECONDS

from farm.errors import QueryFailed, TargetTrouble
from farm.sql.schema import Schema
from farm.targets.duckdb.engine import DuckdbEngine
from farm.targets.engine import open_engine
from farm.targets.target import Target

SCHEMA = """
    CREATE SCHEMA sales;
    CREATE TYPE mood AS ENUM ('ok', 'it''s bad');
    CREATE SEQUENCE numbers;
    CREATE TABLE customers (
        id integer PRIMARY KEY DEFAULT nextval('numbers'), name varchar NOT NULL, mood mood,
        "Odd ""Name" integer, parts struct(a integer, b varchar[])
    );
    COMMENT ON TABLE customers IS 'People who buy';
    COMMENT ON COLUMN customers.mood IS 'How they
felt';
    CREATE TABLE sales.orders (
        id integer PRIMARY KEY, customer_id integer, total decimal(10, 2) CHECK (total > 0)
    );
    CREATE TABLE sales.returns (order_id integer, FOREIGN KEY (order_id) REFERENCES sales.orders (id));
    CREATE MACRO doubled(x) AS x * 2;
    CREATE MACRO waited(x) AS x + sleep_ms(1);
    CREATE VIEW "big AS (x)" (i, "the total") AS SELECT id, total FROM sales.orders WHERE total > 10;
    CREATE VIEW twice AS SELECT doubled(id) AS n FROM sales.orders;
    CREATE VIEW waiting AS SELECT waited(id) AS n FROM sales.orders;
    CREATE VIEW waiting_too AS SELECT * FROM waiting;
    INSERT INTO customers (id, name, mood, parts) VALUES (1, 'Ann', 'ok', {'a': 1, 'b': ['x']});
    INSERT INTO customers (id, name) VALUES (2, 'Bob');
    INSERT INTO sales.orders VALUES (1, 1, 5), (2, 1, 50), (3, 2, 500);
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("duckdb") / "shop.db"
    with duckdb.connect(str(path)) as connection:
        connection.execute(SCHEMA)
    return path


@pytest.fixture(scope="module")
def engine(path: Path) -> Iterator[DuckdbEngine]:
    engine = DuckdbEngine.from_url(f"duckdb:///{path}", target_name="shop")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def dry(engine: DuckdbEngine) -> Iterator[DuckdbEngine]:
    dry = DuckdbEngine.from_ddl(engine.introspect(), target_name="shop")
    yield dry
    dry.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM customers",
        "SELECT c.name, sum(total) FROM customers c JOIN sales.orders o ON customer_id = c.id GROUP BY ALL;",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n -- end",
        "VALUES (1), (2)",
        "FROM sales.orders",
        "SELECT '%s', 5 % 2, name FROM customers WHERE name LIKE '%n%'",
        "SELECT date_trunc('month', now()), random(), extract(YEAR FROM DATE '2025-01-02')",
        'SELECT "Odd ""Name", parts.a, parts.b[1], mood = \'ok\'::mood FROM customers',
        "SELECT count(*) FILTER (total > 10), rank() OVER (ORDER BY count(*)) FROM sales.orders",
        'SELECT "the total" FROM "big AS (x)"',
        "SELECT n FROM twice",
        "SELECT * FROM (PIVOT sales.orders ON customer_id IN (1, 2) USING sum(total))",
        "SELECT list_transform([1, 2], lambda x: x + 1), {'a': 1}, [y FOR y IN [1, 2] IF y > 1]",
        "SELECT table_name FROM information_schema.tables UNION SELECT view_name FROM duckdb_views",
    ],
)
def test_a_good_query_passes_the_dry_run_and_runs(engine: DuckdbEngine, dry: DuckdbEngine, sql: str) -> None:
    assert dry.prepare(sql) is None
    assert dry.prepare(sql) is None, "and once more"
    assert engine.run(sql, row_limit=100, timeout_seconds=5).rows


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "SELECT 1,\n  nam FROM customers",
            'Referenced column "nam" not found in FROM clause!\nLINE 2:   nam FROM customers\nHINT: C',
        ),
        ("SELECT * FROM custmers", "Table with name custmers does not exist!\nLINE 1: SELECT * FROM"),
        ("SELEC 1", 'syntax error at or near "SELEC"\nLINE 1: SELEC 1'),
        ("", "only a query that reads is allowed"),
        ("SELECT 1; SELECT 2", "more than one statement; only one is allowed"),
        ("SELECT $1", "the query has a parameter"),
        ("SELECT 1\0", "the query contains a NUL character"),
        ("SELECT sum(name) FROM customers", "No function matches"),
        ("SELECT name, count(*) FROM customers", 'column "name" must appear in the GROUP BY clause'),
        ("SELECT waited(1)", "function waited() is not allowed"),
        ("SELECT " + "[" * 900 + "]" * 900, "the query is nested too deeply"),
    ],
)
def test_a_bad_query_is_told_what_duckdb_says(dry: DuckdbEngine, sql: str, says: str) -> None:
    refused = dry.prepare(sql)
    assert refused is not None
    assert refused.startswith(says)
    assert dry.prepare("SELECT 1") is None, "and the connection goes on"


def test_a_view_is_judged_by_what_it_calls_over_other_views_and_macros(engine: DuckdbEngine) -> None:
    refused = engine.prepare("SELECT * FROM waiting_too")
    assert refused is not None
    assert "function waited() is not allowed" in refused
    assert engine.prepare("SELECT doubled(1)") is None


def test_the_schema_reads_as_a_person_would_write_it(engine: DuckdbEngine) -> None:
    ddl = engine.introspect()
    assert ddl.startswith(
        "CREATE SCHEMA IF NOT EXISTS sales;\n\nCREATE TYPE mood AS ENUM ('ok', 'it''s bad');\n\n"
        "-- People who buy\n"
        "CREATE TABLE customers (\n"
        "    id INTEGER NOT NULL,\n"
        "    name VARCHAR NOT NULL,\n"
        "    mood ENUM('ok', 'it''s bad'),  -- How they felt\n"
        '    "Odd ""Name" INTEGER,\n'
        "    parts STRUCT(a INTEGER, b VARCHAR[]),\n"
        "    PRIMARY KEY(id)\n"
        ");\n"
    )
    assert "FOREIGN KEY (order_id) REFERENCES sales.orders(id)" in ddl
    assert 'CREATE VIEW "big AS (x)" (i, "the total") AS\nSELECT id, total FROM sales.orders' in ddl
    assert "CREATE TABLE twice (" in ddl, "a view that calls a macro, which a model would call too"
    assert "waiting" not in ddl
    assert "nextval" not in ddl


def test_the_checks_and_duckdb_read_that_schema_alike(engine: DuckdbEngine, dry: DuckdbEngine) -> None:
    tables = Schema.from_ddl(engine.introspect(), "duckdb").tables
    assert {schema for schema, _ in tables} == {"main", "sales"}
    for schema, table in tables:
        columns = tables[schema, table].columns
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns or ())
        assert dry.prepare(f'SELECT {quoted} FROM {schema}."{table}"') is None


def test_rows_come_with_their_columns_up_to_the_limit(engine: DuckdbEngine) -> None:
    sql = "SELECT id, total AS t FROM sales.orders ORDER BY id"
    result = engine.run(sql, row_limit=2, timeout_seconds=5)
    assert result.columns == ("id", "t")
    assert result.rows == [(1, Decimal("5.00")), (2, Decimal("50.00"))]
    assert result.truncated
    assert not engine.run(sql, row_limit=3, timeout_seconds=5).truncated


def test_values_come_as_python_knows_them(engine: DuckdbEngine) -> None:
    sql = "SELECT DATE '2025-01-02', TIMESTAMP '2025-01-02 03:04:05', mood, parts FROM customers"
    assert engine.run(f"{sql} ORDER BY id LIMIT 1", row_limit=1, timeout_seconds=5).rows == [
        (datetime.date(2025, 1, 2), datetime.datetime(2025, 1, 2, 3, 4, 5), "ok", {"a": 1, "b": ["x"]})
    ]
    moment = engine.run("SELECT now()", row_limit=1, timeout_seconds=5).rows[0][0]
    assert moment.tzinfo is not None


def test_a_query_that_takes_too_long_is_stopped(engine: DuckdbEngine) -> None:
    engine.run("SELECT 1", row_limit=1, timeout_seconds=20)
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match=r"longer than 0\.3 s"):
        engine.run("SELECT sum(i * i) FROM range(1000000000000) t(i)", row_limit=1, timeout_seconds=0.3)
    assert time.monotonic() - started < 5 + LATE_SECONDS


@pytest.mark.parametrize(
    "sql",
    ["SELECT repeat('x', 1000000000)", "SELECT i FROM range(300000000) t(i) ORDER BY hash(i)"],
)
def test_a_query_that_wants_too_much_memory_is_stopped(engine: DuckdbEngine, path: Path, sql: str) -> None:
    with pytest.raises(TargetTrouble, match="more memory"):
        engine.run(sql, row_limit=1, timeout_seconds=30)
    assert [file.name for file in path.parent.iterdir()] == ["shop.db"], "nothing is written to sort"
    assert engine.run("SELECT 1", row_limit=1, timeout_seconds=20).rows == [(1,)]


def test_rows_without_end_are_cut(engine: DuckdbEngine) -> None:
    sql = "SELECT repeat('x', 1000) FROM range(1000000000)"
    result = engine.run(sql, row_limit=10**8, timeout_seconds=30)
    assert result.truncated
    assert 0 < len(result.rows) < 10**6


def test_many_targets_fit_into_one_checker() -> None:
    before = psutil.Process().num_threads()
    engines = [
        DuckdbEngine.from_ddl("CREATE TABLE t (a integer)", target_name=f"t{number}") for number in range(9)
    ]
    assert all(engine.prepare("SELECT max(a) FROM t GROUP BY a ORDER BY 1") is None for engine in engines)
    assert psutil.Process().num_threads() == before, "each would take the address space of its stack"
    for engine in engines:
        engine.close()


def test_a_dry_run_computes_nothing(dry: DuckdbEngine) -> None:
    assert dry.prepare("SELECT repeat('x', 1000000000)") is None


def test_a_fault_of_the_query_is_told_from_one_of_the_database(engine: DuckdbEngine) -> None:
    with pytest.raises(QueryFailed, match="Could not convert"):
        engine.run("SELECT CAST(name AS integer) FROM customers", row_limit=1, timeout_seconds=20)


def test_a_dry_run_leaves_the_file_to_those_who_write_to_it(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "busy.db")) as writer:
        writer.execute("CREATE TABLE t (a integer)")
        url = f"duckdb:///{tmp_path}/busy.db"
        target = Target(name="shop", dialect="duckdb", ddl="CREATE TABLE t (a integer)", url=url)
        engine = open_engine(target, purpose="check")
        assert engine is not None
        assert engine.prepare("SELECT a FROM t") is None
        engine.close()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetTrouble, match=r"does not exist: .*none\.db"):
        DuckdbEngine.from_url(f"duckdb:///{tmp_path}/none.db", target_name="shop")
    (tmp_path / "text.db").write_text("no database")
    with pytest.raises(TargetTrouble, match="cannot be opened for reading"):
        DuckdbEngine.from_url(f"duckdb:///{tmp_path}/text.db", target_name="shop")


def test_a_file_that_another_process_writes_to_is_explained(tmp_path: Path) -> None:
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "busy.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
        with pytest.raises(TargetTrouble, match="read a copy"):
            DuckdbEngine.from_url(f"duckdb:///{tmp_path}/busy.db", target_name="shop")
        writer.communicate(timeout=30)


def test_a_dump_loads_without_its_data_and_in_any_order() -> None:
    script = """
        PRAGMA enable_progress_bar; SET threads = 3; BEGIN TRANSACTION;
        CREATE VIEW v AS SELECT a FROM t;
        CREATE TABLE t (a integer);
        CREATE INDEX nothing ON elsewhere (a);
        INSERT INTO t VALUES (1); COPY t TO '/nowhere/t.csv'; COMMIT;
    """
    engine = DuckdbEngine.from_ddl(script, target_name="shop")
    assert engine.prepare("SELECT v.a FROM v, t") is None
    engine.close()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("CREATE TABLE t (a nosuch)", "nosuch"),
        ("CREATE TABL t (a integer)", "syntax error"),
        ("CREATE TABLE t AS SELECT * FROM read_csv('/etc/passwd')", "disabled by configuration"),
    ],
)
def test_a_schema_that_does_not_load_is_quoted(script: str, says: str) -> None:
    with pytest.raises(TargetTrouble, match=f"(?s){says}.*farm target add shop"):
        DuckdbEngine.from_ddl(script, target_name="shop")
