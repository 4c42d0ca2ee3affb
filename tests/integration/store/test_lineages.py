"""Which queries read which tables and columns: kept with the outcome, found by name."""

import pytest
from sqlalchemy import func, select
from support.store import accepted, add, claim, finish, rejected

from farm.sql.lineage import ColumnName, Lineage
from farm.store import reports
from farm.store.engine import Store
from farm.store.tables import QueryColumnRow, QueryTableRow

ORDERS = Lineage(
    tables=("Orders", "customers"),
    columns=(ColumnName(table="Orders", column="Total"), ColumnName(table="customers", column="name")),
    functions=("sum",),
)
SALES = Lineage(tables=("sales.orders",), columns=(ColumnName(table="sales.orders", column="total"),))


def keep(store: Store, lineage: Lineage | None, question: str) -> None:
    [task_id] = add(store)
    kept = None if lineage is None else lineage.to_dict()
    finish(store, accepted(claim(store, [task_id])[task_id], question=question, lineage=kept))


@pytest.fixture
def browsed(store: Store) -> Store:
    """One query of each kind: with two tables, of another schema, without lineage."""
    for lineage, question in ((ORDERS, "A?"), (SALES, "B?"), (None, "C?")):
        keep(store, lineage, question)
    return store


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        ({"table": "Orders"}, ["A?"]),
        ({"table": "ORDERS"}, ["A?"]),
        ({"table": "sales.orders"}, ["B?"]),
        ({"table": "nowhere"}, []),
        ({"column": "total"}, ["B?", "A?"]),
        ({"column": "orders.total"}, ["A?"]),
        ({"column": "sales.orders.total"}, ["B?"]),
        ({"column": "customers.total"}, []),
        ({"table": "customers", "column": "orders.total"}, ["A?"]),
        ({"table": "customers", "search": "B"}, []),
        ({}, ["C?", "B?", "A?"]),
    ],
)
def test_queries_are_found_by_what_they_read(browsed: Store, narrowed: dict[str, str], expected: list[str]):
    with browsed.read() as connection:
        assert [each.question for each in reports.find(connection, **narrowed)] == expected  # type: ignore[arg-type]


def test_the_lineage_comes_back_as_it_was(browsed: Store):
    with browsed.read() as connection:
        assert [each.lineage for each in reports.find(connection)] == [None, SALES, ORDERS]


def test_several_tasks_that_settle_together_keep_each_its_own(store: Store):
    ids = add(store, 4)
    held = claim(store, ids)
    kinds = (ORDERS, SALES, Lineage())
    good = [accepted(held[each], lineage=kind.to_dict()) for each, kind in zip(ids, kinds, strict=False)]
    finish(store, *good, rejected(held[ids[3]]))
    assert finish(store, *good) == set(), "the lease is gone, so nothing is written twice"
    with store.read() as connection:
        found = sorted(reports.find(connection), key=lambda each: each.task_id)
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (QueryTableRow, QueryColumnRow)
        ]
    assert [each.lineage for each in found] == list(kinds)
    assert counts == [3, 3]
