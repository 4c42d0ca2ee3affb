"""Minutes without Redis or the database, in seconds: everything goes on by itself, and is said once."""

import json
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.cli import Cli, wait_until
from support.llm import StubLLM
from support.queue_server import QueueServer

from farm import Farm, Task

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

DDL = "CREATE TABLE orders (id integer PRIMARY KEY, total real)"
GOOD = "SELECT count(*) FROM orders"
TASKS = 80
LEASE_SECONDS = 3
OUTAGE_SECONDS = 4.0
QUESTION = '{"question": "One more?", "target": "shop"}'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueueServer]:
    with QueueServer(tmp_path / "queue-server") as server:
        yield server


@pytest.fixture
def busy(farm: Cli, server: QueueServer, llm: StubLLM) -> Cli:
    """A farm with tasks that wait; its model takes a moment for each."""
    llm.default, llm.delay_seconds = GOOD, 0.5
    cli = farm.with_settings(
        FARM_REDIS_URL=server.url,
        FARM_WORKERS="2",
        FARM_CONCURRENCY="3",
        FARM_LEASE_SECONDS=str(LEASE_SECONDS),
        FARM_GRACE_SECONDS="1",
        FARM_BUSY_TIMEOUT_SECONDS="2",
        FARM_LOG_FILE=str(farm.folder / "log"),
        FARM_LOG_FORMAT="json",
    )
    with Farm.connect(home=farm.home, redis_url=server.url) as here:
        here.add_target("shop", dialect="sqlite", ddl=DDL)
        here.enqueue(Task(question=f"Question {number}?", target="shop") for number in range(TASKS))
    return cli


@contextmanager
def locked(farm: Cli) -> Iterator[None]:
    """Another program keeps the store from being written."""
    other = sqlite3.connect(farm.home / "farm.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("COMMIT")
        other.close()


def said(farm: Cli) -> Counter[tuple[str, str]]:
    """(who, the first words) of each warning and error in the log, and how often."""
    lines = [json.loads(line) for line in (farm.folder / "log").read_text().splitlines()]
    return Counter(
        (line.get("worker", "farm"), line["event"].split(":")[0])
        for line in lines
        if line["level"] in ("warning", "error")
    )


def assert_each_was_worked_and_paid_once(farm: Cli, llm: StubLLM) -> None:
    with Farm.connect(home=farm.home) as here:
        assert [task.state for task in here.tasks()] == ["accepted"] * TASKS
        assert len(list(here.queries())) == TASKS
    assert (len(llm.calls), sum(llm.calls.values())) == (TASKS, TASKS)


def test_a_farm_lives_through_outages_of_either_server(busy: Cli, server: QueueServer, llm: StubLLM) -> None:
    process = busy.start("workers", "--burst")
    wait_until(lambda: sum(llm.calls.values()) > 10, "work has begun")
    with server.gone():
        time.sleep(OUTAGE_SECONDS)
    paid = sum(llm.calls.values())
    assert paid < TASKS, "the outage came too late"
    wait_until(lambda: sum(llm.calls.values()) > paid + 8, "work has gone on")
    with locked(busy):
        wait_until(lambda: not llm.in_flight, "what is in flight")
        paid = sum(llm.calls.values())
        assert paid < TASKS, "the outage came too late"
        time.sleep(OUTAGE_SECONDS)
        assert sum(llm.calls.values()) == paid, "nothing is paid that cannot be stored"
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "nothing is waiting\n"), err
    assert_each_was_worked_and_paid_once(busy, llm)
    waited = said(busy)
    assert {what for _, what in waited} == {"waiting for Redis", "waiting for the store"}
    assert set(waited.values()) == {1}


def test_a_farm_that_is_stopped_without_its_store_ends_and_pays_nothing_twice(
    busy: Cli, llm: StubLLM
) -> None:
    hung = busy.with_settings(FARM_BUSY_TIMEOUT_SECONDS="60")
    process = hung.start("workers", "--burst")
    wait_until(lambda: sum(llm.calls.values()) > 10, "work has begun")
    with locked(busy):
        wait_until(lambda: not llm.in_flight, "what is in flight")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=25)
        assert process.returncode == 130
        assert list((busy.home / "unsaved").iterdir())
    ended = busy("workers", "--burst")
    assert (ended.code, ended.out) == (0, "nothing is waiting\n"), ended.err
    assert list((busy.home / "unsaved").iterdir()) == []
    assert_each_was_worked_and_paid_once(busy, llm)


def test_tasks_are_enqueued_without_redis_and_a_note_says_where_they_wait(
    busy: Cli, server: QueueServer, llm: StubLLM
) -> None:
    for trouble in ("gone", "full"):
        with getattr(server, trouble)():
            ended = busy("enqueue", "-", stdin=QUESTION)
        assert (ended.code, ended.err) == (
            0,
            "Redis does not take them now: the tasks wait in the store, and are worked once it is back\n",
        )
    assert "0 tasks enqueued, 1 known already" in ended.out


def test_without_the_store_nothing_is_enqueued_and_the_same_again_enqueues_it_once(busy: Cli) -> None:
    with locked(busy):
        ended = busy("enqueue", "-", stdin=QUESTION)
    assert (ended.code, ended.out) == (3, "")
    (complaint,) = ended.err.splitlines()
    assert complaint.startswith("farm: the store ")
    assert complaint.endswith("is locked by another program (database is locked); end it or wait")
    for count in ("1 task enqueued", "0 tasks enqueued, 1 known already"):
        ended = busy("enqueue", "-", stdin=QUESTION)
        assert ended.code == 0
        assert count in ended.out
    with Farm.connect(home=busy.home) as here:
        assert len(here.tasks()) == TASKS + 1


def test_a_database_that_is_away_is_named_with_what_to_do(farm: Cli) -> None:
    away = farm.with_settings(FARM_DATABASE_URL="postgresql://u:topsecret@127.0.0.1:1/d")
    ended = away("enqueue", "-", stdin=QUESTION)
    assert (ended.code, ended.out) == (3, "")
    assert "cannot be reached" in ended.err
    assert "start it, or check FARM_DATABASE_URL" in ended.err
    assert "topsecret" not in ended.err
