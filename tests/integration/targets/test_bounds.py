"""Whatever a query delivers, whoever asked keeps a small memory and gets an answer in time."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from support.late import LATE_SECONDS
from support.postgres import fresh_database

from farm.errors import TargetTrouble
from farm.targets.child import EngineChild, Opening
from farm.targets.engine import Engine
from farm.targets.postgres import engine as postgres
from farm.targets.postgres import session as postgres_session
from farm.targets.postgres.engine import PostgresEngine
from farm.targets.sqlite.engine import SqliteEngine

GROWTH_LIMIT_BYTES = 300 << 20  # rows up to 64 MB, and the frames that they came in
ROW_LIMIT = 100_000_000
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


@pytest.fixture(scope="module")
def url(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def postgres_engine(url: str) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(url, target_name="shop")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def sqlite_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteEngine]:
    path = tmp_path_factory.mktemp("bounds") / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    engine = SqliteEngine.from_url(f"sqlite:///{path}", target_name="shop")
    yield engine
    engine.close()


def growth_bytes(work: Callable[[], Any]) -> int:
    """How much this process grew at most while it worked."""
    process, over = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        over.set()
        watcher.join()
    return peak - before


def taken(engine: Engine, sql: str) -> int:
    """Runs what delivers without end; the number of rows that were taken."""
    count = 0

    def work() -> None:
        nonlocal count
        result = engine.run(sql, row_limit=ROW_LIMIT, timeout_seconds=20)
        assert result.truncated
        count = len(result.rows)

    assert growth_bytes(work) < GROWTH_LIMIT_BYTES
    return count


def test_a_huge_value_stays_outside(url: str) -> None:
    """With a smaller limit and a smaller value than a gigabyte, which a busy machine takes long to send."""
    engine = PostgresEngine(url, target_name="shop")
    opening = Opening(url=url, target_name="shop", memory_limit_bytes=300 << 20)
    engine._child = EngineChild(opening, grace_seconds=5)

    def work() -> None:
        with pytest.raises(TargetTrouble, match="more memory than a report is given"):
            engine.run("SELECT repeat('x', 80000000)", row_limit=1, timeout_seconds=60)

    assert growth_bytes(work) < 50 << 20
    assert engine.run("SELECT 1", row_limit=1, timeout_seconds=5).rows == [(1,)]
    engine.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT g, repeat('x', 1000) FROM generate_series(1, 10000000) AS g",
        "SELECT to_jsonb(array_fill('x'::text, ARRAY[10000])) FROM generate_series(1, 10000000)",
    ],
)
def test_ten_million_rows_of_postgres_are_cut(postgres_engine: PostgresEngine, sql: str) -> None:
    assert 0 < taken(postgres_engine, sql) < 10_000_000


@pytest.mark.parametrize("value", ["i, hex(zeroblob(500))", "hex(zeroblob(500000))", "zeroblob(9000000)"])
def test_endless_rows_of_sqlite_are_cut(sqlite_engine: SqliteEngine, value: str) -> None:
    assert taken(sqlite_engine, f"{ENDLESS} SELECT {value} FROM n") > 0


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_thirty_thousand_columns_are_refused(dialect: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(f"{dialect}_engine")
    sql = "SELECT " + ", ".join("1" for _ in range(30_000))
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match=r"columns|target lists"):
        engine.run(sql, row_limit=1, timeout_seconds=5)
    assert time.monotonic() - started < 6 + LATE_SECONDS


SORTING = "SELECT md5(g::text) FROM generate_series(1, 300000) AS g ORDER BY 1 LIMIT 1"


def test_temporary_files_of_postgres_are_bounded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, so that a small limit can be set."""
    engine = PostgresEngine(url, target_name="shop")
    assert engine.run_here(SORTING.replace("LIMIT 1", ""), row_limit=1, timeout_seconds=20).rows
    monkeypatch.setattr(postgres_session, "TEMP_FILE_LIMIT_KB", 1000)
    with pytest.raises(TargetTrouble, match="temporary files"):
        engine.run_here(SORTING.replace("LIMIT 1", ""), row_limit=1, timeout_seconds=20)
    engine.close()


def test_a_role_that_may_not_bound_temporary_files_runs_without_and_one_that_has_a_bound_keeps_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_session, "TEMP_FILE_LIMIT_KB", 1000)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS farm_plain; CREATE ROLE farm_plain LOGIN")
        plain = url.replace("postgres@", "farm_plain@")
        try:
            engine = PostgresEngine(plain, target_name="shop")
            assert engine.run_here(SORTING, row_limit=1, timeout_seconds=20).rows
            admin.execute("ALTER ROLE farm_plain SET temp_file_limit = '100kB'")
            admin.execute("GRANT SET ON PARAMETER temp_file_limit TO farm_plain")
            with psycopg.connect(plain) as connection:
                connection.execute(postgres_session.limit_temp_files(connection))
                assert connection.execute("SHOW temp_file_limit").fetchone() == ("100kB",)
            admin.execute("ALTER ROLE farm_plain RESET temp_file_limit")
            with psycopg.connect(plain) as connection:
                connection.execute(postgres_session.limit_temp_files(connection))
                assert connection.execute("SHOW temp_file_limit").fetchone() == ("1000kB",)
            engine.close()
        finally:
            admin.execute("DROP OWNED BY farm_plain; DROP ROLE farm_plain")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_files_that_sqlite_sorts_in_are_bounded() -> None:
    """A gigabyte is not for a test, so the limits of the child's process are only read."""
    program = (
        "from farm.targets import serving; serving._limit_resources(1 << 30); import resource;"
        "print(resource.getrlimit(resource.RLIMIT_FSIZE)[0], resource.getrlimit(resource.RLIMIT_AS)[0])"
    )
    root = Path(__file__).parents[3]
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert said.stdout.split() == [str(1 << 30), str(1 << 30)]


ENDLESS_COUNT = "SELECT count(*) FROM generate_series(1, 1e12)"


def took_seconds(work: Callable[[], Any]) -> float:
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match="took longer than"):
        work()
    return time.monotonic() - started


def test_the_servers_time_out_suffices_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "cancelled_after", lambda connection, seconds: nullcontext())
    engine = PostgresEngine(url, target_name="shop")
    assert (
        took_seconds(lambda: engine.run_here(ENDLESS_COUNT, row_limit=1, timeout_seconds=0.2))
        < 2 + LATE_SECONDS
    )
    engine.close()


def test_the_request_to_cancel_suffices_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (postgres, postgres_session):
        monkeypatch.setattr(module, "time_limit", lambda seconds: "SET LOCAL statement_timeout = 0")
    engine = PostgresEngine(url, target_name="shop")
    with pytest.raises(TargetTrouble, match="took longer than") as caught:
        engine.run_here(ENDLESS_COUNT, row_limit=1, timeout_seconds=0.2)
    assert isinstance(caught.value.__cause__, psycopg.errors.QueryCanceled), "not a connection that was cut"
    engine.close()


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process with a Unix signal")
@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_child_that_does_nothing_is_killed_and_replaced(
    dialect: str, request: pytest.FixtureRequest
) -> None:
    engine = request.getfixturevalue(f"{dialect}_engine")
    engine.run("SELECT 1", row_limit=1, timeout_seconds=20)
    stuck = engine._child._process
    stuck.send_signal(signal.SIGSTOP)
    monkeypatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setattr(engine._child, "_grace_seconds", 0.2)
    assert took_seconds(lambda: engine.run("SELECT 1", row_limit=1, timeout_seconds=0.2)) < 3 + LATE_SECONDS
    assert stuck.poll() is not None
    monkeypatch.undo()
    assert engine.run("SELECT 1", row_limit=1, timeout_seconds=20).rows == [(1,)]


PREPARING = """
import sys
import psutil
from farm.targets import serving
from farm.targets.postgres.engine import PostgresEngine

engine = PostgresEngine(sys.argv[1], target_name="shop")
serving._limit_resources(psutil.Process().memory_info().vms + (40 << 20))
print(engine.prepare("SELECT 1 FROM pg_class WHERE relname = repeat('x', 30000000)"))
print(engine.prepare("SELECT repeat('x', 30000000)"), engine.prepare("SELECT 1"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_plan_too_large_to_take_in_is_the_querys_fault_and_the_next_one_is_planned(url: str) -> None:
    root = Path(__file__).parents[3]
    said = subprocess.run(
        [sys.executable, "-c", PREPARING, url], capture_output=True, text=True, check=True, cwd=root
    )
    assert said.stdout.splitlines() == [
        "its plan is too large: a constant in it, or the number of its parts",
        "None None",
    ]
