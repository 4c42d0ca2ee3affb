"""Counters: as many as the tables say, to the last task; never less than before, whatever happens since."""

import contextlib
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from support.metrics import Samples, disagreements, scraped
from support.store import (
    accepted,
    add,
    answer,
    claim,
    end,
    expire,
    failed_call,
    finish,
    rejected,
    save_answer,
    save_failed_call,
)

from farm.store import counters, migrate, rollup, runs, steering, workers
from farm.store.counted import answered, of_json
from farm.store.engine import Store, now
from farm.store.tables import CounterStepRow, TaskRow, WorkerRow
from farm.store.task_selection import Selection

SLOT = {"slot": "default-1", "host": "here", "pid": 42, "queue": "default"}


@pytest.fixture
def busy(store: Store) -> Store:
    """Every way to end, calls of two models that answer and fail, workers that end, runs."""
    ids = add(store, 9)
    held = claim(store, ids[:5])
    save_answer(store, *(answer(task_id, latency_ms=80.0 * task_id) for task_id in ids[:3]))
    save_answer(store, answer(ids[3], model="large-model", cost_usd=None, latency_ms=400_000.0))
    save_failed_call(store, failed_call(ids[0]), failed_call(ids[1], code="timeout", prompt_tokens=None))
    finish(store, accepted(held[ids[0]]), accepted(held[ids[1]]), rejected(held[ids[2]], "no_sql"))
    finish(store, rejected(held[ids[3]], "unknown_column"))
    claim(store, [ids[5]], lease_seconds=-1, max_attempts=1)
    expire(store, max_attempts=1)
    with store.write() as connection:
        assert steering.stop(connection, [ids[4]], worker="w1") == 1
        assert (
            steering.cancel_tasks(connection, Selection(states=steering.CANCELLABLE, task_ids=(ids[6],))) == 1
        )
        for name, reason in (("w1", "killed by SIGKILL"), ("w2", "stopped")):
            workers.register(connection, name=name, **SLOT)
            end(connection, name, reason, wanted=reason == "stopped")
        query = connection.execute(text("SELECT min(id) FROM queries")).scalar_one()
        for state in ("done", "failed", "running"):
            run(connection, query, state)
    return store


def run(connection: Any, query_id: int, state: str) -> None:
    new = runs.NewRun(
        query_id=query_id,
        version=1,
        target="shop",
        sql="SELECT 1",
        parameters={},
        started_by=None,
        row_limit=10,
        timeout_seconds=1.0,
    )
    run_id = runs.start(connection, new)
    if state == "done":
        assert runs.finish(connection, run_id, columns=[], rows=[], truncated=False, duration_ms=1.0)
    if state == "failed":
        assert runs.fail(connection, run_id, "it broke")
        assert not runs.fail(connection, run_id, "it broke"), "and counts once"


def fold_all(store: Store) -> None:
    while counters.fold(store, most=3):
        pass


def counting(said: Samples) -> Samples:
    """Those samples that must never fall."""
    endings = ("_total", "_bucket", "_count", "_sum")
    return {name: value for name, value in said.items() if name[0].endswith(endings)}


def fallen(before: Samples, store: Store) -> list[tuple[str, ...]]:
    after = scraped(store)
    return [name for name, value in counting(before).items() if after.get(name, -1.0) < value]


def test_they_say_what_the_tables_say_to_the_last_task(busy: Store):
    assert disagreements(busy) == []
    said = scraped(busy)
    assert said["sqlfarm_tasks_ended_total", "reason=attempts", "state=dead"] == 1
    assert said["sqlfarm_worker_ends_total", "kind=killed"] == 1
    assert said["sqlfarm_worker_ends_total", "kind=wanted"] == 1
    assert said[("sqlfarm_runs_running",)] == 1
    fold_all(busy)
    assert disagreements(busy) == []
    assert counting(scraped(busy)) == counting(said)


def test_they_never_fall_whatever_happens_to_the_rows(busy: Store):
    """A requeue, folding, sums of the pages, old minutes and workers that are let go, and another end."""
    before = scraped(busy)
    with busy.write() as connection:
        requeued = steering.requeue(connection, Selection(states=steering.REQUEUEABLE))
    assert requeued == 5
    assert fallen(before, busy) == []
    ended = ("sqlfarm_tasks_ended_total", "reason=no_sql", "state=rejected")
    assert scraped(busy)[ended] == before[ended] == 1
    fold_all(busy)
    with busy.write() as connection:
        long_ago = now() - timedelta(days=60)
        connection.execute(
            update(TaskRow).values(finished_at=long_ago).where(TaskRow.finished_at.is_not(None))
        )
        connection.execute(update(WorkerRow).values(ended_at=long_ago))
        workers.register(connection, name="w3", **SLOT)
        assert connection.scalars(select(WorkerRow.name)).all() == ["w3"]
    while rollup.advance(busy):
        pass
    rollup.settle(busy, now().replace(hour=0, minute=0, second=0, microsecond=0))
    assert fallen(before, busy) == []
    again = claim(busy, [first_waiting(busy)])
    finish(busy, *(rejected(one, "no_sql") for one in again.values()))
    assert fallen(before, busy) == []
    said = scraped(busy)
    total = sum(value for name, value in said.items() if name[0] == "sqlfarm_tasks_ended_total")
    arrivals = ("sqlfarm_tasks_enqueued_total", "sqlfarm_tasks_requeued_total")
    came = sum(value for name, value in said.items() if name[0] in arrivals)
    assert came - total == said["sqlfarm_tasks", "state=queued"] + said["sqlfarm_tasks", "state=leased"]


def first_waiting(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(text("SELECT min(id) FROM tasks WHERE state = 'queued'")).scalar_one())


def test_what_is_rolled_back_or_repeated_counts_once_at_most(store: Store):
    [task_id] = add(store)
    with contextlib.suppress(RuntimeError), store.write() as connection:
        counters.add(connection, answered([answer(task_id)]))
        raise RuntimeError
    save_answer(store, answer(task_id, raw="first"), answer(task_id, raw="second"))
    save_answer(store, answer(task_id, raw="third"), answer(task_id, 2))
    call = failed_call(task_id)
    save_failed_call(store, call)
    save_failed_call(store, call)
    old = claim(store, [task_id], "w1", lease_seconds=-1)[task_id]
    expire(store)
    new = claim(store, [task_id], "w2")[task_id]
    finish(store, accepted(old), accepted(new))
    finish(store, accepted(new))
    assert disagreements(store) == []
    assert scraped(store)["sqlfarm_model_calls_total", "model=stub-model"] == 2


def test_several_that_fold_at_once_lose_and_double_nothing(store: Store):
    ids = add(store, 40)
    for task_id in ids:
        save_answer(store, answer(task_id, cost_usd=0.1 + task_id / 3_000_000))
    before = scraped(store)
    threads = [threading.Thread(target=fold_all, args=(store,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    seen = [scraped(store) for _ in range(5)]
    for thread in threads:
        thread.join(30)
    fold_all(store)
    assert all(counting(one) == counting(before) for one in [*seen, scraped(store)])
    with store.read() as connection:
        assert connection.scalars(select(CounterStepRow.id)).all() == []


def test_a_store_of_an_older_version_is_counted_as_if_it_always_had_been(busy: Store):
    with busy.read() as connection:
        live = counters.read(connection)
    migrate.downgrade(busy, "0012")
    migrate.migrate(busy)
    with busy.read() as connection:
        again = counters.read(connection)
    assert again == live
    assert disagreements(busy) == []


def test_a_step_says_what_one_transaction_counted(store: Store):
    [task_id] = add(store)
    with store.write() as connection:
        connection.execute(delete(CounterStepRow))
    save_answer(store, answer(task_id, latency_ms=12.5))
    with store.read() as connection:
        [amounts] = connection.scalars(select(CounterStepRow.amounts)).all()
    assert of_json(amounts) == {
        ("model_calls", "stub-model"): 1,
        ("model_time_bucket", "stub-model", "0.1"): 1,
        ("model_time_microseconds", "stub-model"): 12_500,
        ("model_prompt_tokens", "stub-model"): 100,
        ("model_completion_tokens", "stub-model"): 10,
        ("model_cost_nanousd", "stub-model"): 500_000_000,
    }
