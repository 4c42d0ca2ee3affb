"""Enqueueing: in order, idempotent, all or nothing, at any size."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from support.store import accepted, add, claim, finish, opened, state, task

from farm.store import results
from farm.store.engine import Store
from farm.store.enqueue import CHUNK, Enqueued, enqueue
from farm.store.results import TaskResult
from farm.store.tables import BatchItemRow, BatchRow, TaskRow
from jobs.task import Task


def put(store: Store, *tasks: Task, name: str | None = None) -> Enqueued:
    return enqueue(store, ((each, "default") for each in tasks), name=name)


def batch(store: Store, batch_id: int) -> list[TaskResult]:
    with store.read() as connection:
        return results.by_position(connection, batch_id, range(0, 100_000))


def count(store: Store, table: type) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_tasks_are_kept_in_the_order_asked_with_all_they_carry(store: Store):
    asked = [
        Task(question="Z?", target="shop", key="z", priority=5, tags=("a", "b")),
        Task(question="A?", target="shop", model="large"),
    ]
    done = enqueue(store, [(asked[0], "default"), (asked[1], "big")], name="monthly")
    assert (done.added, done.known) == (2, 0)
    with store.read() as connection:
        rows = connection.execute(select(TaskRow.__table__).order_by(TaskRow.id)).all()
        assert connection.scalars(select(BatchRow.name)).all() == ["monthly"]
    assert [(row.question, row.key, row.priority, row.tags, row.model, row.queue) for row in rows] == [
        ("Z?", "z", 5, ["a", "b"], None, "default"),
        ("A?", asked[1].idempotency_key, 0, [], "large", "big"),
    ]
    assert {(row.state, row.attempt, row.token, row.finished_at) for row in rows} == {("queued", 0, 0, None)}
    assert [each.question for each in batch(store, done.batch_id)] == ["Z?", "A?"]


def test_a_repeated_task_is_worked_once_but_stands_at_each_place(store: Store):
    done = put(store, task(1), task(2), task(1), task(3), task(2))
    assert (done.added, done.known) == (3, 2)
    assert [each.question for each in batch(store, done.batch_id)] == [
        "Question 1?",
        "Question 2?",
        "Question 1?",
        "Question 3?",
        "Question 2?",
    ]
    assert count(store, TaskRow) == 3


def test_a_known_task_joins_a_later_batch_as_it_stands(store: Store):
    first = put(store, task(1), task(2))
    [one, _] = [each.task_id for each in batch(store, first.batch_id)]
    finish(store, accepted(claim(store, [one])[one], "SELECT 'kept'"))
    second = put(store, task(3), task(2), task(1))
    assert (second.added, second.known) == (1, 2)
    joined = batch(store, second.batch_id)
    assert [(each.question, each.sql) for each in joined] == [
        ("Question 3?", None),
        ("Question 2?", None),
        ("Question 1?", "SELECT 'kept'"),
    ]
    assert state(store, one) == "accepted", "it is not worked again"
    assert count(store, TaskRow) == 3


def test_the_key_decides_not_the_question(store: Store):
    put(store, task("first", key="k"))
    again = put(store, task("second", key="k"), task("first"))
    assert (again.added, again.known) == (1, 1)
    assert [each.question for each in batch(store, again.batch_id)] == ["Question first?", "Question first?"]


def test_duplicates_are_found_across_chunks(store: Store):
    done = put(store, *(task(number % (CHUNK - 1)) for number in range(2 * CHUNK + 5)))
    assert (done.added, done.known) == (CHUNK - 1, CHUNK + 6)
    questions = [each.question for each in batch(store, done.batch_id)]
    assert questions == [f"Question {number % (CHUNK - 1)}?" for number in range(2 * CHUNK + 5)]


def test_an_error_half_way_leaves_nothing(store: Store):
    def broken() -> Iterator[tuple[Task, str]]:
        for number in range(CHUNK + 10):
            yield task(number), "default"
        raise OSError("the file ended early")

    with pytest.raises(OSError, match="ended early"):
        enqueue(store, broken())
    assert (count(store, TaskRow), count(store, BatchRow), count(store, BatchItemRow)) == (0, 0, 0)


def test_an_unknown_target_leaves_nothing(store: Store):
    with pytest.raises(IntegrityError):
        put(store, task(1), Task(question="Q?", target="nowhere"))
    assert (count(store, TaskRow), count(store, BatchRow)) == (0, 0)


@pytest.mark.parametrize(
    "question",
    [
        "Umsatz je Straße in Ærøskøbing?",
        "🛒🛒 \U0010ffff ﷽",
        "right\u202eleft \u200b zero e\u0301 é",
        "'; DROP TABLE tasks; -- \" \\ %s %(a)s :name {x} $1 ?",
        "line\r\nbreak\ttab \x01\x1f\x7f\x85\u2028",
        "x" * 8_000,
        "🛒" * 8_000,
    ],
)
def test_odd_text_comes_back_as_it_was_asked(store: Store, question: str):
    asked = Task(question=question, target="shop", key=question[:500], tags=(question[:100], "\x00"[:0]))
    done = put(store, asked)
    [kept] = batch(store, done.batch_id)
    assert (kept.question, kept.key) == (asked.question, asked.key)
    assert put(store, asked).known == 1


def test_fifty_thousand_tasks_fit_in_one_call(store: Store):
    done = enqueue(store, ((task(number), "default") for number in range(50_000)))
    assert (done.added, done.known, count(store, TaskRow)) == (50_000, 0, 50_000)
    with store.read() as connection:
        last = results.by_position(connection, done.batch_id, range(49_999, 50_100))
    assert [each.question for each in last] == ["Question 49999?"]


def test_producers_at_once_add_each_task_once(store: Store, url: str):
    """In opposite orders, which makes them wait for each other's rows."""
    total = 1_500
    with opened(url) as second:
        start = threading.Barrier(2)

        def produce(which: tuple[Store, range]) -> Enqueued:
            start.wait()
            return enqueue(which[0], ((task(number), "default") for number in which[1]))

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(produce, [(store, range(total)), (second, range(total - 1, -1, -1))]))
    assert count(store, TaskRow) == total
    assert sorted((each.added, each.known) for each in done) == [(0, total), (total, 0)]
    forward, backward = ([each.question for each in batch(store, each.batch_id)] for each in done)
    assert forward == backward[::-1] == [f"Question {number}?" for number in range(total)]


def test_ids_grow_in_the_order_asked(store: Store):
    ids = add(store, 20)
    with store.read() as connection:
        assert list(connection.scalars(text("SELECT id FROM tasks ORDER BY id"))) == ids
        questions = list(connection.scalars(text("SELECT question FROM tasks ORDER BY id")))
    assert questions == [f"Question {number}?" for number in range(20)]
