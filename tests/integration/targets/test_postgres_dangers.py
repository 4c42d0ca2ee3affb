"""What generated SQL could do to a Postgres target, as superuser and as a reader: none of it happens."""

import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from support.dangers import Danger, dangers
from support.watch import Trapped, Watch

from farm.errors import TargetTrouble
from farm.sql.assess import judge
from farm.sql.schema import Schema
from farm.targets.postgres import PostgresEngine

TIMEOUT_SECONDS = 0.2
MORE_SECONDS = 2.0  # to cancel, to cut, and for a busy machine


@pytest.fixture(scope="module", params=["admin", "reader"])
def engine(request: pytest.FixtureRequest, trapped: Trapped, watch: Watch) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(getattr(trapped, request.param), target_name="shop")
    engine.run("SELECT 1", row_limit=1, timeout_seconds=5)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def schema(trapped: Trapped) -> Schema:
    engine = PostgresEngine(trapped.admin, target_name="shop")
    ddl = engine.introspect()
    engine.close()
    return Schema.from_ddl(ddl, "postgres")


def accepting(_sql: str) -> None:
    """An engine that accepts everything, as PREPARE accepts most of what is dangerous."""


@pytest.mark.parametrize("danger", dangers("postgres", "refused"), ids=str)
def test_the_checks_alone_refuse_it(danger: Danger, schema: Schema) -> None:
    verdict = judge(danger.sql(folder="/nowhere", port=1), schema, accepting, "any")
    assert not verdict.accepted
    assert verdict.first_error is not None
    assert verdict.first_error.code != "could_not_check"


@pytest.mark.parametrize("danger", dangers("postgres", "refused", "trapped"), ids=str)
def test_the_target_alone_refuses_it(danger: Danger, engine: PostgresEngine, watch: Watch) -> None:
    if danger.kind == "policy" and "farm_reader" not in engine._url:
        pytest.skip("policies do not hold for superusers")
    sql = danger.sql(**watch.trapped.places)
    started = time.monotonic()
    assert engine.prepare(sql) is not None
    with pytest.raises(TargetTrouble):
        engine.run(sql, row_limit=10, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS
    watch.assert_nothing_happened()


@pytest.mark.parametrize("danger", dangers("postgres", "limited"), ids=str)
def test_the_target_alone_keeps_it_in_bounds(danger: Danger, engine: PostgresEngine, watch: Watch) -> None:
    if "farm_reader" in engine._url and danger.kind != "called stable and yet more":
        pytest.skip("takes as long as for a superuser")
    sql = danger.sql(**watch.trapped.places)
    started = time.monotonic()
    with suppress(TargetTrouble):
        engine.run(sql, row_limit=1000, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS
    watch.assert_nothing_happened()
    assert engine.run("SELECT a FROM t ORDER BY a", row_limit=9, timeout_seconds=5).rows == [(1,), (2,)]


def test_a_server_that_does_not_stop_is_left_behind_and_ends_by_itself(trapped: Trapped) -> None:
    """A function may be called stable and yet wait, and heed no cancel."""
    engine = PostgresEngine(trapped.admin, target_name="shop")
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match=r"took longer|cannot be run"):
        engine.run("SELECT liar_stubborn()", row_limit=1, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS + 1
    engine.close()
    with psycopg.connect(trapped.admin, autocommit=True) as connection:
        running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SET LOCAL%FETCH%'"
        if connection.info.server_version < 170000:
            connection.execute(running.replace("count(*)", "pg_terminate_backend(pid)"))
        while connection.execute(running).fetchone() != (0,):
            assert time.monotonic() - started < TIMEOUT_SECONDS + 10
            time.sleep(0.05)


@pytest.mark.parametrize("danger", dangers("postgres", "trapped"), ids=str)
def test_the_traps_are_real_without_the_guard(danger: Danger, trapped: Trapped, watch: Watch) -> None:
    if danger.kind == "policy":
        pytest.skip("policies do not hold for superusers")
    with psycopg.connect(trapped.admin, autocommit=True) as connection:
        connection.execute("BEGIN READ ONLY; SET LOCAL statement_timeout = 100")
        with suppress(psycopg.errors.QueryCanceled):
            connection.execute(danger.sql().encode()).fetchall()
            locks = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
            assert (trapped.folder / "loud").exists() or locks != (0,)
    (trapped.folder / "loud").unlink(missing_ok=True)


def test_the_watch_sees_what_happens(trapped: Trapped) -> None:
    changes = (
        "INSERT INTO t VALUES (9)",
        "SELECT nextval('s')",
        "SELECT lo_create(0)",
        "CREATE TEMP TABLE u (a int)",
        "CREATE ROLE danger",
        "ALTER ROLE danger SET work_mem = '1MB'",
        "COMMENT ON TABLE t IS 'x'",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_reload_conf(), pg_sleep(0.1)",
        "COPY t TO '{folder}/danger'",
    )
    with psycopg.connect(trapped.admin, autocommit=True) as connection:
        for change in changes:
            watch = Watch(trapped)
            connection.execute(change.format(folder=trapped.folder).encode())
            assert watch.state() != watch.before, change
            watch.connection.close()
        watch = Watch(trapped)
        connection.execute("NOTIFY danger")
        assert list(watch.connection.notifies(timeout=1, stop_after=1))
        watch.connection.close()
        connection.execute("DROP ROLE danger")
