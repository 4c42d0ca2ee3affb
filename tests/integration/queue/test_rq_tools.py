"""RQ's own commands on the farm's queues: what they show, and that nothing they do loses a task."""

import asyncio

import pytest
from click.testing import CliRunner
from rq import SimpleWorker
from rq.cli import main as rq
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker.base import WorkerStatus
from support.store import add, opened
from support.yard import wait_until

from farm.queue.connection import connect, connect_async
from farm.queue.hints import Hints
from farm.queue.job import FarmJob
from farm.queue.reconciler import fill
from farm.worker import context
from farm.worker.worker import FarmWorker

JSON = ("-S", "rq.serializers.JSONSerializer")


class Scene:
    """Five tasks in a store, all of them hinted at in Redis."""

    def __init__(self, store, url):
        self.store, self.url, self.connection = store, url, connect(url)
        self.ids = add(store, 5)
        self.fill()

    def rq(self, command, *arguments) -> str:
        """What an `rq` command says."""
        shown = CliRunner().invoke(rq, [command, "-u", self.url, *arguments], catch_exceptions=False)
        assert shown.exit_code == 0, shown.output
        return shown.output

    def fill(self) -> None:
        """What a reconciler does a moment later."""
        fill(self.store, Hints(self.connection), "default", 1000)

    def hinted(self) -> set[str]:
        return Hints(self.connection).waiting("default")

    @property
    def all_hints(self) -> set[str]:
        return {f"task-{task_id}" for task_id in self.ids}


@pytest.fixture
def scene(sqlite_url, redis_url):
    with opened(sqlite_url) as store:
        scene = Scene(store, redis_url)
        yield scene
        scene.connection.close()


def test_info_shows_queues_hints_and_workers(scene):
    Hints(scene.connection).issue("big", [(100, 0)])
    for name, queue in (("host.default-1", "default"), ("host.big-1", "big")):
        worker = FarmWorker([queue], name=name, connection=scene.connection)
        worker.register_birth()
        worker.set_state(WorkerStatus.BUSY)
    assert set(scene.rq("info", "--only-queues", "--raw").splitlines()) == {
        "queue big 1, 0 executing, 0 finished, 0 failed",
        "queue default 5, 0 executing, 0 finished, 0 failed",
    }
    shown = scene.rq("info", "--only-workers", "--raw", "default")
    assert shown.startswith("worker host.default-1 (")
    assert shown.strip().endswith(" busy default. jobs: 0 finished, 0 failed")
    by_queue = scene.rq("info", "--by-queue")
    assert "2 queues, 6 jobs total" in by_queue
    assert "host.big-1 (busy)" in by_queue
    assert scene.hinted() == scene.all_hints, "looking has changed nothing"


def test_a_hint_shows_its_task_and_nothing_else(scene):
    job = Job.fetch("task-1", connection=scene.connection, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.kwargs, job.description) == ("jobs.generate", [1], {}, "task 1")
    assert "Question" not in repr(scene.connection.hgetall(job.key))


def test_an_emptied_queue_is_filled_again(scene):
    assert "5 jobs removed from default queue" in scene.rq("empty", "default")
    assert (scene.hinted(), scene.connection.keys("rq:job:*")) == (set(), [])
    scene.fill()
    assert scene.hinted() == scene.all_hints
    assert "5 jobs removed" in scene.rq("empty", "--all")
    scene.fill()
    assert scene.hinted() == scene.all_hints


def test_a_deleted_job_is_hinted_at_again(scene):
    Job.fetch(
        "task-1", connection=scene.connection, serializer=JSONSerializer
    ).delete()  # as rq-dashboard does
    assert scene.hinted() == scene.all_hints - {"task-1"}
    scene.fill()
    assert scene.hinted() == scene.all_hints


def test_a_stock_worker_started_by_mistake_runs_nothing_and_loses_nothing(scene, monkeypatch):
    worker = SimpleWorker(["default"], connection=scene.connection, serializer=JSONSerializer)
    monkeypatch.setattr(worker, "_install_signal_handlers", lambda: None)
    worker.work(burst=True, logging_level="CRITICAL")
    registry = FailedJobRegistry("default", connection=scene.connection, serializer=JSONSerializer)
    assert set(registry.get_job_ids()) == scene.all_hints
    scene.fill()
    assert scene.hinted() == scene.all_hints

    assert "Requeueing 5 jobs" in scene.rq("requeue", "--queue", "default", "--all", *JSON)
    entries = scene.connection.lrange("rq:queue:default", 0, -1)
    assert len(entries) == 10, "each twice; of one task's hints the store takes the first"
    assert {FarmJob.fetch(entry.decode(), connection=scene.connection).task_id for entry in entries} == set(
        scene.ids
    )


def test_suspend_holds_every_worker_until_resume(scene):
    taken = []

    class Producer:
        async def produce(self, task_id):
            taken.append(task_id)

    async def nothing(task_ids):
        pass

    def state() -> str:
        return scene.rq("info", "--only-workers", "--raw")

    async def work():
        worker = FarmWorker(["default"], name="w1", connection=scene.connection)
        connection = connect_async(scene.url)
        worker.prepare(
            connection=connection,
            release=nothing,
            stop=nothing,
            concurrency=2,
            grace_seconds=1,
            retire_seconds=1,
        )
        context.enter(Producer())
        working = asyncio.create_task(worker.run())
        await asyncio.to_thread(wait_until, lambda: scene.connection.exists("rq:worker:w1"), "it to sign on")
        await worker.beat()
        assert " suspended default" in state()
        await asyncio.sleep(0.1)
        assert taken == []

        scene.rq("resume")
        await worker.beat()
        await asyncio.to_thread(wait_until, lambda: sorted(taken) == scene.ids, "every task to be taken")
        assert " suspended " not in state()

        scene.rq("suspend", "--duration", "60")
        await worker.beat()
        assert worker.suspension.holds
        worker.drain()
        await working
        await connection.aclose()

    scene.rq("suspend")
    asyncio.run(work())
