"""What generated SQL could do to a MySQL or MariaDB target as its administrator: none of it happens."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest
from support.dangers import Danger, dangers
from support.late import LATE_SECONDS
from support.mariadb import execute
from support.mysql_traps import TrappedMysql, trapped_mysql
from support.postgres import short_folder

from farm.errors import TargetTrouble
from farm.sql.assess import judge
from farm.sql.schema import Schema
from farm.targets.mysql.engine import MysqlEngine

TIMEOUT_SECONDS = 0.2
MORE_SECONDS = 5.0  # to cancel, to cut, to start a child anew, and for a busy machine


@pytest.fixture(scope="module")
def trapped(mysql_url: str) -> Iterator[TrappedMysql]:
    folder = Path(tempfile.mkdtemp(prefix="farm-danger-", dir=short_folder()))
    folder.chmod(0o777)
    try:
        with trapped_mysql(mysql_url, folder) as trapped:
            yield trapped
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def engine(trapped: TrappedMysql) -> Iterator[MysqlEngine]:
    """Its child runs already, so that only the queries take time."""
    engine = MysqlEngine(trapped.url, target_name="shop")
    engine.run("SELECT 1", row_limit=1, timeout_seconds=20)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def before(trapped: TrappedMysql, engine: MysqlEngine) -> list[Any]:
    return trapped.state()


@pytest.fixture(scope="module")
def schema(engine: MysqlEngine) -> Schema:
    return Schema.from_ddl(engine.introspect(), "mysql")


def accepting(_sql: str) -> None:
    """An engine that accepts everything, as PREPARE accepts most of what is dangerous."""


@pytest.mark.parametrize("danger", dangers("mysql", "refused"), ids=str)
def test_the_checks_alone_refuse_it(danger: Danger, schema: Schema, trapped: TrappedMysql) -> None:
    verdict = judge(danger.sql(**trapped.places), schema, accepting, "any")
    assert not verdict.accepted
    assert verdict.first_error is not None
    assert verdict.first_error.code != "could_not_check"


@pytest.mark.parametrize("danger", dangers("mysql", "refused", "trapped"), ids=str)
def test_the_target_alone_refuses_it(
    danger: Danger, engine: MysqlEngine, trapped: TrappedMysql, before: list[Any]
) -> None:
    sql = danger.sql(**trapped.places)
    started = time.monotonic()
    assert engine.prepare(sql) is not None
    with pytest.raises(TargetTrouble):
        engine.run(sql, row_limit=10, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS + LATE_SECONDS
    assert trapped.state() == before


@pytest.mark.parametrize("danger", dangers("mysql", "limited"), ids=str)
def test_the_target_alone_keeps_it_in_bounds(
    danger: Danger, engine: MysqlEngine, trapped: TrappedMysql, before: list[Any]
) -> None:
    started = time.monotonic()
    with suppress(TargetTrouble):
        engine.run(danger.sql(**trapped.places), row_limit=1000, timeout_seconds=TIMEOUT_SECONDS)
    assert time.monotonic() - started < TIMEOUT_SECONDS + MORE_SECONDS + LATE_SECONDS
    assert trapped.state() == before
    kept = engine.run("SELECT a FROM t ORDER BY a", row_limit=9, timeout_seconds=20)
    assert kept.rows == [(1,), (2,)]


def test_the_traps_are_real_without_the_guard(trapped: TrappedMysql, before: list[Any]) -> None:
    """A read-only transaction hinders neither files nor locks."""
    execute(trapped.url, "START TRANSACTION READ ONLY", "SELECT * FROM loud_view LIMIT 1")
    assert trapped.state() != before
    (trapped.folder / "loud").unlink()
    execute(trapped.url, "START TRANSACTION READ ONLY", f"SELECT 1 INTO OUTFILE '{trapped.folder}/out'")
    assert trapped.state() != before
    (trapped.folder / "out").unlink()
    sql = "SET STATEMENT max_statement_time = 0.1 FOR SELECT * FROM sleeping_view"
    with suppress(pymysql.err.OperationalError):
        execute(trapped.url, sql)
    assert execute(trapped.url, "SELECT locking(), is_used_lock('danger') = connection_id()") == [(1, 1)]
    assert execute(trapped.url, "SELECT mid (1, 2), is_used_lock('danger') = connection_id()") == [(1, 1)]


@pytest.mark.parametrize(
    ("change", "undone"),
    [
        ("INSERT INTO t VALUES (9)", "DELETE FROM t WHERE a = 9"),
        ("CREATE TABLE u (a int)", "DROP TABLE u"),
        ("CREATE USER danger", "DROP USER danger"),
        ("SET GLOBAL max_heap_table_size = 16384", "SET GLOBAL max_heap_table_size = 16777216"),
        ("CREATE FUNCTION f() RETURNS int RETURN 1", "DROP FUNCTION f"),
        ("CREATE INDEX i ON t (a)", "DROP INDEX i ON t"),
    ],
)
def test_the_watch_sees_what_happens(change: str, undone: str, trapped: TrappedMysql) -> None:
    before = trapped.state()
    execute(trapped.url, change)
    changed = trapped.state()
    execute(trapped.url, undone)
    assert changed != before
