"""The reconciler between a real queue server and a real store, on both databases."""

import threading

import pytest
from sqlalchemy import select, text, update
from support.postgres import fresh_database
from support.store import add, claim, opened

from farm.queue.connection import connect
from farm.queue.hints import Hints
from farm.queue.job import FarmQueue
from farm.queue.reconciler import Pass, Reconciler
from farm.store import workers
from farm.store.engine import Store, now
from farm.store.states import TaskState
from farm.store.tables import TaskRow

LEASE_SECONDS = 15.0


class Scene:
    """A store, a queue server, and a clock that only moves by hand."""

    def __init__(self, store, connection):
        self.store, self.connection, self.hints = store, connection, Hints(connection)
        self.now = 0.0

    def reconciler(self, name="a", *, window=1000, hints=None, queues=("default",)) -> Reconciler:
        return Reconciler(
            self.store,
            hints or self.hints,
            name=name,
            queues=queues,
            window=window,
            lease_seconds=LEASE_SECONDS,
            max_attempts=3,
            clock=lambda: self.now,
        )

    def run_out(self) -> None:
        """Let every lease be one that ran out, without waiting for it."""
        with self.store.write() as connection:
            connection.execute(update(TaskRow).where(TaskRow.state == "leased").values(leased_until=LONG_AGO))

    def states(self) -> dict[int, str]:
        with self.store.read() as connection:
            return {row.id: row.state for row in connection.execute(select(TaskRow.id, TaskRow.state))}

    def take(self, count=10_000) -> list[int]:
        """The hints as workers take them: popped, with their jobs."""
        jobs = FarmQueue("default", self.connection).jobs[:count]
        self.connection.lpop("rq:queue:default", count)
        return [job.task_id for job in jobs]


LONG_AGO = now().replace(year=2000)


@pytest.fixture(scope="module")
def postgres_store(postgres_url):
    with fresh_database(postgres_url) as url, opened(url) as store:
        yield store


@pytest.fixture
def sqlite_store(sqlite_url):
    with opened(sqlite_url) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgres"])
def scene(request, redis_url):
    store = request.getfixturevalue(f"{request.param}_store")
    if request.param == "postgres":
        with store.write() as connection:
            connection.execute(text("TRUNCATE tasks, batches, batch_items, queues RESTART IDENTITY CASCADE"))
    with connect(redis_url) as connection:
        yield Scene(store, connection)


def test_every_waiting_task_gets_one_hint(scene):
    add(scene.store, 5)
    assert scene.reconciler().tick() == Pass(issued=5)
    assert scene.reconciler().tick() == Pass(issued=0)
    assert scene.take() == [1, 2, 3, 4, 5]


def test_an_empty_store_issues_nothing(scene):
    assert scene.reconciler().tick() == Pass()


def test_the_window_is_bounded_and_refilled_once_half_empty(scene):
    add(scene.store, 25)
    reconciler = scene.reconciler(window=10)
    assert reconciler.tick().issued == 10
    claim(scene.store, scene.take(4))
    assert reconciler.tick().issued == 0
    claim(scene.store, scene.take(1))
    assert reconciler.tick().issued == 5
    assert scene.hints.depth("default") == 10


def test_urgent_tasks_go_to_the_front_of_the_window(scene):
    add(scene.store, 3)
    scene.reconciler().tick()
    add(scene.store, 2, priority=7)
    scene.reconciler().tick()
    assert scene.take() == [4, 5, 1, 2, 3]


def test_a_wiped_queue_server_is_refilled(scene):
    add(scene.store, 5)
    reconciler = scene.reconciler()
    reconciler.tick()
    scene.connection.flushall()
    assert reconciler.tick() == Pass(issued=5)
    assert scene.take() == [1, 2, 3, 4, 5]


def test_a_hint_that_was_taken_and_lost_comes_again(scene):
    add(scene.store, 2)
    reconciler = scene.reconciler()
    reconciler.tick()
    scene.take(1)
    assert reconciler.tick().issued == 1
    assert sorted(scene.take()) == [1, 2]


def test_a_paused_queue_s_hints_are_withdrawn_until_it_is_resumed(scene):
    add(scene.store, 3)
    add(scene.store, 2, queue="big")
    reconciler = scene.reconciler(queues=("default", "big"))
    reconciler.tick()
    with scene.store.write() as connection:
        workers.pause(connection, "default")
    assert reconciler.tick().issued == 0
    assert (scene.hints.depth("default"), scene.hints.depth("big")) == (0, 2)
    assert reconciler.tick().issued == 0
    with scene.store.write() as connection:
        workers.resume(connection, "default")
    assert reconciler.tick().issued == 3


def test_leases_that_ran_out_are_freed_and_hinted_in_the_same_pass(scene):
    add(scene.store, 3)
    claim(scene.store, [1, 2])
    reconciler = scene.reconciler()
    assert reconciler.tick() == Pass(issued=1)
    scene.run_out()
    assert reconciler.tick() == Pass(expired=2, issued=2)
    assert set(scene.states().values()) == {TaskState.QUEUED}


def test_leases_that_hold_stay(scene):
    add(scene.store, 1)
    claim(scene.store, [1])
    reconciler = scene.reconciler()
    for _ in range(3):
        scene.now += 1.0
        assert reconciler.tick() == Pass()
    assert scene.states() == {1: TaskState.LEASED}


def test_the_third_lost_lease_is_the_task_s_last(scene):
    add(scene.store, 1)
    reconciler = scene.reconciler()
    for _ in range(3):
        assert scene.states() == {1: TaskState.QUEUED}
        claim(scene.store, [1])
        scene.run_out()
        assert reconciler.tick().expired == 1
    assert scene.states() == {1: TaskState.DEAD}


def test_one_lease_passes_after_an_outage_before_anything_expires(scene):
    add(scene.store, 1)
    claim(scene.store, [1])
    reconciler = scene.reconciler()
    reconciler.tick()
    scene.now += 30.0  # nothing could be renewed meanwhile
    scene.run_out()
    assert reconciler.tick().expired == 0
    for _ in range(14):
        scene.now += 1.0
        assert reconciler.tick().expired == 0
    scene.now += 1.1
    assert reconciler.tick().expired == 1


def test_a_store_that_is_away_is_waited_for_and_then_given_a_lease_s_time(scene, caplog):
    add(scene.store, 1)
    claim(scene.store, [1])
    reconciler = scene.reconciler()
    reconciler.tick()
    scene.run_out()
    with Store.open("postgresql://127.0.0.1:1/nowhere") as nowhere:
        reconciler._store = nowhere
        for _ in range(20):
            scene.now += 1.0
            assert reconciler.tick() == Pass()
        reconciler._store = scene.store
    assert len([record for record in caplog.records if "waits" in record.message]) == 1
    assert reconciler.tick().expired == 0
    for _ in range(15):
        scene.now += 1.01
        expired = reconciler.tick().expired
    assert expired == 1


def test_leases_expire_while_the_queue_server_is_away(scene, caplog):
    add(scene.store, 1)
    claim(scene.store, [1])
    scene.run_out()
    with connect("unix:///nowhere/redis.sock") as nowhere:
        reconciler = scene.reconciler(hints=Hints(nowhere))
        for _ in range(3):
            assert reconciler.tick() == Pass()
    assert scene.states() == {1: TaskState.QUEUED}
    assert len([record for record in caplog.records if "waits" in record.message]) == 1


def test_it_goes_on_when_the_queue_server_is_back(scene, caplog):
    caplog.set_level("INFO")
    add(scene.store, 1)
    with connect("unix:///nowhere/redis.sock") as nowhere:
        reconciler = scene.reconciler(hints=Hints(nowhere))
        reconciler.tick()
        reconciler._hints = scene.hints
        assert reconciler.tick().issued == 1
    assert [record.message for record in caplog.records][-1] == "reconciler goes on"


def test_of_two_reconcilers_one_issues(scene):
    add(scene.store, 3)
    first, second = scene.reconciler("a"), scene.reconciler("b")
    assert first.tick().issued == 3
    scene.connection.ltrim("rq:queue:default", 1, 0)
    assert second.tick().issued == 0
    assert first.tick().issued == 3


def test_the_other_reconciler_takes_over_from_one_that_died(scene):
    add(scene.store, 3)
    scene.reconciler("a").tick()
    scene.connection.flushall()  # the leader's key runs out as well
    assert scene.reconciler("b").tick().issued == 3


def test_two_reconcilers_that_both_expire_free_each_lease_once(scene):
    add(scene.store, 50)
    claim(scene.store, range(1, 51))
    scene.run_out()
    freed, start = [], threading.Barrier(2)

    def run(name):
        start.wait()
        freed.append(scene.reconciler(name).tick().expired)

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(freed) == 50
    assert set(scene.states().values()) == {TaskState.QUEUED}
    assert sorted(scene.take()) == list(range(1, 51))


def test_foreign_entries_in_the_queue_do_not_disturb(scene):
    scene.connection.rpush("rq:queue:default", "evil", b"\xff\xfe", "task-999")
    add(scene.store, 1)
    assert scene.reconciler().tick().issued == 1


def test_a_key_of_the_wrong_kind_is_waited_out(scene):
    add(scene.store, 1)
    scene.connection.set("rq:queue:default", "no list")
    reconciler = scene.reconciler()
    assert reconciler.tick() == Pass()
    scene.connection.delete("rq:queue:default")
    assert reconciler.tick().issued == 1
