"""Whoever can write to Redis makes the farm's workers run nothing, ask no address and open no pickle.

Every trap leaves something behind when it is run; stock RQ workers show that each of them would.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from rq import Queue
from rq.command import send_command, send_kill_horse_command
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry, ScheduledJobRegistry, StartedJobRegistry
from rq.serializers import DefaultSerializer, JSONSerializer
from support.llm import Reply
from support.traps import BROKEN, HARMLESS, OURS, Pickled, traps
from support.yard import GOOD_SQL, wait_until

from farm.queue.connection import connect
from farm.queue.job import FarmJob, FarmQueue, ForbiddenJob

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

TESTS = Path(__file__).parents[2]
SLOW = Reply(text=GOOD_SQL, delay_seconds=1.5)


@pytest.fixture
def planted(redis_url, tmp_path):
    """A bed of traps."""
    with connect(redis_url) as redis, traps(redis, tmp_path / "sprung") as bed:
        yield bed


def stock_rq(url, serializer):
    """RQ's own worker, until the queue is empty."""
    worker = ["worker", "--burst", "-w", "rq.SimpleWorker", "-S", serializer, "-u", url, "default"]
    subprocess.run(
        [sys.executable, "-c", "from rq.cli import main; main()", *worker],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        timeout=60,
        check=True,
    )


def test_the_traps_of_json_jobs_work_on_a_stock_worker(planted, redis_url):
    planted.functions()
    planted.ends(HARMLESS, failing=BROKEN)
    planted.chains(HARMLESS)
    stock_rq(redis_url, "rq.serializers.JSONSerializer")
    functions = {"system", "output", "popen", "eval", "exec", "touch"}
    assert planted.sprung == functions | {"success", "failure", "finished", "failed", "dependent"}


def test_the_traps_of_pickles_work_on_a_stock_worker(planted, redis_url):
    planted.pickles()
    for field in ("meta", "result"):
        planted.beside(field, field, func=HARMLESS)
    stock_rq(redis_url, "rq.serializers.DefaultSerializer")
    assert planted.sprung == {"argument", "ours", "method", "meta", "result"}


def plant_all(bed):
    """Every trap, around functions of the standard library and around the farm's own with a real task."""
    bed.functions()
    bed.pickles()
    bed.ends(HARMLESS, failing=BROKEN)
    bed.ends(OURS, failing=OURS, suffix="-ours", args=(1,))
    bed.chains(OURS, (1,))
    for field in ("meta", "result", "exc_info"):
        bed.beside(field, field, 2)
    bed.beside("packed", "exc_info", 2, packed=True)


def test_no_trap_works_on_a_farm_s_worker(planted, yard):
    plant_all(planted)
    yard.ask(3)
    worker = yard.start()
    wait_until(lambda: yard.all_in("accepted"), "the farm's own tasks")
    wait_until(lambda: not yard.redis.llen("rq:queue:default"), "every trap to be looked at")
    yard.ask(2, start=4)
    wait_until(lambda: len(yard.queries()) == 5, "tasks that come afterwards")
    assert planted.sprung == set()
    assert worker.exit_code is None
    worker.send_signal(signal.SIGTERM)
    assert yard.ended(worker) == 0
    assert planted.sprung == set()
    refused = {entry.decode() for entry in yard.redis.lrange("farm:refused", 0, -1)}
    only_hints = {"first", "retried", "repeated", "meta", "result", "exc_info", "packed"}
    assert refused == set(planted.names) - only_hints
    assert set(yard.llm.calls.values()) == {1}


def test_no_trap_works_where_jobs_and_registries_are_read(planted):
    plant_all(planted)
    queue = FarmQueue("default", planted.redis)
    for name in planted.names:
        try:
            job = FarmJob.fetch(name, planted.redis)
        except ForbiddenJob:
            continue
        assert (job.meta, job._exc_info) == ({}, None)
    for read in (lambda: queue.jobs, lambda: FarmJob.fetch_many(planted.names, planted.redis)):
        with pytest.raises(ForbiddenJob):
            read()
    for registry in (StartedJobRegistry, FailedJobRegistry, ScheduledJobRegistry):
        books = registry("default", planted.redis, job_class=FarmJob, serializer=JSONSerializer)
        planted.redis.zadd(books.key, {f"{name}:1": 1 for name in planted.names})
        with contextlib.suppress(ForbiddenJob):
            books.cleanup()
    queue.empty()
    assert planted.sprung == set()


def test_no_trap_works_through_rq_s_reading_with_json(planted):
    plant_all(planted)
    planted.redis.delete("rq:job:exc_info", "rq:job:packed")  # RQ takes them for text, and stumbles
    for name in planted.names:
        with contextlib.suppress(NoSuchJobError):
            Job.fetch(name, planted.redis, serializer=JSONSerializer).to_dict()
    assert Queue("default", connection=planted.redis, serializer=JSONSerializer).jobs
    assert planted.sprung == set()


def test_the_pickle_that_rq_s_reading_opens_by_default_is_a_trap(planted):
    planted.beside("meta", "meta", 2)
    Job.fetch("meta", planted.redis, serializer=DefaultSerializer)
    assert planted.sprung == {"meta"}


def bomb(megabytes):
    """A field of some kilobytes that RQ would unpack to so much."""
    packer = zlib.compressobj(9)
    zeros = bytes(1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()


READING = """
import resource, sys
from farm.queue.job import FarmJob, ForbiddenJob
bomb, ours = sys.stdin.buffer.read(), b'["jobs.generate", null, [1], {}]'
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for field in (b"data", b"exc_info", b"result", b"meta", b"description", b"webhooks", b"origin"):
    try:
        FarmJob("bomb", connection=object()).restore({b"data": ours, field: bomb})
    except ForbiddenJob:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_field_that_unpacks_to_something_huge_costs_no_memory():
    read = subprocess.run(
        [sys.executable, "-c", READING], input=bomb(64), capture_output=True, timeout=60, check=True
    )
    assert int(read.stdout) < 10_000, "more than 10 MB"


FORGED = [
    b"",
    b"\xff",
    b"7",
    b"null",
    b"[]",
    b"{}",
    b'"shutdown"',
    b"[" * 200_000,
    b'{"command": ["shutdown"]}',
    b'{"command": "reboot", "func": "os.system"}',
    b'{"command": "stop-job"}',
    b'{"command": "stop-job", "job_id": null}',
    b'{"command": "stop-job", "job_id": {"a": 1}}',
    b'{"command": "stop-job", "job_id": "task-99"}',
    b'{"command": "stop-job", "job_id": "../task-1"}',
    b'{"command": "stop-job", "job_id": "task-' + b"9" * 5_000 + b'"}',
    b'{"command": "stop-job", "job_id": "task-' + b"9" * 5_000_000 + b'"}',
    b'{"command": "stop-job", "job_id": 1' + b"0" * 5_000 + b"}",
    b'{"command": "stop-execution", "execution_id": "1"}',
    b"cos\nsystem\n(S'true'\ntR.",
]


def test_no_forged_command_does_more_than_rq_s_own_and_the_worker_goes_on_listening(planted, yard):
    yard.ask(2, SLOW)
    worker = yard.start("w1", concurrency=4)
    wait_until(lambda: yard.llm.in_flight == 2, "two calls")
    wait_until(lambda: yard.redis.pubsub_numsub("rq:pubsub:w1")[0][1] == 1, "it to listen")
    for said in (*FORGED, DefaultSerializer.dumps(Pickled(planted.folder / "command"))):
        yard.redis.publish("rq:pubsub:w1", said)
    send_kill_horse_command(yard.redis, "w1")
    send_command(yard.redis, "w1", "stop-job", job_id="task-1", func="os.system")
    wait_until(lambda: yard.states() == {"dead": 1, "accepted": 1}, "one to be stopped, the other to end")
    assert yard.tasks()[0].reason_code == "stopped"
    assert worker.exit_code is None
    assert planted.sprung == set()
    yard.ask(1, start=3)
    wait_until(lambda: yard.states()["accepted"] == 2, "a task that comes afterwards")
    send_command(yard.redis, "w1", "shutdown")
    assert yard.ended(worker) == 0
    assert "Traceback" not in yard.logged()


def test_a_refused_job_fills_no_log(yard):
    name = "x" * 1_000_000
    yard.redis.hset(f"rq:job:{name}", "data", json.dumps(["f" * 900, None, [1], {}]))
    yard.redis.rpush("rq:queue:default", name)
    yard.start()
    wait_until(lambda: yard.redis.llen("farm:refused"), "it to be refused")
    assert len(yard.redis.lindex("farm:refused", 0)) == 200
    assert "refused a job" in yard.logged()
    assert len(yard.logged()) < 5_000
