"""What operators see: tasks by state, queues, living workers, and what was spent."""

from datetime import timedelta
from typing import Any

import pytest
import yaml
from sqlalchemy import update
from support.compose import ROOT
from support.store import (
    accepted,
    add,
    answer,
    claim,
    end,
    failed_call,
    finish,
    save_answer,
    save_failed_call,
)

from farm.store import enqueue, rollup, status, workers
from farm.store.engine import Store, now
from farm.store.status import QueueStatus, Spent
from farm.store.tables import TaskRow, WebhookRow, WorkerRow


def born(store: Store, name: str, slot: str = "default-1", host: str = "here") -> None:
    with store.write() as connection:
        workers.register(connection, name=name, slot=slot, host=host, pid=42, queue="default")


def change(store: Store, name: str, **values: Any) -> None:
    with store.write() as connection:
        connection.execute(update(WorkerRow).where(WorkerRow.name == name).values(**values))


def alive(store: Store) -> list[status.WorkerStatus]:
    with store.read() as connection:
        return status.workers(connection)


def test_tasks_are_counted_in_every_state(store: Store):
    with store.read() as connection:
        assert set(status.tasks_by_state(connection).values()) == {0}
    ids = add(store, 4)
    held = claim(store, ids[:2])
    finish(store, accepted(held[ids[0]]))
    with store.read() as connection:
        assert status.tasks_by_state(connection) == {
            "queued": 2,
            "leased": 1,
            "accepted": 1,
            "rejected": 0,
            "dead": 0,
        }


def test_queues_tell_what_waits_and_for_how_long(store: Store):
    old, *_ = add(store, 2)
    claim(store, add(store, 1, queue="busy"))
    add(store, 1, queue="orphaned")
    with store.write() as connection:
        an_hour_ago = now() - timedelta(hours=1)
        connection.execute(update(TaskRow).where(TaskRow.id == old).values(created_at=an_hour_ago))
    with store.read() as connection:
        default, busy, orphaned = status.queues(connection, ["default", "busy"])
    assert (default.name, default.depth) == ("default", 2)
    assert default.oldest_seconds is not None
    assert 3_600 <= default.oldest_seconds < 3_700
    assert busy == QueueStatus(name="busy", depth=0, oldest_seconds=None)
    assert (orphaned.name, orphaned.depth) == ("orphaned", 1), "also one that no pool serves"


def test_a_living_worker_is_shown_with_its_work(store: Store):
    born(store, "w1")
    with store.write() as connection:
        workers.beat(connection, "w1", state="busy", in_flight=7, tasks_done=99)
    [worker] = alive(store)
    assert (worker.name, worker.pid, worker.queue, worker.host) == ("w1", 42, "default", "here")
    assert (worker.state, worker.in_flight, worker.tasks_done) == ("busy", 7, 99)
    assert 0 <= worker.heartbeat_age_seconds < 30
    assert (worker.restarts, worker.last_end_reason) == (0, None)


def test_workers_that_ended_or_fell_silent_are_not_shown(store: Store):
    for name in ("ended", "silent", "here"):
        born(store, name)
    with store.write() as connection:
        end(connection, "ended", "killed")
    change(store, "silent", heartbeat_at=now() - timedelta(minutes=6))
    assert [worker.name for worker in alive(store)] == ["here"]


def test_restarts_count_the_earlier_lives_of_a_slot_in_the_last_hour(store: Store):
    for name in ("a", "b", "c", "d", "e"):
        born(store, name)
    born(store, "elsewhere", host="there")
    born(store, "neighbour", slot="default-2")
    with store.write() as connection:
        for name, reason in [("a", "crashed"), ("b", "hung"), ("c", "stopped"), ("d", "old")]:
            end(connection, name, reason, wanted=reason == "stopped")
    change(store, "d", ended_at=now() - timedelta(hours=2))
    restarts = {worker.name: (worker.restarts, worker.last_end_reason) for worker in alive(store)}
    assert restarts == {"e": (2, "hung"), "elsewhere": (0, None), "neighbour": (0, None)}


def test_ends_that_nobody_wanted_are_told_the_latest_first(store: Store):
    with store.write() as connection:
        for name, reason in [("a", "crashed"), ("b", "stopped"), ("c", "hung")]:
            end(connection, name, reason, wanted=reason == "stopped")
    change(store, "a", ended_at=now() - timedelta(minutes=2))
    with store.read() as connection:
        found = status.ends(connection)
    assert [(one.slot, one.host, one.reason) for one in found] == [
        ("default-1", "here", "hung"),
        ("default-1", "here", "crashed"),
    ]
    assert 120 <= found[1].seconds_ago < 150


def test_what_was_spent_is_summed(store: Store):
    with store.read() as connection:
        assert status.spent(connection) == Spent(calls=0, prompt_tokens=0, completion_tokens=0, cost_usd=None)
    first, second = add(store, 2)
    save_answer(store, answer(first), answer(second, cost_usd=None))
    with store.read() as connection:
        assert status.spent(connection) == Spent(
            calls=2, prompt_tokens=200, completion_tokens=20, cost_usd=0.5
        )


def test_calls_that_gave_no_answer_are_spent_too(store: Store):
    first, second = add(store, 2)
    save_answer(store, answer(first))
    lost = failed_call(second, prompt_tokens=None, completion_tokens=None, cost_usd=None)
    save_failed_call(store, failed_call(first), lost)
    with store.read() as connection:
        assert status.spent(connection) == Spent(
            calls=1, failed_calls=2, prompt_tokens=170, completion_tokens=17, cost_usd=0.75
        )


def test_what_is_summed_up_already_is_counted_once(store: Store):
    old, new, lost = add(store, 3)
    an_hour_ago = now() - timedelta(hours=1)
    save_answer(store, answer(old, created_at=an_hour_ago))
    save_failed_call(store, failed_call(lost, created_at=an_hour_ago))
    rollup.advance(store)
    save_answer(store, answer(new))
    with store.read() as connection:
        assert status.spent(connection) == Spent(
            calls=2, failed_calls=1, prompt_tokens=270, completion_tokens=27, cost_usd=1.25
        )


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_webhooks_that_nobody_sends_keep_no_pod(store: Store):
    """The query by which KEDA lets workers come and go."""
    manifests = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "keda.yaml").read_text("utf-8"))
    (query,) = (m["spec"]["triggers"][0]["metadata"]["query"] for m in manifests if "triggers" in m["spec"])

    def pods(due_in: timedelta) -> int:
        with store.write() as connection:
            connection.execute(update(WebhookRow).values(state="pending", next_at=now() + due_in))
        with store.read() as connection:
            return connection.exec_driver_sql(query).scalar_one()

    enqueue.enqueue(store, [], webhook_urls=["https://hooks.example.com/"])
    due = (timedelta(minutes=1), timedelta(seconds=-1), timedelta(hours=-23), timedelta(hours=-25))
    assert [pods(one) for one in due] == [0, 1, 1, 0]
