"""Which rows a document finds for a query."""

import pytest
from sqlalchemy import select, update
from support.store import SHOP, accepted, add, claim, finish

from farm.store import result_rows, runs
from farm.store.engine import Store
from farm.store.runs import NewRun
from farm.store.tables import QueryRow


@pytest.fixture
def query_ids(store: Store) -> list[int]:
    claimed = claim(store, add(store, 2))
    finish(store, *map(accepted, claimed.values()))
    with store.read() as connection:
        return list(connection.scalars(select(QueryRow.id).order_by(QueryRow.id)))


def ran(store: Store, query_id: int, *, version: int = 1, well: bool = True) -> int:
    new = NewRun(
        query_id=query_id,
        version=version,
        target=SHOP.name,
        sql="SELECT 1",
        parameters={},
        started_by=None,
        row_limit=10,
        timeout_seconds=5.0,
    )
    with store.write() as connection:
        run_id = runs.start(connection, new)
        if well:
            runs.finish(connection, run_id, columns=["n"], rows=[[1]], truncated=False, duration_ms=1.0)
        else:
            runs.fail(connection, run_id, "it broke")
    return run_id


def found(store: Store, query_ids: list[int], *, kept_only: bool = False) -> dict[int, int]:
    with store.read() as connection:
        return result_rows.latest(connection, query_ids, kept_only=kept_only)


def test_the_newest_run_with_rows_is_found(store: Store, query_ids: list[int]) -> None:
    first, second = query_ids
    ran(store, first)
    newest = ran(store, first)
    ran(store, first, well=False)
    ran(store, second, version=2)
    assert found(store, query_ids) == {first: newest}
    assert found(store, query_ids, kept_only=True) == {}


def test_a_snapshot_goes_before_newer_runs_until_the_query_is_corrected(
    store: Store, query_ids: list[int]
) -> None:
    first, _ = query_ids
    snapshot = ran(store, first)
    ran(store, first)
    with store.write() as connection:
        runs.keep(connection, snapshot)
    assert found(store, query_ids) == {first: snapshot}
    assert found(store, query_ids, kept_only=True) == {first: snapshot}
    with store.write() as connection:
        connection.execute(update(QueryRow).where(QueryRow.id == first).values(version=2))
    assert found(store, query_ids) == {}
