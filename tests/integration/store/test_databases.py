"""What pages tell of targets, bounded, on SQLite and Postgres."""

import pytest
from sqlalchemy import insert
from support.store import SHOP, accepted, add, claim, finish

from farm.store import databases, targets
from farm.store.engine import Store
from farm.store.tables import QueryRow, QueryTableRow
from farm.targets.target import Target

BANK = Target(name="bank", dialect="postgres", ddl="CREATE TABLE accounts (id int)", notes="money")


def report(store: Store, *tables: str) -> None:
    """An accepted query of the shop that reads these tables."""
    [task_id] = add(store, 1)
    finish(store, accepted(claim(store, [task_id])[task_id]))
    with store.write() as connection:
        rows = connection.execute(QueryRow.__table__.select().where(QueryRow.task_id == task_id)).one()
        connection.execute(
            insert(QueryTableRow), [{"query_id": rows.id, "table_name": table} for table in tables]
        )


def test_targets_come_by_name_with_their_schema_and_reports(store: Store):
    targets.save(store, BANK)
    report(store, "orders")
    report(store, "orders")
    with store.read() as connection:
        bank, shop = databases.known(connection)
        assert databases.get(connection, "shop") == shop
        assert databases.get(connection, "no such") is None
    assert (bank.name, bank.dialect, bank.notes, bank.reports) == ("bank", "postgres", "money", 0)
    assert (shop.fingerprint, shop.reports, shop.has_more_reports) == (SHOP.fingerprint, 2, False)
    assert shop.updated_at.utcoffset() is not None
    assert SHOP.ddl not in repr(shop)


def test_reports_are_counted_up_to_a_limit(store: Store, monkeypatch: pytest.MonkeyPatch):
    for _ in range(3):
        report(store, "orders")
    monkeypatch.setattr(databases, "MOST_COUNTED", 3)
    with store.read() as connection:
        found = databases.get(connection, "shop")
    assert found is not None
    assert found.has_more_reports


def test_reports_by_table_are_of_the_newest(store: Store):
    targets.save(store, BANK)
    report(store, "orders", "customers")
    report(store, "orders")
    report(store, "items")
    with store.read() as connection:
        assert databases.reports_by_table(connection, "shop") == {"orders": 2, "customers": 1, "items": 1}
        assert databases.reports_by_table(connection, "shop", newest=2) == {"orders": 1, "items": 1}
        assert databases.reports_by_table(connection, "bank") == {}
