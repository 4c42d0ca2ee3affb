import datetime
import re
import time
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from support.late import LATE_SECONDS
from support.postgres import fresh_database

from farm.errors import TargetTrouble
from farm.targets.postgres.engine import PostgresEngine

SCHEMA = """
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, born date, "Odd Name" int);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, total numeric(10, 2));
    INSERT INTO customers VALUES (1, 'Ann', '1990-01-02'), (2, 'Bob', 'infinity');
    INSERT INTO orders VALUES (1, 1, 5), (2, 1, 50), (3, 2, 500);
    CREATE FUNCTION fiscal_year(d date) RETURNS int STABLE LANGUAGE sql AS 'SELECT extract(year FROM d)::int';
    CREATE FUNCTION careless(d date) RETURNS int LANGUAGE sql AS 'SELECT extract(year FROM d)::int';
"""


@pytest.fixture(scope="module")
def url(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
        yield url


@pytest.fixture
def engine(url: str) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(url, target_name="shop")
    yield engine
    engine.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM customers",
        "SELECT c.name, sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY 1;",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n -- end",
        "VALUES (1), (2)",
        "TABLE orders",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT '%s', 5 % 2, name FROM customers WHERE name LIKE '%n%'",
        "SELECT date_trunc('month', now()), random(), gen_random_uuid()",
        "SELECT fiscal_year(born) FROM customers WHERE id = 1",
        'SELECT "Odd Name" FROM customers',
        "SELECT count(*) FILTER (WHERE total > 10), rank() OVER (ORDER BY count(*)) FROM orders",
        "SELECT value FROM jsonb_array_elements('[1, 2]')",
    ],
)
def test_a_good_query_passes_the_dry_run_and_runs(engine: PostgresEngine, sql: str) -> None:
    assert engine.prepare(sql) is None
    assert engine.prepare(sql) is None, "and once more"
    assert engine.run(sql, row_limit=100, timeout_seconds=5).rows


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "SELECT 1,\n  nam FROM customers",
            'column "nam" does not exist\nLINE 2:   nam FROM customers\n'
            'HINT: Perhaps you meant to reference the column "customers.name".',
        ),
        ("SELECT * FROM custmers", 'relation "custmers" does not exist\nLINE 1: SELECT * FROM custmers'),
        ("SELEC 1", 'syntax error at or near "SELEC"\nLINE 1: SELEC 1'),
        ("SELECT 1; SELECT 2", "more than one statement; only one is allowed"),
        ("SELECT $1", "the query has a parameter ($1); write the value itself"),
        ("SELECT 1\0", "the query contains a NUL character"),
        ("SELECT '\ud800'", "the query contains half of a surrogate pair, which is no character"),
        ("SELECT careless(born) FROM customers", "function careless() is not allowed"),
        ("SELECT sum(name) FROM customers", "function sum(text) does not exist"),
        (
            "SELECT name, count(*) FROM customers",
            'column "customers.name" must appear in the GROUP BY clause',
        ),
    ],
)
def test_a_bad_query_is_told_what_postgres_says(engine: PostgresEngine, sql: str, says: str) -> None:
    refused = engine.prepare(sql)
    assert refused is not None
    assert refused.startswith(says)
    assert engine.prepare("SELECT 1") is None, "and the connection goes on"


def test_rows_come_with_their_columns_up_to_the_limit(engine: PostgresEngine) -> None:
    result = engine.run("SELECT id, total AS t FROM orders ORDER BY id", row_limit=2, timeout_seconds=5)
    assert result.columns == ("id", "t")
    assert result.rows == [(1, Decimal("5.00")), (2, Decimal("50.00"))]
    assert result.truncated
    assert not engine.run("SELECT id FROM orders", row_limit=3, timeout_seconds=5).truncated
    assert engine.run("SELECT id FROM orders WHERE false", row_limit=3, timeout_seconds=5).columns == ("id",)


def test_dates_that_python_cannot_hold_come_as_text(engine: PostgresEngine) -> None:
    sql = "SELECT born, '20000-01-01 00:00'::timestamp FROM customers ORDER BY id"
    assert engine.run(sql, row_limit=10, timeout_seconds=5).rows == [
        (datetime.date(1990, 1, 2), "20000-01-01 00:00:00"),
        ("infinity", "20000-01-01 00:00:00"),
    ]


def test_a_query_that_takes_too_long_is_stopped(engine: PostgresEngine) -> None:
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match=r"longer than 0\.3 s"):
        engine.run("SELECT count(*) FROM generate_series(1, 1e12)", row_limit=1, timeout_seconds=0.3)
    assert time.monotonic() - started < 2 + LATE_SECONDS


def test_many_chunks_share_one_deadline(engine: PostgresEngine) -> None:
    slow = "SELECT (SELECT count(*) FROM generate_series(1, 2000 + g * 0)) FROM generate_series(1, 1e9) g"
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match=r"longer than 0\.5 s"):
        engine.run(slow, row_limit=10_000_000, timeout_seconds=0.5)
    assert time.monotonic() - started < 2.5 + LATE_SECONDS


def test_a_broken_connection_is_made_anew(engine: PostgresEngine, url: str) -> None:
    assert engine.prepare("SELECT 1") is None
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'farm'"
        )
    assert engine.prepare("SELECT name FROM customers") is None


def test_a_lock_is_no_fault_of_the_query(engine: PostgresEngine, url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TargetTrouble, match="lock timeout"):
            engine.prepare("SELECT * FROM orders")
    assert engine.prepare("SELECT * FROM orders") is None


def test_the_engine_names_its_version(engine: PostgresEngine) -> None:
    assert re.fullmatch(r"postgres \d+\.\d+", engine.name)
