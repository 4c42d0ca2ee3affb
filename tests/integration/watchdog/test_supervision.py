"""What the watchdog does about workers that are poisoned, stuck, swollen, too many, or set otherwise."""

import os
import signal
import sqlite3
import sys
from collections import Counter
from dataclasses import replace
from io import StringIO

import pytest
from sqlalchemy import select
from support.llm import Fault, Reply
from support.yard import GOOD_SQL

from farm.store import enqueue, workers
from farm.store.engine import Store
from farm.store.tables import WorkerRow
from farm.watchdog.policy import Policy
from farm.watchdog.runner import Runner
from farm.watchdog.watchdog import FarmEnded
from jobs.task import Task

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

QUICK = Policy(first_delay_seconds=0.05, loop_ends=99, give_up_per_slot=99)
SLOW = Reply(text=GOOD_SQL, delay_seconds=0.4)


def lives(yard) -> list[WorkerRow]:
    with yard.store.read() as connection:
        return list(connection.execute(select(WorkerRow.__table__).order_by(WorkerRow.started_at)).all())


def alive(yard) -> Counter[str]:
    return Counter(life.queue for life in lives(yard) if life.ended_at is None)


def scale(yard, queue: str, count: int | None) -> None:
    with yard.store.write() as connection:
        workers.set_scale(connection, queue, count)


def until_settled(yard):
    yield lambda: not yard.states().keys() & {"queued", "leased"}


def test_the_end_of_a_worker_is_stored_when_the_store_takes_it_again(yard, work, monkeypatch):
    monkeypatch.setattr("farm.watchdog.runner.ENDS_RETRY_SECONDS", 0.2)
    yard.ask(2, Reply(text=GOOD_SQL, delay_seconds=300), GOOD_SQL)
    path = yard.database_url.removeprefix("sqlite:///")
    lock = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def scenario():
        yield lambda: yard.llm.in_flight == 2
        lock.execute("BEGIN IMMEDIATE")
        os.kill(lives(yard)[0].pid, signal.SIGKILL)
        yield lambda: "leases are left to expire" in said.getvalue()
        lock.execute("COMMIT")
        yield lambda: lives(yard)[0].end_reason == "killed by SIGKILL"
        yield lambda: yard.all_in("accepted")

    said = StringIO()
    monkeypatch.setattr("farm.watchdog.runner.log.warning", lambda event, **_: said.write(event))
    with Store.open(yard.database_url, busy_timeout_seconds=0.2) as store:
        assert work(yard, scenario(), store=store, lease_seconds=600)
    lock.close()


def test_a_poison_task_dies_alone(both, work):
    """It kills its worker three times; those beside it each time are worked all the same."""
    both.ask(1, "SELECT 'poison' FROM orders")
    both.ask(12, Reply(text=GOOD_SQL, delay_seconds=0.2), start=2)
    initializer = "support.hooks:die_of_poison"
    assert work(both, until_settled(both), policy=QUICK, initializer=initializer, concurrency=13)
    poisoned, *others = both.tasks()
    assert (poisoned.state, poisoned.reason_code, poisoned.attempt) == ("dead", "attempts", 3)
    assert "killed by SIGKILL" in poisoned.reason
    assert {task.state for task in others} == {"accepted"}
    assert len([life for life in lives(both) if life.end_reason == "killed by SIGKILL"]) == 3
    assert both.llm.calls["Question 1?"] == 1, "its answer was stored and not paid for again"


def test_several_poison_tasks_take_no_other_task_with_them(yard, work):
    yard.ask(3, "SELECT 'poison' FROM orders")
    yard.ask(20, Reply(text=GOOD_SQL, delay_seconds=0.1), start=4)
    initializer = "support.hooks:die_of_poison"
    assert work(yard, until_settled(yard), policy=QUICK, initializer=initializer, concurrency=8)
    assert [task.state for task in yard.tasks()] == ["dead"] * 3 + ["accepted"] * 20


def test_a_call_that_never_ends_is_ended_with_its_worker(yard, work, monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("FARM_TEST_MARKER", str(tmp_path / "marker"))
    yard.ask(2)
    assert work(
        yard,
        until_settled(yard),
        policy=Policy(overdue_seconds=1.0),
        initializer="support.hooks:call_for_ever",
        start_method="spawn",  # sees the marker in the environment
        models={"stub-model": {"deadline_seconds": 0.5}},
    )
    assert yard.all_in("accepted")
    first, *others = lives(yard)
    assert "the model call of task" in first.end_reason
    assert first.end_reason.endswith("past its deadline")
    assert first.end_wanted is False
    assert [life.end_reason for life in others] == ["stopped"]


def test_a_worker_that_swells_is_replaced_between_tasks(yard, work):
    yard.llm.delay_seconds = 0.4  # so that it is weighed, once a second, before all is done
    yard.ask(12)
    assert work(
        yard,
        until_settled(yard),
        initializer="support.hooks:leak",
        concurrency=2,
        worker_memory_mib=400,
        worker_memory_limit_mib=4000,
    )
    assert yard.all_in("accepted")
    assert {task.attempt for task in yard.tasks()} == {1}, "nothing was broken off"
    assert set(yard.llm.calls.values()) == {1}
    *replaced, _ = lives(yard)
    assert replaced
    assert all("MiB of memory, and is replaced above 400" in life.end_reason for life in replaced)
    assert {life.end_wanted for life in replaced} == {True}


def test_a_worker_that_swells_beyond_all_bounds_is_killed(yard, work):
    yard.ask(8, SLOW)
    assert work(
        yard,
        until_settled(yard),
        policy=replace(QUICK, recycle_mib=None, kill_mib=400),
        initializer="support.hooks:leak",
        concurrency=1,
        max_attempts=10,
    )
    assert yard.all_in("accepted")
    killed = [life for life in lives(yard) if life.end_wanted is False]
    assert killed
    assert all("more than the 400 it may" in life.end_reason for life in killed)


def test_a_worker_is_replaced_after_its_number_of_tasks(yard, work):
    yard.ask(30, SLOW)
    assert work(yard, until_settled(yard), concurrency=4, worker_max_tasks=10)
    assert yard.all_in("accepted")
    assert {task.attempt for task in yard.tasks()} == {1}
    assert any(life.end_reason.startswith("it has worked ") for life in lives(yard))


def test_a_pool_is_scaled_up_and_down_while_it_works(yard, work):
    yard.ask(60, SLOW)

    def scenario():
        yield lambda: alive(yard) == {"default": 1}
        scale(yard, "default", 3)
        yield lambda: alive(yard) == {"default": 3}
        scale(yard, "default", 1)
        yield lambda: alive(yard) == {"default": 1}
        scale(yard, "default", None)
        yield lambda: yard.all_in("accepted")

    assert work(yard, scenario(), concurrency=4)
    assert {task.attempt for task in yard.tasks()} == {1}, "scaling down broke nothing off"
    assert set(yard.llm.calls.values()) == {1}
    assert [life.end_reason for life in lives(yard)].count("scaled down") == 2


def test_a_pool_scaled_to_nothing_waits_until_it_is_scaled_up_again(yard, work):
    scale(yard, "default", 0)
    yard.ask(3)

    def scenario():
        yield lambda: True
        yield lambda: yard.states() == {"queued": 3}
        scale(yard, "default", 2)
        yield lambda: yard.all_in("accepted")

    assert work(yard, scenario())


def test_settings_are_read_again_at_sighup(yard):
    """The worker is replaced by one that asks another model; its calls in flight come to their end."""
    yard.ask(4, SLOW)
    told = []

    def until() -> bool:
        if not told and yard.llm.in_flight == 4:
            told.append("changed")
            os.kill(os.getpid(), signal.SIGHUP)
        if len(told) == 1 and yard.all_in("accepted"):
            told.append("more")
            yard.ask(2, start=5)
        return len(told) == 2 and yard.all_in("accepted")

    changed = yard.settings(concurrency=5, pools={"big": {"model": "stub-model", "workers": 1}})
    with Runner(yard.settings(), yard.store, reload=lambda: changed) as runner:
        assert runner.work(until=until)
    assert set(yard.llm.calls.values()) == {1}
    assert "its settings have changed" in [life.end_reason for life in lives(yard)]
    assert {life.queue for life in lives(yard)} == {"default", "big"}


def test_settings_that_cannot_be_used_leave_everything_as_it_is(yard):
    from farm.errors import BadSetting

    def reload():
        raise BadSetting("bad settings: workers: not a number")

    yard.ask(2, SLOW)
    told = []

    def until() -> bool:
        if not told and yard.llm.in_flight:
            told.append(1)
            os.kill(os.getpid(), signal.SIGHUP)
        return yard.all_in("accepted")

    with Runner(yard.settings(), yard.store, reload=reload) as runner:
        assert runner.work(until=until)
    assert len(lives(yard)) == 1


def test_a_pool_whose_model_is_unknown_stops_and_the_others_go_on(yard):
    pools = {"big": {"model": "no-such-model", "workers": 1}}
    yard.ask(3)
    yard.llm.answer("Which one?", Fault.MODEL_NOT_FOUND)
    enqueue.enqueue(yard.store, [(Task(question="Which one?", target="shop"), "big")])
    with (
        pytest.raises(FarmEnded, match=r"pool big stopped: .*FARM_MODEL"),
        Runner(yard.settings(pools=pools), yard.store) as runner,
    ):
        runner.work(until=lambda: bool(runner._watchdog.closed) and runner.settled())
    assert yard.states() == {"accepted": 3, "queued": 1}
    assert {row.attempt for row in yard.tasks() if row.state == "queued"} == {0}
