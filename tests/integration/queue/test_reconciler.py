"""The reconciler between a real queue server and a real store, on both databases."""

import re
import sqlite3
import sys
import threading
import time

import pytest
from sqlalchemy import select, text, update
from support.late import LATE_SECONDS
from support.postgres import fresh_database
from support.queue_server import QueueServer
from support.store import add, claim, opened

from farm.queue.connection import connect
from farm.queue.hints import Hints
from farm.queue.job import FarmQueue
from farm.queue.patience import Patience
from farm.queue.reconciler import Pass, Reconciler
from farm.store import tasks, workers
from farm.store.engine import Store, now
from farm.store.states import TaskState
from farm.store.tables import TaskRow

LEASE_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 6.25


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


def test_urgent_tasks_go_in_front_of_a_window_that_is_full(scene):
    add(scene.store, 20)
    reconciler = scene.reconciler(window=10)
    assert reconciler.tick().issued == 10
    urgent = add(scene.store, 3, priority=10)
    assert reconciler.tick().issued == 3
    assert reconciler.tick().issued == 0, "once is enough"
    assert scene.take(3) == urgent


def test_a_queue_that_one_farm_does_not_serve_is_filled_by_another(scene):
    add(scene.store, 5)
    add(scene.store, 5, queue="hard")
    one, other = scene.reconciler("a"), scene.reconciler("b", queues=("default", "hard"))
    assert [one.tick().issued, other.tick().issued] == [5, 5]
    assert scene.hints.depth("hard") == 5


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
    assert len([record for record in caplog.records if "waiting for the store" in record.message]) == 1
    scene.now += LONGEST_PAUSE_SECONDS
    assert reconciler.tick().expired == 0
    for _ in range(14):
        scene.now += 1.0
        assert reconciler.tick().expired == 0
    scene.now += 1.01
    assert reconciler.tick().expired == 1


def test_leases_expire_while_the_queue_server_is_away(scene, caplog):
    add(scene.store, 1)
    claim(scene.store, [1])
    scene.run_out()
    with connect("unix:///nowhere/redis.sock") as nowhere:
        reconciler = scene.reconciler(hints=Hints(nowhere))
        assert reconciler.tick() == Pass(expired=1)
        for _ in range(20):
            scene.now += 1.0
            assert reconciler.tick() == Pass()
    assert scene.states() == {1: TaskState.QUEUED}
    assert len([record for record in caplog.records if "waiting for Redis" in record.message]) == 1


def test_it_goes_on_when_the_queue_server_is_back(scene, caplog):
    caplog.set_level("INFO")
    add(scene.store, 1)
    with connect("unix:///nowhere/redis.sock") as nowhere:
        reconciler = scene.reconciler(hints=Hints(nowhere))
        reconciler.tick()
        reconciler._hints = scene.hints
        scene.now += LONGEST_PAUSE_SECONDS
        assert reconciler.tick().issued == 1
    assert [record.message for record in caplog.records][-1] == "Redis is back after 6 s"


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


@pytest.mark.parametrize(
    "key", ["rq:queue:default", "rq:queues", "farm:reconciler:default", "rq:job:task-1", "farm:set-aside"]
)
def test_a_key_of_the_wrong_kind_is_set_aside_and_its_place_taken(scene, key):
    add(scene.store, 3)
    wrong = {"rq:queues": "string", "rq:queue:default": "hash"}.get(key, "set")
    plant(scene.connection, key, wrong)
    if key == "farm:set-aside":
        plant(scene.connection, "rq:queue:default", "string")
    assert scene.reconciler().tick().issued == 3
    assert sorted(set(scene.take())) == [1, 2, 3]
    (kept,) = scene.connection.lrange("farm:set-aside", 0, -1)
    assert scene.connection.type(kept).decode() in (wrong, "string")
    assert 0 < scene.connection.ttl(kept) <= 24 * 3600
    assert scene.hints.set_aside() == 1


def plant(connection, key, kind) -> None:
    """A key of a type that nobody expects there."""
    {
        "string": lambda: connection.set(key, "x"),
        "set": lambda: connection.sadd(key, "x"),
        "hash": lambda: connection.hset(key, "x", "y"),
    }[kind]()


def test_a_paused_queue_of_the_wrong_kind_is_no_trouble(scene, caplog):
    scene.connection.set("rq:queue:default", "no list")
    with scene.store.write() as connection:
        workers.pause(connection, "default")
    assert scene.reconciler().tick() == Pass()
    assert not [record for record in caplog.records if "waiting" in record.message]


@pytest.mark.parametrize("ttl_ms", [None, 10_000_000])
def test_a_leader_that_nobody_is_does_not_lead_for_ever(scene, ttl_ms):
    add(scene.store, 1)
    scene.connection.set("farm:reconciler:default", "someone else", px=ttl_ms)
    reconciler = scene.reconciler()
    assert reconciler.tick().issued == 0
    assert 0 < scene.connection.pttl("farm:reconciler:default") <= 5_000
    scene.connection.pexpire("farm:reconciler:default", 1)
    while scene.connection.exists("farm:reconciler:default"):
        pass
    assert reconciler.tick().issued == 1


def test_a_leader_that_leads_is_not_kept_in_office_by_those_who_ask(scene):
    scene.connection.set("farm:reconciler:default", "b", px=900)
    scene.reconciler("a").tick()
    assert scene.connection.pttl("farm:reconciler:default") <= 900


def test_a_queue_that_redis_refuses_does_not_stop_the_others(scene, caplog):
    add(scene.store, 1, queue="big")
    add(scene.store, 1)
    admin = scene.connection
    admin.execute_command(
        "ACL",
        "SETUSER",
        "half",
        "on",
        ">pw",
        "+@all",
        "~rq:queue:default",
        "~rq:queues",
        "~rq:job:*",
        "~farm:*",
    )
    try:
        with connect(admin.connection_pool.connection_kwargs["path"].join(("unix://half:pw@", ""))) as half:
            reconciler = scene.reconciler(hints=Hints(half), queues=("big", "default"))
            reconciler.tick()
    finally:
        admin.execute_command("ACL", "DELUSER", "half")
    assert scene.hints.depth("default") == 1
    assert ["permission" in record.message.lower() for record in caplog.records] == [True]


def test_what_ran_out_while_the_store_itself_hung_is_given_a_lease_s_time(tmp_path, redis_url):
    """Another program has the store for longer than a lease; at its end the reconciler's turn comes first."""
    path = tmp_path / "farm.db"
    with opened(f"sqlite:///{path}") as store, connect(redis_url) as connection:
        scene = Scene(store, connection)
        add(store, 1)
        claim(store, [1])
        reconciler = scene.reconciler()
        reconciler.tick()
        scene.run_out()
        holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")

        def let_go():
            scene.now += 60.0
            holder.execute("COMMIT")

        release = threading.Timer(0.5, let_go)
        release.start()
        assert reconciler.tick().expired == 0
        release.join()
        holder.close()
        assert scene.states() == {1: TaskState.LEASED}


def test_a_lease_renewed_while_the_statement_waits_is_kept(scene):
    """What counts is the store's time when the pass began, not when its statement came through."""
    add(scene.store, 1)
    claim(scene.store, [1], lease_seconds=0.2)
    with scene.store.write() as connection:
        limit = tasks.clock(connection)
        time.sleep(0.3)
        assert tasks.expire(connection, max_attempts=3, before=limit) == 0
        assert tasks.expire(connection, max_attempts=3) == 1


@pytest.fixture
def server(tmp_path):
    with QueueServer(tmp_path / "queue-server") as server:
        yield server


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("full", "maxmemory"),
        ("read_only", "read only"),
        ("locked", "auth"),
        ("forbidding", "permissions"),
        ("gone", "refused|No such file"),
    ],
)
def test_it_waits_for_a_server_in_trouble_says_so_once_and_goes_on(
    server, sqlite_store, caplog, trouble, words
):
    caplog.set_level("INFO")
    with connect(server.url) as connection:
        scene = Scene(sqlite_store, connection)
        reconciler = scene.reconciler()
        add(scene.store, 1)
        assert reconciler.tick().issued == 1
        add(scene.store, 1)
        claim(scene.store, [1])
        connection.delete("rq:queue:default")
        with getattr(server, trouble)():
            for number in range(40):
                if number == 10:
                    scene.run_out()
                scene.now += 1.0
                assert reconciler.tick() == Pass(expired=1 if number == 10 else 0)
        scene.now += LONGEST_PAUSE_SECONDS
        assert reconciler.tick().issued == 2
    first, last = [record.message for record in caplog.records if record.name == "farm.queue.reconciler"]
    assert first.startswith("waiting for Redis: ")
    assert re.search(words, first, re.IGNORECASE)
    assert last == "Redis is back after 45 s"


@pytest.mark.skipif(sys.platform == "win32", reason="freezes a process with a Unix signal")
def test_leases_expire_while_the_queue_server_hangs(server, sqlite_store, caplog):
    """Redis takes its time to fail; that is no outage of the store."""
    with connect(server.url, timeout_seconds=0.3) as connection:
        scene = Scene(sqlite_store, connection)
        reconciler = scene.reconciler()
        reconciler._patience, reconciler._clock = Patience(0.8), time.monotonic
        add(scene.store, 1)
        reconciler.tick()
        claim(scene.store, [1])
        with server.frozen():
            begun = time.monotonic()
            assert reconciler.tick() == Pass()
            assert 0.5 < time.monotonic() - begun < 2.0 + LATE_SECONDS, "it hung for more than half a lease"
            scene.run_out()
            assert reconciler.tick().expired == 1


def test_it_follows_the_servers_name_to_the_one_that_took_over(server, sqlite_store, tmp_path):
    with connect(server.url) as connection, QueueServer(tmp_path / "other") as other:
        scene = Scene(sqlite_store, connection)
        reconciler = scene.reconciler()
        add(sqlite_store, 2)
        assert reconciler.tick().issued == 2
        with server.read_only():
            assert reconciler.tick().issued == 0, "a replica refuses"
            server.hand_over(other)
            scene.now += LONGEST_PAUSE_SECONDS
            assert reconciler.tick().issued == 2


def test_where_redis_has_no_room_for_a_window_some_hints_come_through(server, sqlite_store):
    with connect(server.url) as connection:
        scene = Scene(sqlite_store, connection)
        add(sqlite_store, 1_000)
        connection.config_set("maxmemory", connection.info("memory")["used_memory"] + 600_000)
        assert scene.reconciler().tick().issued == 0
        assert 100 <= scene.hints.depth("default") < 1_000
