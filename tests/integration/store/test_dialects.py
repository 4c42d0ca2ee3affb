"""The dialect that a task asks for stays with it, and the query as it was written with the query."""

from support.store import accepted, add, claim, finish, rejected, row, task

from farm.batch import Batch
from farm.store import enqueue, reports, results, steering
from farm.store.engine import Store
from farm.store.steering import Selection


def test_a_task_asks_for_it_in_every_attempt(store: Store):
    [task_id, plain] = add(store, 2)
    batch = enqueue.enqueue(store, [(task(9, dialect="mysql"), "default")])
    [asked] = [result.task_id for result in Batch(store, batch.batch_id).results(wait=False)]
    held = claim(store, [asked, plain])
    assert (held[asked].dialect, held[plain].dialect) == ("mysql", None)
    finish(store, rejected(held[asked]))
    with store.write() as connection:
        assert steering.requeue(connection, Selection(task_ids=(asked,)), model="large", queue="large") == 1
    assert claim(store, [asked])[asked].dialect == "mysql"
    with store.read() as connection:
        told = results.by_id(connection, [task_id, asked])
    assert [each.dialect for each in told] == [None, "mysql"]


def test_another_dialect_is_another_task(store: Store):
    asked = [(task(1, dialect=dialect), "default") for dialect in (None, "mysql", "duckdb", "mysql")]
    assert enqueue.enqueue(store, asked).added == 3


def test_a_query_is_kept_with_what_it_was_written_as(store: Store):
    [task_id] = add(store)
    told = {"dialect": "mysql", "original_sql": "SELECT 1 || 2", "original_dialect": "sqlite"}
    finish(store, accepted(claim(store, [task_id])[task_id], "SELECT CONCAT(1, 2)", **told))
    with store.read() as connection:
        [report] = reports.find(connection)
    assert (report.sql, report.dialect) == ("SELECT CONCAT(1, 2)", "mysql")
    assert (report.original_sql, report.original_dialect) == ("SELECT 1 || 2", "sqlite")
    assert row(store, task_id).dialect is None
