from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from support.store import SHOP, accepted, add, claim, finish

from farm.errors import NotFound
from farm.store import runs
from farm.store.engine import Store, now
from farm.store.runs import NewRun
from farm.store.tables import QueryRow, RunRow

COLUMNS = ["n", "n"]
ROWS = [[1, {"decimal": "1.10"}], [None, "x"]]


@pytest.fixture
def query_id(store: Store) -> int:
    (task_id,) = add(store)
    finish(store, accepted(claim(store, [task_id])[task_id]))
    with store.read() as connection:
        return connection.execute(select(QueryRow.id).where(QueryRow.task_id == task_id)).scalar_one()


def started(store: Store, query_id: int, **values: Any) -> int:
    new = {"version": 1, "target": SHOP.name, "sql": "SELECT 1", "parameters": {"year": "2025"}}
    limits = {"started_by": "ann", "row_limit": 10, "timeout_seconds": 5.0}
    with store.write() as connection:
        return runs.start(connection, NewRun(**{"query_id": query_id, **new, **limits, **values}))


def done(store: Store, query_id: int) -> int:
    run_id = started(store, query_id)
    with store.write() as connection:
        assert runs.finish(connection, run_id, columns=COLUMNS, rows=ROWS, truncated=True, duration_ms=3.5)
    return run_id


def test_a_result_is_kept_as_it_came(store: Store, query_id: int) -> None:
    run_id = done(store, query_id)
    with store.read() as connection:
        run = runs.get(connection, run_id)
    assert (run.columns, run.rows, run.truncated, run.row_count) == (COLUMNS, ROWS, True, 2)
    assert (run.state, run.parameters, run.duration_ms) == ("done", {"year": "2025"}, 3.5)
    assert run.finished_at is not None


def test_a_run_ends_once(store: Store, query_id: int) -> None:
    run_id = started(store, query_id)
    with store.write() as connection:
        assert runs.cancel(connection, run_id)
        assert not runs.fail(connection, run_id, "late")
        assert runs.get(connection, run_id).state == "cancelled"


def test_a_run_that_is_stopped_has_ended_for_whoever_works_on_it(store: Store, query_id: int) -> None:
    first, second = started(store, query_id), started(store, query_id)
    with store.write() as connection:
        assert runs.ended(connection, [first, second]) == []
        assert runs.stop(connection, first)
        assert not runs.stop(connection, first)
        assert not runs.stop(connection, 12345)
        assert runs.ended(connection, [first, second]) == [first]
        assert not runs.finish(connection, first, columns=[], rows=[], truncated=False, duration_ms=1)
        stopped = runs.get(connection, first)
    assert stopped.state == "cancelled"
    assert stopped.duration_ms is not None
    assert 0 <= stopped.duration_ms < 600_000


def test_an_unknown_run_is_not_found(store: Store) -> None:
    with store.read() as connection, pytest.raises(NotFound):
        runs.get(connection, 12345)


def test_runs_of_a_query_come_in_pages_the_newest_first(store: Store, query_id: int) -> None:
    ids = [done(store, query_id) for _ in range(3)]
    with store.write() as connection:
        assert runs.keep(connection, ids[0])
        first = runs.of_query(connection, query_id, limit=2)
        rest = runs.of_query(connection, query_id, after=first[-1].id, limit=2)
        kept = runs.of_query(connection, query_id, kept=True)
    assert [run.id for run in (*first, *rest)] == ids[::-1]
    assert [run.id for run in kept] == [ids[0]]
    assert first[0].rows is None


def test_only_a_run_of_this_version_on_this_target_counts_as_done(store: Store, query_id: int) -> None:
    started(store, query_id)
    asked = {"query_id": query_id, "version": 1, "target": SHOP.name}
    with store.read() as connection:
        assert not runs.was_done(connection, **asked)  # type: ignore[arg-type]
    done(store, query_id)
    with store.read() as connection:
        assert runs.was_done(connection, **asked)  # type: ignore[arg-type]
        assert not runs.was_done(connection, **{**asked, "version": 2})  # type: ignore[arg-type]
        assert not runs.was_done(connection, **{**asked, "target": "other"})  # type: ignore[arg-type]


def test_only_results_that_nobody_keeps_are_pruned(
    store: Store, query_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST_UNKEPT", 2)
    ids = [done(store, query_id) for _ in range(5)]
    with store.write() as connection:
        runs.keep(connection, ids[0])
        old = now() - timedelta(hours=25)
        connection.execute(update(RunRow).where(RunRow.id == ids[3]).values(started_at=old))
        assert runs.prune(connection) == 3
        assert [runs.get(connection, run_id).rows is not None for run_id in ids] == [
            True,
            False,
            False,
            False,
            True,
        ]
        assert not runs.keep(connection, ids[1]), "there is nothing left to keep"


def test_a_run_whose_process_has_ended_fails_some_time_after_its_time_out(
    store: Store, query_id: int
) -> None:
    lost, fresh = started(store, query_id), started(store, query_id)
    long_ago = now() - timedelta(seconds=66)
    with store.write() as connection:
        connection.execute(update(RunRow).where(RunRow.id == lost).values(started_at=long_ago))
        assert runs.bury_lost(connection) == 1
        assert runs.get(connection, lost).error == runs.LOST
        assert runs.get(connection, fresh).state == "running"


def test_the_chart_that_somebody_chose_is_remembered(store: Store, query_id: int) -> None:
    run_id = done(store, query_id)
    with store.write() as connection:
        for chart in ({"kind": "line"}, None):
            runs.choose_chart(connection, run_id, chart)
            assert runs.get(connection, run_id).chart == chart
