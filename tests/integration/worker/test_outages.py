"""Workers while Redis or the store is away, full, locked, or holds what nobody can use."""

import json
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq.worker import Worker
from support.llm import Reply, StubLLM
from support.queue_server import QueueServer
from support.yard import GOOD_SQL, Yard, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

SLOW = Reply(text=GOOD_SQL, delay_seconds=0.5)
KEYS = {
    "rq:queue:default": "hash",
    "rq:workers": "string",
    "rq:workers:default": "list",
    "rq:worker:w1": "string",
    "rq:worker:w1:executions": "string",
    "rq:wip:default": "string",
    "rq:executions:task-1": "string",
    "rq:job:task-1": "string",
    "farm:refused": "string",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueueServer]:
    with QueueServer(tmp_path / "queue-server") as server:
        yield server


@pytest.fixture
def alone(tmp_path: Path, sqlite_url: str, server: QueueServer, llm: StubLLM) -> Iterator[Yard]:
    """A yard whose queue server is the test's own."""
    with Yard(home=tmp_path, database_url=sqlite_url, redis_url=server.url, llm=llm) as yard:
        yield yard


def plant(redis, key: str, kind: str) -> None:
    redis.delete(key)
    {
        "string": lambda: redis.set(key, "x"),
        "hash": lambda: redis.hset(key, "x", "y"),
        "list": lambda: redis.rpush(key, "x"),
    }[kind]()


def said(yard: Yard, *words: str) -> list[str]:
    """The events of all warnings in the log that hold these words."""
    lines = [json.loads(line) for line in yard.logged().splitlines()]
    return [
        line["event"]
        for line in lines
        if line["level"] in ("warning", "error") and all(word in line["event"] for word in words)
    ]


@pytest.mark.parametrize("running", [True, False], ids=["that runs", "that starts"])
def test_no_key_of_the_wrong_kind_stops_a_worker(yard, running):
    if running:
        yard.start(lease_seconds=1)
    for key, kind in KEYS.items():
        plant(yard.redis, key, kind)
    yard.redis.rpush("farm:set-aside", "earlier")
    yard.ask(2)
    yard.redis.rpush("rq:queue:default", "foreign")
    if not running:
        yard.start(lease_seconds=1)

    def hinted() -> bool:
        yard.hint()
        return yard.all_in("accepted")

    wait_until(hinted, "the tasks")
    wait_until(lambda: [w.name for w in Worker.all(connection=yard.redis)] == ["w1"], "it to sign on")
    wait_until(lambda: b"foreign" in yard.redis.lrange("farm:refused", 0, -1), "the foreign entry")
    yard.ask(2, start=3)
    wait_until(lambda: len(yard.queries()) == 4, "further tasks")
    assert set(yard.llm.calls.values()) == {1}
    kept = {name.decode() for name in yard.redis.lrange("farm:set-aside", 0, -1)} - {"earlier"}
    assert {name.removeprefix("farm:set-aside:").rpartition(":")[0] for name in kept} <= set(KEYS)
    assert all(yard.redis.ttl(name) > 0 for name in kept)


JUNK = {
    "binary": b"\xff\x00\xfe",
    "long and binary": b"\xff" * 1_000_000,
    "long": b"x" * 1_000_000,
    "empty": b"",
    "a lookalike": b"task-0",
    "another lookalike": b"task-99999999999999999999",
    "a line break": b"task-1\n",
}


def test_foreign_entries_of_every_kind_are_set_aside_and_counted(yard):
    yard.redis.rpush("rq:queue:default", *JUNK.values(), *JUNK.values())
    yard.ask(1)
    worker = yard.start()
    wait_until(lambda: yard.all_in("accepted"), "the task")
    wait_until(lambda: yard.redis.llen("farm:refused") == 2 * len(JUNK), "every entry to be kept")
    assert max(len(entry) for entry in yard.redis.lrange("farm:refused", 0, -1)) <= 200 * 4
    assert 0 < yard.redis.ttl("farm:refused") <= 24 * 3600
    assert worker.exit_code is None
    assert len(said(yard, "refused a job")) == 2, "once for what is no id, once for what is no job"
    assert len(yard.logged()) < 20_000


DAMAGE = {
    "no payload": {"status": "queued"},
    "junk": {"data": b"\x80\x04\xff", "created_at": b"\xff"},
    "10 MB of payload": {"data": b"x" * 10_000_000},
    "10 MB beside the payload": {"description": b"x" * 10_000_000},
    "another function": {"data": b'["os.system", null, ["true"], {}]'},
}


def test_damaged_jobs_of_tasks_are_set_aside_and_the_tasks_worked(yard):
    questions = yard.ask(len(DAMAGE) + 1)
    for number, (damage, fields) in enumerate(DAMAGE.items(), start=1):
        if damage != "10 MB beside the payload":
            yard.redis.delete(f"rq:job:task-{number}")
        yard.redis.hset(f"rq:job:task-{number}", mapping=fields)
    yard.redis.lpush("rq:queue:default", "task-1")
    yard.start(concurrency=2)

    def hinted() -> bool:
        yard.hint()
        return yard.all_in("accepted")

    wait_until(hinted, "all tasks")
    assert [yard.llm.calls[question] for question in questions] == [1] * len(questions)
    assert said(yard, "waiting for RQ's books") == []
    damaged = {f"task-{number}" for number in range(1, len(DAMAGE) + 1)}
    assert {entry.decode() for entry in yard.redis.lrange("farm:refused", 0, -1)} == damaged
    for name in damaged:
        (kept,) = yard.redis.keys(f"farm:set-aside:rq:job:{name}:*")
        assert yard.redis.ttl(kept) > 0
    assert len(said(yard, "refused a job")) == len(DAMAGE)


@pytest.mark.parametrize("trouble", ["gone", "full", "locked", "frozen"])
def test_tasks_in_flight_end_and_others_are_worked_once_redis_is_well(alone, server, trouble):
    alone.ask(2, Reply(text=GOOD_SQL, delay_seconds=0.8))
    worker = alone.start(concurrency=2, lease_seconds=2)
    wait_until(lambda: alone.llm.in_flight == 2, "two calls")
    with getattr(server, trouble)():
        wait_until(lambda: alone.all_in("accepted"), "the tasks in flight")
    alone.ask(2, start=3)
    wait_until(lambda: alone.states() == {"accepted": 4}, "further tasks")
    wait_until(lambda: Worker.all(connection=alone.redis), "it to be signed on")
    assert worker.exit_code is None
    assert set(alone.llm.calls.values()) == {1}
    assert len(said(alone, "waiting for Redis")) <= 2
    assert said(alone, "missed a heartbeat") == []
    worker.send_signal(signal.SIGTERM)
    assert alone.ended(worker) == 0


def test_hints_that_are_there_are_worked_while_redis_is_full(alone, server):
    questions = alone.ask(3)
    with server.full():
        alone.start(lease_seconds=1)
        wait_until(lambda: alone.all_in("accepted"), "the tasks")
    assert [alone.llm.calls[question] for question in questions] == [1, 1, 1]
    wait_until(lambda: Worker.all(connection=alone.redis), "it to sign on when there is room")
    assert len(said(alone, "waiting for RQ's books in Redis")) == 1


def test_a_worker_follows_the_servers_name_to_the_one_that_took_over(alone, server, tmp_path):
    alone.ask(1)
    worker = alone.start()
    wait_until(lambda: alone.all_in("accepted"), "the first task")
    with QueueServer(tmp_path / "other") as other, server.read_only():
        wait_until(lambda: said(alone, "read only replica"), "a replica to refuse")
        server.hand_over(other)
        alone.redis.connection_pool.disconnect()
        alone.ask(1, start=2)
        wait_until(lambda: alone.states() == {"accepted": 2}, "the second task")
        assert worker.exit_code is None


def test_a_worker_that_hangs_with_its_queue_server_ends_in_time(alone, server):
    alone.ask(1, Reply(text=GOOD_SQL, delay_seconds=300))
    worker = alone.start(grace_seconds=0.2)
    wait_until(lambda: alone.llm.in_flight == 1, "the call")
    with server.frozen():
        worker.send_signal(signal.SIGTERM)
        assert alone.ended(worker, seconds=10) == 0
        assert alone.states() == {"queued": 1}


class Holder:
    """Another program that keeps a SQLite store from being written."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_: object) -> None:
        self._connection.execute("COMMIT")
        self._connection.close()


@pytest.mark.parametrize("busy_timeout_seconds", [0.1, 30], ids=["that refuses", "that hangs"])
def test_while_the_store_is_away_no_more_is_paid_than_is_in_flight(yard, busy_timeout_seconds):
    yard.ask(12, SLOW)
    worker = yard.start(concurrency=4, lease_seconds=3, busy_timeout_seconds=busy_timeout_seconds)
    wait_until(lambda: yard.llm.in_flight == 4, "four calls")
    with Holder(yard.home / "farm.db"):
        wait_until(lambda: not yard.llm.in_flight, "their answers")
        for _ in range(30):
            yard.hint()
            wait_until(lambda: True, "a moment")
            assert sum(yard.llm.calls.values()) == 4
    wait_until(lambda: yard.all_in("accepted"), "all tasks")
    assert set(yard.llm.calls.values()) == {1}
    assert worker.exit_code is None
    assert len(said(yard, "waiting for the store")) <= 1


def test_a_worker_stopped_while_the_store_is_away_ends_in_time_and_its_answers_are_stored_later(yard):
    yard.ask(3, SLOW)
    worker = yard.start(concurrency=4, grace_seconds=0.5, lease_seconds=1)
    wait_until(lambda: yard.llm.in_flight == 3, "three calls")
    with Holder(yard.home / "farm.db"):
        wait_until(lambda: not yard.llm.in_flight, "their answers")
        worker.send_signal(signal.SIGTERM)
        assert yard.ended(worker, seconds=15) == 0
        assert yard.answers() == []
    assert len(said(yard, "3 paid answers wait in")) == 1
    yard.start("w2", lease_seconds=1)
    wait_until(lambda: len(yard.answers()) == 3, "their answers to be stored")

    def worked() -> bool:
        yard.expire()
        yard.hint()
        return yard.all_in("accepted")

    wait_until(worked, "the tasks")
    assert set(yard.llm.calls.values()) == {1}, "nothing was paid twice"
    assert not list((yard.home / "unsaved").iterdir())
