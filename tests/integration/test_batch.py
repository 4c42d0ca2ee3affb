"""The tasks of one enqueue call: results in order while they settle out of order, progress, cancel."""

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.store import accepted, claim, finish, opened, rejected, task

from farm.batch import PAGE, Batch
from farm.errors import NotFound
from farm.store import enqueue
from farm.store.engine import Store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened(database_url) as store:
        yield store


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    with opened(f"sqlite:///{tmp_path / 'farm.db'}") as store:
        yield store


def enqueued(store: Store, count: int) -> tuple[Batch, list[int]]:
    tasks = [(task(number), "default") for number in range(count)]
    batch = Batch(store, enqueue.enqueue(store, tasks).batch_id)
    return batch, [result.task_id for result in batch.results(wait=False)]


def settle(store: Store, task_id: int, *, well: bool = True) -> None:
    claimed = claim(store, [task_id])[task_id]
    finish(store, accepted(claimed, f"SELECT {task_id}") if well else rejected(claimed))


def test_results_come_in_the_order_asked_while_tasks_settle_in_another(store: Store):
    batch, ids = enqueued(store, 5)
    seen: queue.Queue[int] = queue.Queue()

    def consume() -> None:
        for result in batch.results(timeout_seconds=30):
            seen.put(result.task_id)

    consumer = threading.Thread(target=consume)
    consumer.start()
    for place in (2, 4):
        settle(store, ids[place])
    with pytest.raises(queue.Empty):
        seen.get(timeout=0.3)
    settle(store, ids[0])
    assert seen.get(timeout=20) == ids[0], "it comes as soon as it has settled"
    settle(store, ids[1], well=False)
    assert [seen.get(timeout=20), seen.get(timeout=20)] == ids[1:3]
    settle(store, ids[3])
    consumer.join(20)
    assert [seen.get_nowait(), seen.get_nowait()] == ids[3:]


def test_each_result_tells_how_its_task_ended(store: Store):
    batch, (good, bad, waiting) = enqueued(store, 3)
    settle(store, good)
    settle(store, bad, well=False)
    first, second, third = batch.results(wait=False)
    assert (first.state, first.sql) == ("accepted", f"SELECT {good}")
    assert (second.state, second.reason_code, second.sql) == ("rejected", "syntax", None)
    assert (third.task_id, third.state, third.settled) == (waiting, "queued", False)


def test_waiting_too_long_says_which_task_and_what_to_look_at(store: Store):
    batch, ids = enqueued(store, 3)
    settle(store, ids[0])
    results = batch.results(timeout_seconds=0.2)
    assert next(results).task_id == ids[0]
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=rf"task {ids[1]} is still queued after 0\.2 s.*farm status"):
        next(results)
    assert 0.2 <= time.monotonic() - begun < 5


def test_after_a_timeout_the_results_can_be_asked_for_again(store: Store):
    batch, ids = enqueued(store, 2)
    with pytest.raises(TimeoutError):
        list(batch.results(timeout_seconds=0))
    for task_id in ids:
        settle(store, task_id)
    assert [result.task_id for result in batch.results(timeout_seconds=5)] == ids


def test_the_time_allowed_is_for_each_next_task_not_for_all(sqlite_store: Store):
    batch, ids = enqueued(sqlite_store, 4)

    def work() -> None:
        for task_id in ids:
            time.sleep(0.3)
            settle(sqlite_store, task_id)

    worker = threading.Thread(target=work)
    worker.start()
    assert [result.task_id for result in batch.results(timeout_seconds=1.1)] == ids
    worker.join()


def test_more_tasks_than_a_page_come_whole_and_in_order(sqlite_store: Store):
    batch, ids = enqueued(sqlite_store, 2 * PAGE + 3)
    held = claim(sqlite_store, ids)
    finish(sqlite_store, *(accepted(held[each]) for each in ids[: PAGE + 1]))
    assert [result.task_id for result in batch.results(wait=False)] == ids
    results = batch.results(timeout_seconds=0.1)
    assert [next(results).task_id for _ in range(PAGE + 1)] == ids[: PAGE + 1]
    finish(sqlite_store, *(accepted(held[each]) for each in ids[PAGE + 1 :]))
    assert [result.task_id for result in results] == ids[PAGE + 1 :]


def test_a_task_asked_twice_is_told_twice(store: Store):
    pairs = [(task("same"), "default"), (task("other"), "default"), (task("same"), "default")]
    batch = Batch(store, enqueue.enqueue(store, pairs).batch_id)
    questions = [result.question for result in batch.results(wait=False)]
    assert questions == ["Question same?", "Question other?", "Question same?"]
    assert batch.progress().total == 3


def test_progress_grows_to_the_total(store: Store):
    batch, ids = enqueued(store, 3)
    done = []
    for task_id in ids:
        settle(store, task_id, well=task_id != ids[0])
        done.append(batch.progress().done)
    assert done == [1, 2, 3]
    assert (batch.progress().accepted, batch.progress().rejected) == (2, 1)


def test_cancelling_ends_what_waits_and_leaves_what_is_in_work(store: Store):
    batch, ids = enqueued(store, 3)
    claimed = claim(store, [ids[0]])[ids[0]]
    settle(store, ids[1])
    assert batch.cancel() == 1
    assert batch.cancel() == 0
    assert [result.state for result in batch.results(wait=False)] == ["leased", "accepted", "dead"]
    finish(store, accepted(claimed))
    assert [result.state for result in batch.results(timeout_seconds=5)] == ["accepted", "accepted", "dead"]


def test_cancelling_one_batch_leaves_another_alone(store: Store):
    one, _ = enqueued(store, 1)
    pair = [(task("another"), "default")]
    other = Batch(store, enqueue.enqueue(store, pair).batch_id)
    one.cancel()
    assert other.progress().queued == 1


def test_an_unknown_batch_is_said_to_be_so(sqlite_store: Store):
    with pytest.raises(NotFound, match="no batch 7"):
        Batch(sqlite_store, 7).progress()
    assert repr(Batch(sqlite_store, 7)) == "Batch(7)"
