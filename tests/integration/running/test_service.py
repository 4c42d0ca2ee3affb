"""Runs on a small shop, with store and target on SQLite; what the database does is tried on Postgres, too."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import shop

from farm.api import Farm
from farm.errors import QueryCancelled, TargetTrouble, Throttled
from farm.running import service
from farm.running.cells import from_json
from farm.running.service import Runs
from farm.store import actions
from farm.targets.target import Target

SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgres": "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
}
MANY = {
    "sqlite": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 800000) "
    "SELECT i FROM n",
    "postgres": "SELECT i FROM generate_series(1, 800000) AS n(i)",
}
WAIT_SECONDS = 30.0


ON_BOTH = pytest.mark.parametrize("farm", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def farm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Farm]:
    """Store and shop on SQLite, unless a test wants both on Postgres as well."""
    if getattr(request, "param", "sqlite") == "postgres":
        store_url = str(request.getfixturevalue("postgres_database"))
        shop_url = shop.make_postgres(store_url)
    else:
        store_url, shop_url = f"sqlite:///{tmp_path / 'farm.db'}", shop.make_sqlite(tmp_path / "shop.db")
    with shop.opened(tmp_path, store_url, shop_url, row_limit=5) as farm:
        yield farm


@pytest.fixture
def runs(farm: Farm) -> Iterator[Runs]:
    runs = Runs(farm, at_once=1)
    yield runs
    runs.close()


def started(farm: Farm, runs: Runs, sql: str | None = None, **limits: float) -> int:
    report = farm.query(shop.report(farm))
    return runs.start(
        report, farm.target("shop"), sql or report.sql, parameters={}, started_by="ann", **limits
    )


def slow(farm: Farm) -> str:
    return SLOW[farm.target("shop").dialect]


@ON_BOTH
def test_a_result_is_kept_with_what_was_cut(farm: Farm, runs: Runs) -> None:
    run_id = started(farm, runs, "SELECT id, total, total FROM orders ORDER BY id")
    assert runs.wait(run_id, seconds=WAIT_SECONDS)
    run = runs.get(run_id)
    assert (run.state, run.row_count, run.truncated, run.started_by) == ("done", 5, True, "ann")
    assert run.columns == ["id", "total", "total"]
    assert run.rows is not None
    assert [float(from_json(value)) for value in run.rows[1]] == [2, 2.5, 2.5]


def test_a_query_that_fails_says_why(farm: Farm, runs: Runs) -> None:
    run_id = started(farm, runs, "SELECT nothing FROM orders")
    runs.wait(run_id, seconds=WAIT_SECONDS)
    run = runs.get(run_id)
    assert run.state == "failed"
    assert "nothing" in str(run.error)


@ON_BOTH
def test_nothing_is_written_to_a_target(farm: Farm, runs: Runs) -> None:
    run_id = started(farm, runs, "DELETE FROM orders")
    runs.wait(run_id, seconds=WAIT_SECONDS)
    assert runs.get(run_id).state == "failed"
    again = started(farm, runs, "SELECT count(*) FROM orders")
    runs.wait(again, seconds=WAIT_SECONDS)
    assert runs.get(again).rows == [[240]]


@ON_BOTH
def test_a_run_is_cancelled_while_it_runs_and_while_it_waits(farm: Farm, runs: Runs) -> None:
    first, second = started(farm, runs, slow(farm)), started(farm, runs, slow(farm))
    assert not runs.wait(first, seconds=0.3)
    for run_id in (second, first):
        assert runs.cancel(run_id)
    for run_id in (first, second):
        assert runs.wait(run_id, seconds=WAIT_SECONDS)
        assert runs.get(run_id).state == "cancelled"
        assert not runs.cancel(run_id)


def test_a_run_is_cancelled_from_another_process_and_the_log_tells_who(farm: Farm, runs: Runs) -> None:
    elsewhere = Runs(farm)
    run_id = started(farm, runs, slow(farm), timeout_seconds=20 * WAIT_SECONDS)
    runs.obey()
    assert not runs.wait(run_id, seconds=0.3)
    assert elsewhere.cancel(run_id, by="bea")
    assert elsewhere.get(run_id).state == "cancelled"
    runs.obey()
    assert runs.wait(run_id, seconds=WAIT_SECONDS)
    assert runs.get(run_id).state == "cancelled"
    assert not elsewhere.cancel(run_id, by="bea")
    with farm.store.read() as connection:
        assert [(one.actor, one.action, one.detail) for one in actions.page(connection)] == [
            ("bea", "cancel", {"run": run_id})
        ]
    elsewhere.close()


def test_the_end_of_the_service_is_the_end_of_its_runs(farm: Farm) -> None:
    runs = Runs(farm, at_once=1)
    run_id = started(farm, runs, slow(farm))
    assert not runs.wait(run_id, seconds=0.3)
    runs.close()
    assert runs.get(run_id).state == "cancelled"
    with pytest.raises(Throttled):
        started(farm, runs)


def test_there_is_a_bound_on_those_that_wait(farm: Farm, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_WAITING", 1)
    started(farm, runs, slow(farm))
    with pytest.raises(Throttled, match="try again"):
        started(farm, runs)


def test_a_target_without_a_database_is_refused(farm: Farm, runs: Runs) -> None:
    report = farm.query(shop.report(farm))
    bare = Target(name="shop", dialect="sqlite", ddl=shop.DDL)
    with pytest.raises(TargetTrouble, match="no database here"):
        runs.start(report, bare, "SELECT 1", parameters={}, started_by=None)


def test_an_export_gives_all_rows(farm: Farm, runs: Runs) -> None:
    with runs.export(farm.target("shop"), "SELECT * FROM orders") as (stream, _):
        assert sum(map(len, stream)) == 240


@ON_BOTH
def test_an_export_is_cancelled_from_another_thread(farm: Farm, runs: Runs) -> None:
    with runs.export(farm.target("shop"), MANY[farm.target("shop").dialect]) as (stream, live):
        chunks = iter(stream)
        next(chunks)
        threading.Timer(0.2, live.cancel).start()
        with pytest.raises(QueryCancelled):
            list(slowly(chunks))


def slowly(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        time.sleep(0.005)
        yield chunk


@ON_BOTH
def test_who_leaves_an_export_leaves_room_for_the_next(farm: Farm, runs: Runs) -> None:
    sql = MANY[farm.target("shop").dialect]
    for _ in range(service.EXPORTS_AT_ONCE + 1):
        with runs.export(farm.target("shop"), sql) as (stream, _live):
            next(iter(stream))


def test_there_is_a_bound_on_exports(farm: Farm, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "EXPORT_WAIT_SECONDS", 0.05)
    target, sql = farm.target("shop"), MANY[farm.target("shop").dialect]
    with (
        runs.export(target, sql),
        runs.export(target, sql),
        pytest.raises(Throttled),
        runs.export(target, sql),
    ):
        pytest.fail("a third export began")
