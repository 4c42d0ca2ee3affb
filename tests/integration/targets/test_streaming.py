"""Streaming and cancelling queries, on a database of each dialect, through the child process."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import psutil
import psycopg
import pymysql
import pytest

from farm.errors import QueryCancelled, QueryFailed, TargetTrouble
from farm.targets.child import EngineChild, Order, StreamOrder
from farm.targets.mysql.session import arguments
from farm.targets.runner import open_runner
from farm.targets.target import Target

COUNT = {
    "sqlite": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT {}) "
    "SELECT i, 'x' FROM n",
    "postgres": "SELECT i, 'x' FROM generate_series(1, {}) AS n(i)",
    "mysql": "SELECT a.i + 1000 * b.i + 1, 'x' FROM numbers a, numbers b WHERE b.i < {} / 1000",
    "duckdb": "SELECT i, 'x' FROM range(1, {} + 1) AS n(i)",
}
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgres": "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
    "mysql": "SELECT count(*) FROM numbers a, numbers b, numbers c, numbers d, numbers e",
    "duckdb": "SELECT count(*) FROM range(1000000) a(x), range(1000000) b(y) WHERE x * y % 7 = 3",
}
FAILING = {
    "sqlite": "SELECT abs(-9223372036854775807 - 1)",
    "postgres": "SELECT 1 / (i - 50000) FROM generate_series(1, 100000) AS n(i)",
    "mysql": "SELECT CASE WHEN a.i + 1000 * b.i < 90000 THEN 1 ELSE (SELECT c.i FROM numbers c) END "
    "FROM numbers a, numbers b",
    "duckdb": "SELECT CAST(CASE WHEN i < 90000 THEN '1' ELSE 'x' END AS INTEGER) FROM range(100000) AS n(i)",
}
WAIT_SECONDS = 30.0


def sqlite_target(tmp_path: Path) -> str:
    sqlite3.connect(tmp_path / "t.db").close()
    return f"sqlite:///{tmp_path / 't.db'}"


def duckdb_target(tmp_path: Path) -> str:
    duckdb.connect(str(tmp_path / "t.duck")).close()
    return f"duckdb:///{tmp_path / 't.duck'}"


def with_numbers(url: str) -> str:
    with pymysql.connect(**arguments(url), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE numbers (i int NOT NULL)")
        cursor.executemany("INSERT INTO numbers VALUES (%s)", [(number,) for number in range(1000)])
    return url


@pytest.fixture(params=["sqlite", "postgres", "mysql", "duckdb"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def target(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    urls: dict[str, Callable[[], str]] = {
        "sqlite": lambda: sqlite_target(tmp_path),
        "postgres": lambda: str(request.getfixturevalue("postgres_database")),
        "mysql": lambda: with_numbers(str(request.getfixturevalue("mysql_database"))),
        "duckdb": lambda: duckdb_target(tmp_path),
    }
    return Target(name="shop", dialect=dialect, ddl="", url=urls[dialect]())  # type: ignore[arg-type]


@pytest.fixture
def runner(target: Target) -> Iterator[EngineChild]:
    runner = open_runner(target)
    yield runner
    runner.close()


def ordered(sql: str, *, row_limit: int | None = None, timeout_seconds: float = 60.0) -> StreamOrder:
    return StreamOrder(sql=sql, row_limit=row_limit, timeout_seconds=timeout_seconds)


def test_all_rows_come_and_few_of_them_at_a_time(runner: EngineChild, dialect: str) -> None:
    stream = runner.stream(ordered(COUNT[dialect].format(20_000)))
    chunks = list(stream)
    assert len(stream.columns) == 2
    assert sorted(int(row[0]) for chunk in chunks for row in chunk) == list(range(1, 20_001))
    assert max(map(len, chunks)) <= 1_000
    assert not stream.truncated


def test_a_limit_cuts_and_says_so(runner: EngineChild, dialect: str) -> None:
    sql = COUNT[dialect].format(5_000)
    for limit, is_cut in ((20, True), (4_999, True), (5_000, False), (6_000, False)):
        stream = runner.stream(ordered(sql, row_limit=limit))
        assert sum(map(len, stream)) == min(limit, 5_000)
        assert stream.truncated is is_cut


def test_a_result_without_rows_has_columns(runner: EngineChild, dialect: str) -> None:
    stream = runner.stream(ordered(f"SELECT * FROM ({COUNT[dialect].format(5)}) AS q WHERE 1 = 0"))
    assert len(stream.columns) == 2
    assert list(stream) == []


def test_who_stops_reading_stops_the_query_and_the_next_one_runs(runner: EngineChild, dialect: str) -> None:
    stream = runner.stream(ordered(COUNT[dialect].format(900_000)))
    next(iter(stream))
    stream.close()
    assert runner.run(Order(sql="SELECT 7", row_limit=1, timeout_seconds=30)).rows == [(7,)]


def test_a_query_that_fails_half_way_gives_its_rows_and_then_the_error(
    runner: EngineChild, dialect: str
) -> None:
    came: list[int] = []

    def read() -> None:
        came.extend(len(chunk) for chunk in runner.stream(ordered(FAILING[dialect])))

    with pytest.raises(QueryFailed, match="failed on target 'shop'"):
        read()
    # SQLite's first chunk is not full yet; DuckDB's threads may meet the bad row before any is sent.
    assert came or dialect in ("sqlite", "duckdb")


def test_the_time_out_is_for_the_whole_stream(runner: EngineChild, dialect: str) -> None:
    with pytest.raises(TargetTrouble, match=r"took longer than 0\.3 s"):
        list(runner.stream(ordered(ENDLESS[dialect], timeout_seconds=0.3)))


def test_a_running_query_is_cancelled_in_its_database(
    runner: EngineChild, dialect: str, target: Target
) -> None:
    ended: list[Exception] = []

    def run() -> None:
        try:
            runner.run(Order(sql=ENDLESS[dialect], row_limit=1, timeout_seconds=100))
        except TargetTrouble as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: is_busy(target, runner))
    runner.cancel()
    thread.join(WAIT_SECONDS)
    assert [type(error) for error in ended] == [QueryCancelled]
    if dialect in ("postgres", "mysql"):
        wait_until(lambda: not is_busy(target, runner))
    assert runner.run(Order(sql="SELECT 7", row_limit=1, timeout_seconds=30)).rows == [(7,)]


def test_a_query_is_cancelled_that_has_not_begun(runner: EngineChild, dialect: str) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(QueryCancelled):
        runner.run(Order(sql=ENDLESS[dialect], row_limit=1, timeout_seconds=100), cancelled=cancelled)


def is_busy(target: Target, runner: EngineChild) -> bool:
    """Whether the endless query runs: as its server says, or as the child's processor time does."""
    assert target.url
    if target.dialect == "postgres":
        with psycopg.connect(target.url) as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND state = 'active' AND query LIKE '%FETCH FORWARD%' AND pid <> pg_backend_pid()"
            ).fetchone()
            return found is not None and found[0] > 0
    if target.dialect == "mysql":
        with pymysql.connect(**arguments(target.url)) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW PROCESSLIST")
            return any("numbers a" in str(row) for row in cursor.fetchall())
    process = runner._process
    return process is not None and psutil.Process(process.pid).cpu_times().user > 0.6


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)
