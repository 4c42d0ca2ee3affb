"""Worker processes at work, drained, stopped, and fed with what they must not touch."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest
from rq.command import send_shutdown_command, send_stop_job_command
from rq.job import Job
from rq.serializers import DefaultSerializer, JSONSerializer
from rq.worker import Worker
from support.child import running
from support.llm import Fault, Reply
from support.yard import GOOD_SQL, Yard, wait_until

from farm.queue.connection import connect
from farm.services import valkey
from farm.worker.worker import FarmWorker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

SLOW = Reply(text=GOOD_SQL, delay_seconds=0.7)
NEVER = Reply(text=GOOD_SQL, delay_seconds=300)


def rq_info(url: str) -> str:
    shown = subprocess.run(
        [sys.executable, "-c", "from rq.cli import main; main()", "info", "-u", url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return shown.stdout


def test_a_worker_holds_many_tasks_in_flight_and_no_more_than_it_may(both):
    both.ask(40, Reply(text=GOOD_SQL, delay_seconds=0.1))
    worker = both.start(concurrency=8)
    wait_until(lambda: both.all_in("accepted"), "all tasks to be accepted")
    assert both.llm.most_in_flight == 8
    assert both.queries() == [(number, GOOD_SQL) for number in range(1, 41)]
    assert set(both.llm.calls.values()) == {1}
    wait_until(lambda: not both.redis.keys("rq:job:*"), "every job to be acknowledged")
    worker.send_signal(signal.SIGTERM)
    assert both.ended(worker) == 0
    assert both.redis.zcard("rq:wip:default") == 0


def test_rq_s_own_command_shows_the_worker_and_its_queue(yard):
    yard.ask(12, NEVER)
    yard.start("worker-of-the-test", concurrency=2)
    wait_until(lambda: yard.llm.in_flight == 2, "two calls")
    shown = rq_info(yard.redis_url)
    assert "default" in shown
    assert "worker-of-the-test" in shown
    assert "busy" in shown
    assert "1 workers, 1 queues" in shown
    (worker,) = Worker.all(connection=yard.redis)
    assert worker.name == "worker-of-the-test"
    assert worker.queue_names() == ["default"]


def test_sigterm_drains_and_leaves_what_waits(both):
    both.ask(6, SLOW)
    worker = both.start(concurrency=4)
    wait_until(lambda: both.llm.in_flight == 4, "four calls")
    worker.send_signal(signal.SIGTERM)
    assert both.ended(worker) == 0
    assert both.states() == {"accepted": 4, "queued": 2}
    assert {row.attempt for row in both.tasks() if row.state == "queued"} == {0}
    assert Worker.all(connection=both.redis) == []


def test_what_is_unfinished_after_the_grace_period_is_released(both):
    both.ask(4, NEVER)
    worker = both.start(concurrency=4, grace_seconds=0.2)
    wait_until(lambda: both.llm.in_flight == 4, "four calls")
    worker.send_signal(signal.SIGTERM)
    assert both.ended(worker) == 0
    assert [(row.state, row.attempt, row.worker) for row in both.tasks()] == [("queued", 0, None)] * 4


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once(yard, second):
    yard.ask(4, NEVER)
    worker = yard.start(concurrency=4, grace_seconds=300)
    wait_until(lambda: yard.llm.in_flight == 4, "four calls")
    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: '"draining"' in yard.logged(), "the first signal to be heard")
    worker.send_signal(second)
    assert yard.ended(worker) == 0
    assert yard.states() == {"queued": 4}


def test_a_signal_during_the_start_ends_a_worker_that_holds_nothing(yard):
    yard.ask(1)
    worker = yard.start(ready=False, start_method="spawn")
    worker.send_signal(signal.SIGTERM)
    assert yard.ended(worker) in (0, -signal.SIGTERM)
    assert yard.states() == {"queued": 1}


def test_ctrl_c_in_the_terminal_is_the_watchdog_s_to_handle(yard):
    yard.ask(1, SLOW)
    worker = yard.start(ready=False, start_method="spawn")
    os.kill(worker.pid, signal.SIGINT)  # as a terminal sends it to all, while it starts
    wait_until(lambda: yard.all_in("accepted"), "the task")
    assert worker.exit_code is None
    assert os.getpgid(worker.pid) == worker.pid


def test_rq_s_shutdown_command_drains(yard):
    yard.ask(3, SLOW)
    worker = yard.start("w1", concurrency=2)
    wait_until(lambda: yard.llm.in_flight == 2, "two calls")
    send_shutdown_command(yard.redis, "w1")
    assert yard.ended(worker) == 0
    assert yard.states() == {"accepted": 2, "queued": 1}


def test_rq_s_stop_command_stops_that_job_and_no_other(yard):
    yard.ask(3, NEVER)
    yard.start("w1", concurrency=3)
    wait_until(lambda: yard.llm.in_flight == 3, "three calls")
    send_stop_job_command(yard.redis, "task-2", serializer=JSONSerializer)
    wait_until(lambda: yard.states()["dead"], "the task to be stopped")
    first, second, third = yard.tasks()
    assert (second.reason_code, first.state, third.state) == ("stopped", "leased", "leased")
    wait_until(lambda: yard.llm.in_flight == 2, "its call to end")
    wait_until(lambda: not yard.redis.exists("rq:job:task-2"), "its job to go")
    yard.ask(1, start=9)
    wait_until(lambda: yard.states()["accepted"] == 1, "its place to be taken")


def test_other_commands_and_nonsense_are_ignored(yard):
    worker = yard.start("w1")
    channel = "rq:pubsub:w1"
    wait_until(lambda: yard.redis.pubsub_numsub(channel)[0][1] == 1, "it to listen")
    for said in (b"\xff", b"7", b"[]", b'{"command": "kill-horse"}', b'{"command": "stop-job"}', b"{}"):
        yard.redis.publish(channel, said)
    yard.redis.publish(channel, json.dumps({"command": "stop-job", "job_id": "task-²"}))
    yard.ask(1)
    wait_until(lambda: yard.all_in("accepted"), "the task")
    assert worker.exit_code is None


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_foreign_jobs_are_set_aside_and_never_run(yard, tmp_path):
    caught = tmp_path / "caught"

    def plant(job_id, func, *args, serializer=JSONSerializer, **options):
        job = Job.create(
            func, args, connection=yard.redis, id=job_id, serializer=serializer, origin="default", **options
        )
        job.save()
        yard.redis.rpush("rq:queue:default", job_id)

    plant("system", "os.system", f"touch {caught}")
    plant("output", "subprocess.check_output", ["touch", str(caught)])
    plant("eval", "builtins.eval", f"open({str(caught)!r}, 'w')")
    plant("pickle", "jobs.generate", Trap(caught), serializer=DefaultSerializer)
    plant("two", "jobs.generate", 1, 2)
    plant("text", "jobs.generate", "1")
    yard.redis.set("rq:job:wrong-kind", "no hash")
    yard.redis.rpush("rq:queue:default", "wrong-kind", "no-such-job", "a b:c", b"\xff\xfe")
    yard.redis.hset("rq:job:a b:c", "data", "x")
    yard.ask(2)

    worker = yard.start()
    wait_until(lambda: yard.all_in("accepted"), "the farm's own tasks")
    assert worker.exit_code is None
    assert not caught.exists()
    set_aside = {entry.decode() for entry in yard.redis.lrange("farm:refused", 0, -1)}
    foreign = {"system", "output", "eval", "pickle", "two", "text"}
    assert set_aside == foreign | {"wrong-kind", "no-such-job", "a b:c", "\\xff\\xfe"}
    assert yard.redis.ttl("rq:job:system") > 0
    refused = [json.loads(line) for line in yard.logged().splitlines() if "refused a job" in line]
    assert {line["job"] for line in refused} == set_aside - {"text"}, "the text is refused as the two are"
    assert all("touch" not in line["reason"] for line in refused)


def test_a_hint_that_stands_twice_in_the_queue_is_worked_once(yard):
    yard.ask(1, SLOW)
    yard.redis.rpush("rq:queue:default", "task-1", "task-1")
    worker = yard.start(concurrency=8)
    wait_until(lambda: yard.all_in("accepted"), "the task")
    worker.send_signal(signal.SIGTERM)
    assert yard.ended(worker) == 0
    assert yard.llm.calls["Question 1?"] == 1


def test_a_hint_for_nothing_is_dropped(yard):
    yard.redis.rpush("rq:queue:default", "task-1", "task-2")
    yard.ask(1)
    worker = yard.start()
    wait_until(lambda: not yard.redis.llen("rq:queue:default"), "the hints to be taken")
    yard.hint()
    wait_until(lambda: yard.all_in("accepted"), "the task")
    assert worker.exit_code is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [(Fault.INVALID_KEY, "OPENAI_API_KEY"), (Fault.MODEL_NOT_FOUND, "FARM_MODEL"), (Fault.QUOTA, "quota")],
)
def test_a_closed_route_releases_everything_and_says_why(yard, fault, words):
    yard.ask(3, NEVER)
    worker = yard.start(concurrency=4)
    wait_until(lambda: yard.llm.in_flight == 3, "three calls")
    yard.ask(1, fault, start=4)
    told = yard.failure(worker)
    assert words in told.reason
    assert not told.passing
    assert [(row.state, row.attempt) for row in yard.tasks()] == [("queued", 0)] * 4


def test_a_worker_without_its_store_says_so(yard, tmp_path):
    told = yard.failure(yard.start(ready=False, database_url=f"sqlite:///{tmp_path / 'other.db'}"))
    assert "farm migrate" in told.reason
    assert not told.passing


def test_a_worker_whose_queue_server_is_away_says_that_it_may_pass(yard):
    yard.redis_url = "unix:///nowhere/redis.sock"
    told = yard.failure(yard.start(ready=False))
    assert "does not answer" in told.reason
    assert told.passing


def test_a_worker_whose_initializer_fails_says_so(yard):
    told = yard.failure(yard.start(ready=False, initializer="support.yard:fail_to_start"))
    assert told.reason == (
        "initializer 'support.yard:fail_to_start' failed: FileNotFoundError: no such model file"
    )
    assert not told.passing


def test_the_initializer_runs_once_per_process_before_it_is_ready(yard, tmp_path, monkeypatch):
    notes = tmp_path / "notes"
    monkeypatch.setenv("FARM_TEST_NOTES", str(notes))
    options = {"initializer": "support.yard:note_start", "start_method": "spawn"}
    workers = [yard.start(name, ready=False, **options) for name in ("w1", "w2")]
    for worker in workers:
        wait_until(worker.messages, "a sign of life")
    yard.ask(10)
    wait_until(lambda: yard.all_in("accepted"), "the tasks")
    assert sorted(map(int, notes.read_text().split())) == sorted(worker.pid for worker in workers)


def test_no_wish_of_python_s_development_mode_is_left_open(yard, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    yard.ask(3, GOOD_SQL)
    yard.ask(2, NEVER, start=4)
    worker = yard.start(concurrency=5, grace_seconds=0.2, start_method="spawn")
    wait_until(lambda: yard.states()["accepted"] == 3, "the tasks")
    worker.send_signal(signal.SIGTERM)
    assert yard.ended(worker) == 0
    assert capfd.readouterr().err == ""
    complaints = [line for line in yard.logged().splitlines() if '"level": "info"' not in line]
    assert [line for line in complaints if "Executing <" not in line] == []


@pytest.fixture
def own_valkey(tmp_path):
    """A queue server of the test's own, which it may stop: (its URL, its process, a function to start it)."""
    home = tmp_path / "valkey"
    home.mkdir()
    url = valkey.url(home)
    command = valkey.command(valkey.binary(), home)
    with ExitStack() as stack:

        def start():
            child = running(command, ready=lambda: valkey.answers(url), log=home / "log")
            return stack.enter_context(child)

        yield url, start


def test_tasks_in_flight_do_not_need_the_queue_server(own_valkey, tmp_path, sqlite_url, llm):
    url, start = own_valkey
    server = start()
    with Yard(home=tmp_path, database_url=sqlite_url, redis_url=url, llm=llm) as yard:
        yard.ask(2, Reply(text=GOOD_SQL, delay_seconds=4))
        worker = yard.start(lease_seconds=1, concurrency=4)
        wait_until(lambda: llm.in_flight == 2, "two calls")
        server.send_signal(signal.SIGSTOP)  # it does not refuse, it hangs
        held = []
        while not yard.all_in("accepted"):
            held += [row.leased_until for row in yard.tasks() if row.state == "leased"]
            wait_until(lambda: True, "a moment")
        assert len(set(held)) >= 6, "the leases were not renewed while the server hung"
        assert [row.attempt for row in yard.tasks()] == [1, 1]
        server.kill()
        server.wait()
        (tmp_path / "valkey" / "redis.sock").unlink(missing_ok=True)
        start()
        wait_until(lambda: Worker.all(connection=yard.redis), "the worker to sign on again")
        yard.ask(2, start=3)
        wait_until(lambda: yard.states() == {"accepted": 4}, "new tasks")
        assert worker.exit_code is None
        worker.send_signal(signal.SIGTERM)
        assert yard.ended(worker) == 0


def test_a_worker_ends_politely_without_the_queue_server(own_valkey, tmp_path, sqlite_url, llm):
    url, start = own_valkey
    server = start()
    with Yard(home=tmp_path, database_url=sqlite_url, redis_url=url, llm=llm) as yard:
        yard.ask(2, NEVER)
        worker = yard.start(grace_seconds=0.2)
        wait_until(lambda: llm.in_flight == 2, "two calls")
        server.kill()
        server.wait()
        worker.send_signal(signal.SIGTERM)
        assert yard.ended(worker) == 0
        assert yard.states() == {"queued": 2}


def test_a_wiped_queue_server_knows_the_worker_again(yard):
    yard.start("w1", lease_seconds=1)
    yard.redis.flushall()
    wait_until(lambda: [w.name for w in Worker.all(connection=yard.redis)] == ["w1"], "it to sign on again")


def test_a_worker_is_made_even_while_the_queue_s_server_is_away(tmp_path):
    with connect(f"unix://{tmp_path / 'nothing.sock'}") as away:
        assert FarmWorker(["default"], name="w1", connection=away).ip_address == "unknown"
