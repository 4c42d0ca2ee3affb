"""What generated SQL could do to a Postgres target, as superuser and as a reader: none of it happens."""

import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from support.dangers import Danger, dangers
from support.late import LATE_SECONDS
from support.watch import Trapped, Watch

from farm.errors import TargetTrouble
from farm.sql.assess import judge
from farm.sql.schema import Schema
from farm.targets.postgres.engine import PostgresEngine

TIMEOUT_SECONDS = 0.2
MORE_SECONDS = 2.0  # to cancel, to cut, and for a busy machine


Case = tuple[str, Danger]


def cases(*fates: str) -> list[Case]:
    """Each statement as the server's superuser, for whom everything is possible; as the recommended reader
    what depends on rights and policies, and one statement of every other kind.
    """
    found = dangers("postgres", *fates)
    firsts = {danger.kind: danger for danger in reversed(found)}
    whole = {"policy", "view", "called stable and yet more"}
    return [
        *(("admin", danger) for danger in found if danger.kind != "policy"),
        *(("reader", danger) for danger in found if danger.kind in whole or danger is firsts[danger.kind]),
    ]


def name(part: object) -> str:
    return str(part)


@pytest.fixture(scope="module")
def engines(trapped: Trapped, watch: Watch) -> Iterator[dict[str, PostgresEngine]]:
    """By role; their children run already, so that only the queries take time."""
    urls = {"admin": trapped.admin, "reader": trapped.reader}
    engines = {role: PostgresEngine(url, target_name="shop") for role, url in urls.items()}
    for engine in engines.values():
        engine.run("SELECT 1", row_limit=1, timeout_seconds=20)
    yield engines
    for engine in engines.values():
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


@pytest.mark.parametrize(("role", "danger"), cases("refused", "trapped"), ids=name)
def test_the_target_alone_refuses_it(
    role: str, danger: Danger, engines: dict[str, PostgresEngine], watch: Watch
) -> None:
    sql = danger.sql(**watch.trapped.places)
    started = time.monotonic()
    assert engines[role].prepare(sql) is not None
    with pytest.raises(TargetTrouble):
        engines[role].run(sql, row_limit=10, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS + LATE_SECONDS
    watch.assert_nothing_happened()


@pytest.mark.parametrize(("role", "danger"), cases("limited"), ids=name)
def test_the_target_alone_keeps_it_in_bounds(
    role: str, danger: Danger, engines: dict[str, PostgresEngine], watch: Watch
) -> None:
    sql = danger.sql(**watch.trapped.places)
    started = time.monotonic()
    with suppress(TargetTrouble):
        engines[role].run(sql, row_limit=1000, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS + LATE_SECONDS
    watch.assert_nothing_happened()
    kept = engines[role].run("SELECT a FROM t ORDER BY a", row_limit=9, timeout_seconds=20)
    assert kept.rows == [(1,), (2,)]


def test_a_server_that_does_not_stop_is_left_behind_and_ends_by_itself(trapped: Trapped) -> None:
    """A function may be called stable and yet wait, and heed no cancel."""
    engine = PostgresEngine(trapped.admin, target_name="shop")
    started = time.monotonic()
    with pytest.raises(TargetTrouble, match=r"took longer|cannot be run"):
        engine.run("SELECT liar_stubborn()", row_limit=1, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS + 1 + LATE_SECONDS
    engine.close()
    with psycopg.connect(trapped.admin, autocommit=True) as connection:
        running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SET LOCAL%FETCH%'"
        if connection.info.server_version < 170000:
            connection.execute(running.replace("count(*)", "pg_terminate_backend(pid)"))
        while connection.execute(running).fetchone() != (0,):
            assert time.monotonic() - started < TIMEOUT_SECONDS + 10 + LATE_SECONDS
            time.sleep(0.05)


@pytest.mark.parametrize("danger", [d for d in dangers("postgres", "trapped") if d.kind != "policy"], ids=str)
def test_the_traps_are_real_without_the_guard(danger: Danger, trapped: Trapped, watch: Watch) -> None:
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
