import datetime
import re
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pymysql
import pytest
from support.late import LATE_SECONDS
from support.mariadb import admin, execute, fresh_mysql

from farm.errors import QueryFailed, TargetTrouble
from farm.targets.mysql.engine import MysqlEngine
from farm.targets.mysql.session import connect, is_mariadb, limit, rows_of

SCHEMA = (
    "CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, born date, `Odd Name` int, bits bit(4))",
    "CREATE TABLE orders (id int PRIMARY KEY, customer_id int, total decimal(10, 2))",
    "INSERT INTO customers VALUES (1, 'Ann', '1990-01-02', 3, b'101'), (2, 'B\u00f6b', NULL, NULL, NULL)",
    "INSERT INTO orders VALUES (1, 1, 5), (2, 1, 50), (3, 2, 500)",
    "CREATE VIEW paid AS SELECT c.name, sum(o.total) AS total FROM customers c JOIN orders o"
    " ON o.customer_id = c.id WHERE o.total > 1 GROUP BY c.name",
    "CREATE FUNCTION slow() RETURNS int NO SQL RETURN sleep(20)",
    "CREATE VIEW waiting AS SELECT slow() AS s, id FROM orders",
    "CREATE VIEW waiting_too AS SELECT * FROM waiting",
)


@pytest.fixture(scope="module")
def url(mysql_url: str) -> Iterator[str]:
    with fresh_mysql(mysql_url) as url:
        execute(url, *SCHEMA)
        yield url


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[MysqlEngine]:
    engine = MysqlEngine(url, target_name="shop")
    yield engine
    engine.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM customers",
        "SELECT c.name, sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.name;",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n -- end",
        "VALUES (1), (2)",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT '%s', 5 % 2, name FROM customers WHERE name LIKE '%n%' OR name = 'B\u00f6b'",
        "SELECT date_format(now(), '%Y-%m'), rand(), uuid(), extract(YEAR FROM born) FROM customers",
        "SELECT `Odd Name` FROM customers",
        "SELECT count(*) OVER (PARTITION BY customer_id), rank() OVER (ORDER BY total) FROM orders",
        "SELECT * FROM paid",
        "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
    ],
)
def test_a_good_query_passes_the_dry_run_and_runs(engine: MysqlEngine, sql: str) -> None:
    assert engine.prepare(sql) is None
    assert engine.prepare(sql) is None, "and once more"
    assert engine.run(sql, row_limit=100, timeout_seconds=5).rows


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT nam FROM customers", "Unknown column 'nam' in"),
        ("SELECT * FROM custmers", r"Table '\w+\.custmers' doesn't exist"),
        (
            "SELECT name\nFROM customers WHER 1\n",
            "syntax error near '1' at line 2\nLINE 2: FROM customers WHER 1",
        ),
        ("SELECT 1; SELECT 2", "more than one statement; only one is allowed"),
        ("SELECT ?", "the query has a parameter"),
        ("SELECT slow()", r"function slow\(\) is not allowed"),
        ("SELECT * FROM waiting_too", r"view waiting may not be read: function slow\(\)"),
        ("SELECT sum(DISTINCT) FROM orders", "syntax error"),
        ("SELECT nosuch(1)", r"nosuch"),
    ],
)
def test_a_bad_query_is_told_what_the_database_says(engine: MysqlEngine, sql: str, says: str) -> None:
    refused = engine.prepare(sql)
    assert refused is not None
    assert re.match(says, refused) or re.search(says, refused.partition("\n")[0])
    assert engine.prepare("SELECT 1") is None, "and the connection goes on"


def test_grouping_is_judged_by_the_servers_own_sql_mode(mysql_url: str, url: str) -> None:
    sql = "SELECT name, count(*) FROM customers"
    ((before,),) = execute(mysql_url, "SELECT @@GLOBAL.sql_mode")
    verdicts = {}
    try:
        for mode in ("", "ONLY_FULL_GROUP_BY"):
            execute(mysql_url, f"SET GLOBAL sql_mode = '{mode}'")
            engine = MysqlEngine(url, target_name="shop")
            verdicts[mode] = engine.prepare(sql)
            engine.close()
    finally:
        execute(mysql_url, f"SET GLOBAL sql_mode = '{before}'")
    assert verdicts[""] is None
    assert verdicts["ONLY_FULL_GROUP_BY"] is not None


def test_rows_come_with_their_columns_up_to_the_limit(engine: MysqlEngine) -> None:
    result = engine.run("SELECT id, total AS t FROM orders ORDER BY id", row_limit=2, timeout_seconds=5)
    assert result.columns == ("id", "t")
    assert result.rows == [(1, Decimal("5.00")), (2, Decimal("50.00"))]
    assert result.truncated
    assert not engine.run("SELECT id FROM orders", row_limit=3, timeout_seconds=5).truncated
    assert engine.run("SELECT id FROM orders WHERE false", row_limit=3, timeout_seconds=5).columns == ("id",)
    again = engine.run("SELECT id FROM orders ORDER BY id LIMIT 3", row_limit=1, timeout_seconds=5)
    assert (again.rows, again.truncated) == ([(1,)], True)


def test_values_come_as_python_knows_them(engine: MysqlEngine) -> None:
    sql = "SELECT born, bits, name, CAST('10:00' AS time) FROM customers ORDER BY id"
    assert engine.run(sql, row_limit=10, timeout_seconds=5).rows == [
        (datetime.date(1990, 1, 2), 5, "Ann", datetime.timedelta(hours=10)),
        (None, None, "B\u00f6b", datetime.timedelta(hours=10)),
    ]


def test_a_query_that_takes_too_long_is_stopped(engine: MysqlEngine) -> None:
    five = "information_schema.collations"
    sql = f"SELECT count(*) FROM {five} a, {five} b, {five} c, {five} d WHERE a.id + b.id + c.id + d.id < 0"
    engine.run("SELECT 1", row_limit=1, timeout_seconds=20)
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match=r"longer than 0\.3 s"):
        engine.run(sql, row_limit=1, timeout_seconds=0.3)
    assert time.monotonic() - started < 5 + LATE_SECONDS


def test_a_session_can_only_read_and_not_for_long(url: str) -> None:
    with closing(connect(url, target_name="shop")) as connection:
        limit(connection, timeout_seconds=2.5)
        if is_mariadb(connection):
            ((seconds, bytes_),) = rows_of(connection, "SELECT @@max_statement_time, @@tmp_disk_table_size")
            assert (seconds, bytes_) == (2.5, 1 << 30)
        else:
            assert rows_of(connection, "SELECT @@max_execution_time") == [(2500,)]
        with pytest.raises(pymysql.Error, match="READ ONLY"):
            rows_of(connection, "INSERT INTO orders VALUES (9, 9, 9)")


def test_a_broken_connection_is_made_anew(engine: MysqlEngine, url: str) -> None:
    assert engine.prepare("SELECT 1") is None
    for (number,) in execute(
        url, "SELECT id FROM information_schema.processlist WHERE id <> connection_id()"
    ):
        execute(url, f"KILL {number}")
    assert engine.prepare("SELECT name FROM customers") is None


def test_a_lock_is_no_fault_of_the_query(engine: MysqlEngine, url: str) -> None:
    with closing(admin(url)) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLES orders WRITE")
        with pytest.raises(TargetTrouble, match="ock wait timeout"):
            engine.run("SELECT * FROM orders", row_limit=1, timeout_seconds=20)
        cursor.execute("UNLOCK TABLES")
    assert engine.prepare("SELECT * FROM orders") is None


def test_a_fault_of_the_query_is_told_from_one_of_the_database(engine: MysqlEngine) -> None:
    with pytest.raises(QueryFailed, match="more than 1 row"):
        engine.run("SELECT (SELECT id FROM orders)", row_limit=1, timeout_seconds=20)


def test_the_engine_names_its_version(engine: MysqlEngine) -> None:
    assert re.fullmatch(r"(mariadb|mysql) \d+\.\d+", engine.name)
