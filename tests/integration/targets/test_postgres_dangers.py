"""What generated SQL could do to a Postgres target, even as superuser: none of it happens."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.postgres import fresh_database

from farm.errors import TargetTrouble
from farm.targets.postgres import PostgresEngine

TIMEOUT_SECONDS = 0.3

REFUSED = [
    "INSERT INTO t VALUES (9)",
    "INSERT INTO t VALUES (9) RETURNING a",
    "WITH x AS (INSERT INTO t VALUES (9) RETURNING a) SELECT * FROM x",
    "WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x",
    "UPDATE t SET a = 9",
    "TRUNCATE t",
    "DROP TABLE t",
    "CREATE TABLE u AS SELECT 1",
    "CREATE TEMP TABLE u (a int)",
    "SELECT a INTO u FROM t",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR SHARE",
    "MERGE INTO t USING t AS s ON false WHEN NOT MATCHED THEN INSERT VALUES (9)",
    "COPY t TO '/tmp/farm-danger'",
    "COPY t TO PROGRAM 'touch /tmp/farm-danger'",
    "COPY (SELECT 1) TO STDOUT",
    "COMMIT",
    "COMMIT; INSERT INTO t VALUES (9)",
    "SELECT 1; COMMIT; INSERT INTO t VALUES (9)",
    "SET TRANSACTION READ WRITE",
    "SET transaction_read_only = off; INSERT INTO t VALUES (9)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT set_config('statement_timeout', '0', false), pg_sleep(20)",
    "SELECT pg_sleep(20)",
    'SELECT pg_catalog . "pg_sleep" (20)',
    'SELECT U&"pg\\005fsleep"(20)',
    "SELECT E'a'\n'x\\'' || pg_sleep(20)::text || 'b'",
    "SELECT * FROM t, LATERAL pg_sleep(20)",
    "SELECT a FROM t ORDER BY pg_sleep(20)::text",
    "DO $$ BEGIN PERFORM pg_sleep(20); END $$",
    "NOTIFY danger",
    "SELECT pg_notify('danger', 'x')",
    "LISTEN danger",
    "LOCK TABLE t",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT nextval('s')",
    "SELECT setval('s', 99)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "SELECT pg_reload_conf()",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT query_to_xml('INSERT INTO t VALUES (9) RETURNING a', true, true, '')",
    "SELECT writes()",
    "CALL writing()",
    "EXPLAIN ANALYZE SELECT 1",
    "ANALYZE SELECT 1",
    "PREPARE p AS SELECT 1",
    "DECLARE c CURSOR FOR SELECT 1",
    "VACUUM",
]
STOPPED = [
    "SELECT count(*) FROM generate_series(1, 1e12)",
    "WITH RECURSIVE n(i) AS (SELECT 1::numeric UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "SELECT g FROM generate_series(1, 1e12) g ORDER BY md5(g::text)",
]


@pytest.fixture(scope="module")
def url(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); CREATE SEQUENCE s;"
            "CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (9) RETURNING a';"
            "CREATE PROCEDURE writing() LANGUAGE sql AS 'INSERT INTO t VALUES (9)';"
        )
        yield url


@pytest.fixture
def engine(url: str) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(url, target_name="shop")
    yield engine
    engine.close()


def state(url: str) -> list[Any]:
    """Rows, relations, sequences, large objects, advisory locks: all that a statement could have left."""
    with psycopg.connect(url) as connection:
        return [
            connection.execute(query).fetchall()
            for query in (
                "SELECT a FROM t ORDER BY a",
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
                "SELECT last_value, is_called FROM s",
                "SELECT count(*) FROM pg_largeobject_metadata",
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
            )
        ]


@pytest.mark.parametrize("sql", REFUSED)
def test_it_is_refused_and_nothing_happens(engine: PostgresEngine, url: str, sql: str) -> None:
    before = state(url)
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute("LISTEN danger")
        started = time.monotonic()
        assert engine.prepare(sql) is not None
        with pytest.raises(TargetTrouble):
            engine.run(sql, row_limit=10, timeout_seconds=TIMEOUT_SECONDS)
        assert time.monotonic() - started < TIMEOUT_SECONDS + 2
        assert not list(listener.notifies(timeout=0))
    assert state(url) == before
    assert not Path("/tmp/farm-danger").exists()
    assert engine.run("SELECT count(*) FROM t", row_limit=1, timeout_seconds=5).rows == [(2,)]


@pytest.mark.parametrize("sql", STOPPED)
def test_it_is_stopped_in_time(engine: PostgresEngine, url: str, sql: str) -> None:
    before = state(url)
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match="took longer"):
        engine.run(sql, row_limit=10, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + 2
    assert state(url) == before


def test_a_server_that_does_not_stop_is_left_behind(engine: PostgresEngine, url: str) -> None:
    """A function may be called stable and yet wait, and heed no cancel."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE FUNCTION stubborn() RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN"
            " LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;"
            " END $$; CREATE VIEW trap AS SELECT stubborn()"
        )
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match=r"took longer|cannot be run"):
        engine.run("SELECT * FROM trap", row_limit=1, timeout_seconds=0.3)
    assert time.monotonic() - started < 6
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%farm_result%'"
            " AND pid <> pg_backend_pid()"
        )


def test_the_dangers_are_real_without_the_guard(url: str) -> None:
    with (
        psycopg.connect(url, autocommit=True) as connection,
        psycopg.connect(url, autocommit=True) as listener,
    ):
        listener.execute("LISTEN danger")
        connection.execute("SET default_transaction_read_only = on")
        connection.execute("SELECT pg_notify('danger', 'x'), pg_advisory_lock(1)")
        connection.execute("SET transaction_read_only = off; INSERT INTO t VALUES (9)")
        assert list(listener.notifies(timeout=1, stop_after=1))
        assert (9,) in state(url)[0]
        assert state(url)[4] == [(1,)]
