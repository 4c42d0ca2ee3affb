"""A whole farm of real processes under its watchdog: killed, stopped, wiped, misconfigured."""

import os
import signal
import sys

import psutil
import pytest
from rq.worker import Worker
from sqlalchemy import select
from support.llm import Fault, Reply
from support.metrics import disagreements, scraped
from support.yard import BAD_SQL, GOOD_SQL, wait_until

from farm.errors import Unavailable
from farm.store.tables import WorkerRow
from farm.watchdog.policy import Policy
from farm.watchdog.runner import Runner
from farm.watchdog.watchdog import FarmEnded

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

SLOW = Reply(text=GOOD_SQL, delay_seconds=0.7)
NEVER = Reply(text=GOOD_SQL, delay_seconds=300)


def lives(yard) -> list[WorkerRow]:
    with yard.store.read() as connection:
        return list(connection.execute(select(WorkerRow.__table__).order_by(WorkerRow.started_at)).all())


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_worker_that_is_killed_loses_nothing_and_pays_nothing_twice(both, work):
    """Every task has its first answer stored, and waits for its second, when the worker is killed."""
    both.ask(6, BAD_SQL, NEVER, GOOD_SQL)
    processes = []

    def scenario():
        yield lambda: len(both.answers()) == 6 and both.llm.in_flight == 6
        (worker,) = lives(both)
        processes.extend([worker.pid, *(child.pid for child in psutil.Process(worker.pid).children())])
        os.kill(worker.pid, signal.SIGKILL)
        yield lambda: both.all_in("accepted")

    assert work(both, scenario())
    assert both.answers() == [
        answer for task in range(1, 7) for answer in ((task, 1, BAD_SQL), (task, 2, GOOD_SQL))
    ]
    assert both.queries() == [(task, GOOD_SQL) for task in range(1, 7)]
    assert set(both.llm.calls.values()) == {3}, "one for each stored answer, and the one that was cut off"
    assert {row.attempt for row in both.tasks()} == {2}
    assert [life.end_reason for life in lives(both)] == ["killed by SIGKILL", "stopped"]
    assert disagreements(both.store) == [], "the metrics say what the tables say"
    assert scraped(both.store)["sqlfarm_worker_ends_total", "kind=killed"] == 1
    assert len(processes) == 2
    wait_until(lambda: all(map(gone, processes)), "the checker of the killed worker to go")


def test_a_wiped_queue_server_loses_nothing(yard, work):
    yard.ask(60, Reply(text=GOOD_SQL, delay_seconds=0.05))

    def scenario():
        for done in (10, 30):
            yield lambda: yard.states()["accepted"] >= done  # noqa: B023  called before the next round
            yard.redis.flushall()
        yield lambda: yard.all_in("accepted")
        yield lambda: len(Worker.all(connection=yard.redis)) == 2

    assert work(yard, scenario(), workers=2, concurrency=4, lease_seconds=1.5)
    assert len(yard.queries()) == 60
    assert set(yard.llm.calls.values()) == {1}


def test_a_worker_that_hangs_is_replaced(yard, work):
    yard.ask(3, NEVER, GOOD_SQL)

    def scenario():
        yield lambda: yard.llm.in_flight == 3
        os.kill(lives(yard)[0].pid, signal.SIGSTOP)
        yield lambda: yard.all_in("accepted")

    assert work(yard, scenario(), policy=Policy(silence_seconds=2.5, kill_after_seconds=0.3))
    first, second = lives(yard)
    assert first.end_reason.startswith("no heartbeat for")
    assert gone(first.pid)
    assert second.end_reason == "stopped"


def test_a_worker_that_hangs_shows_where(yard, work, capfd):
    yard.ask(1)

    def scenario():
        yield lambda: yard.all_in("accepted")
        os.kill(lives(yard)[0].pid, signal.SIGABRT)
        yield lambda: lives(yard)[0].end_reason

    assert work(yard, scenario(), start_method="spawn")
    assert lives(yard)[0].end_reason == "killed by SIGABRT"
    assert "most recent call first" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"initializer": "support.yard:fail_to_start"}, "no such model file"),
        ({"initializer": "no_such_module:f"}, "no_such_module"),
        ({"openai_base_url": "localhost:8000"}, "OPENAI_BASE_URL"),
    ],
)
def test_a_farm_whose_workers_cannot_start_ends_with_the_reason(yard, work, changes, words):
    started = []
    yard.ask(1)
    with pytest.raises(FarmEnded, match=words):
        work(yard, iter(lambda: started.append(1) or (lambda: False), None), **changes)
    assert yard.logged().count("cannot go on") == 1, "it was tried again"
    assert yard.states() == {"queued": 1}


def test_a_farm_whose_store_is_missing_ends_with_the_reason(yard, tmp_path):
    settings = yard.settings(database_url=f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(FarmEnded, match="farm migrate"), Runner(settings, yard.store) as runner:
        runner.work()


def test_a_farm_without_its_queue_server_does_not_start(yard):
    settings = yard.settings(redis_url="redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable, match="FARM_REDIS_URL"), Runner(settings, yard.store):
        pass


@pytest.mark.parametrize(
    ("fault", "words"), [(Fault.INVALID_KEY, "OPENAI_API_KEY"), (Fault.MODEL_NOT_FOUND, "FARM_MODEL")]
)
def test_a_closed_route_ends_the_farm_and_leaves_every_task_queued(yard, work, fault, words):
    yard.ask(20, fault)
    with pytest.raises(FarmEnded, match=words):
        work(yard, iter(lambda: lambda: False, None), workers=2, concurrency=4)
    assert yard.states() == {"queued": 20}
    assert {row.attempt for row in yard.tasks()} == {0}
    assert sum(yard.llm.calls.values()) <= 8


def signalled(yard, *numbers):
    """A farm at work that gets these signals, one after the other."""
    yield lambda: yard.llm.in_flight == 3
    first, *others = numbers
    os.kill(os.getpid(), first)
    for number in others:
        wait_until(lambda: "draining" in yard.logged(), "the first to be heard")  # two at once are one
        os.kill(os.getpid(), number)
    yield lambda: False


def test_sigterm_lets_the_tasks_in_flight_end(yard, work):
    yard.ask(5, SLOW)
    before = signal.getsignal(signal.SIGTERM)
    assert not work(yard, signalled(yard, signal.SIGTERM), concurrency=3)
    assert yard.states() == {"accepted": 3, "queued": 2}
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("numbers", "drain"), [((signal.SIGINT, signal.SIGINT), True), ((signal.SIGINT,), False)]
)
def test_a_second_ctrl_c_and_a_farm_that_does_not_drain_stop_at_once(yard, work, numbers, drain):
    yard.ask(5, NEVER)
    assert not work(yard, signalled(yard, *numbers), drain=drain, concurrency=3, grace_seconds=300)
    assert yard.states() == {"queued": 5}
    assert {row.attempt for row in yard.tasks()} == {0}
    assert [life.end_reason for life in lives(yard)] == ["stopped"]


def test_a_farm_is_settled_when_nothing_waits_and_nothing_is_in_work(yard):
    with Runner(yard.settings(), yard.store) as runner:
        assert runner.settled()
        yard.ask(2)
        assert not runner.settled()
        assert runner.work(until=runner.settled)
    assert yard.states() == {"accepted": 2}


def test_workers_of_several_pools_take_their_own_queues(yard, work):
    yard.ask(3)

    def scenario():
        yield lambda: yard.all_in("accepted") and len(lives(yard)) == 2

    pools = {"big": {"model": "stub-model-2", "workers": 1}}
    assert work(yard, scenario(), pools=pools)
    assert sorted(life.queue for life in lives(yard)) == ["big", "default"]
