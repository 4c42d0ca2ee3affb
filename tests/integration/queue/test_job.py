"""Whatever stands in Redis, the farm's workers run the farm's own function or nothing."""

import datetime
import zlib

import pytest
from rq import Callback, Queue
from rq.job import Job, JobStatus
from rq.serializers import DefaultSerializer, JSONSerializer
from rq.webhook import Webhook

import jobs
from farm.queue.connection import connect
from farm.queue.job import FarmJob, FarmQueue, ForbiddenJob


@pytest.fixture
def connection(redis_url):
    with connect(redis_url) as client:
        yield client


def planted(
    connection, func="jobs.generate", args=(1,), kwargs=None, *, serializer=JSONSerializer, **options
):
    """A job as any other RQ client with access to Redis can leave it."""
    job = Job.create(func, args, kwargs, connection=connection, id="evil", serializer=serializer, **options)
    job.save()
    return job


def refusal(connection, job_id="evil") -> str:
    with pytest.raises(ForbiddenJob) as caught:
        FarmJob.fetch(job_id, connection)
    return str(caught.value)


def test_the_farm_s_own_job_is_read(connection):
    planted(connection)
    job = FarmJob.fetch("evil", connection)
    assert job.task_id == 1
    assert job.func is jobs.generate


@pytest.mark.parametrize(
    ("func", "args"),
    [
        ("os.system", ("true",)),
        ("subprocess.check_output", (["true"],)),
        ("builtins.eval", ("1",)),
        ("builtins.exec", ("1",)),
        ("jobs.generate.generate", (1,)),
        ("farm.worker.context.current", ()),
        ("generate", (1,)),
        ("os.system", (1,)),
    ],
)
def test_any_other_function_is_refused(connection, func, args):
    planted(connection, func, args)
    assert "it asks for the function" in refusal(connection)


def test_a_method_of_an_object_is_refused(connection):
    planted(connection)
    connection.hset("rq:job:evil", "data", b'["jobs.generate", {"a": 1}, [1], {}]')
    assert "it asks for the function" in refusal(connection)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((1, 2), {}),
        ((1,), {"task_id": 2}),
        ((), {"task_id": 1}),
        (("1",), {}),
        ((1.0,), {}),
        ((True,), {}),
        ((None,), {}),
        (([1],), {}),
        ((0,), {}),
        ((-1,), {}),
        ((2**63,), {}),
    ],
)
def test_anything_but_one_task_id_is_refused(connection, args, kwargs):
    planted(connection, args=args, kwargs=kwargs)
    assert "its arguments are not one task id" in refusal(connection)


class Bomb:
    """Whoever unpickles this, notices."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


def test_a_pickle_is_never_opened(connection):
    planted(connection, args=(Bomb(),), serializer=DefaultSerializer)
    assert "not JSON" in refusal(connection)


def test_a_pickle_in_another_field_is_never_opened(connection):
    planted(connection)
    for field in ("meta", "result"):
        connection.hset("rq:job:evil", field, DefaultSerializer.dumps(Bomb()))
    assert FarmJob.fetch("evil", connection).task_id == 1


@pytest.mark.parametrize("moment", ["on_success", "on_failure", "on_stopped"])
def test_a_callback_is_refused(connection, moment):
    planted(connection, **{moment: Callback("os.system")})
    assert "it names a callback" in refusal(connection)


def test_a_webhook_is_refused(connection):
    planted(connection, webhooks=[Webhook("http://127.0.0.1:1/", JobStatus.FINISHED)])
    assert "it names a webhook" in refusal(connection)


@pytest.mark.parametrize(
    "damage",
    [
        {"data": b""},
        {"data": b"\x80\x04garbage"},
        {"data": b"{}"},
        {"data": b"[1]"},
        {"data": b"null"},
        {"created_at": b"yesterday"},
        {"status": b"no such state"},
        {"timeout": b"soon"},
        {"origin": b"\xff\xfe"},
        {"dependency_ids": b"not json"},
    ],
)
def test_a_damaged_hash_is_refused(connection, damage):
    planted(connection)
    connection.hset("rq:job:evil", mapping=damage)
    assert "evil" in refusal(connection)


def test_a_hash_without_a_payload_is_refused(connection):
    connection.hset("rq:job:evil", "status", "queued")
    assert "evil" in refusal(connection)


def test_a_payload_that_unpacks_to_something_huge_is_not_unpacked(connection):
    planted(connection)
    connection.hset("rq:job:evil", "data", zlib.compress(b" " * 50_000_000))
    assert "too long" in refusal(connection)


def test_a_queue_of_the_farm_reads_with_the_farm_s_eyes(connection):
    Queue("default", connection=connection, serializer=JSONSerializer).enqueue(
        "os.system", "true", job_id="evil"
    )
    with pytest.raises(ForbiddenJob):
        FarmQueue("default", connection).jobs  # noqa: B018  reading them is the point


def test_a_repeating_job_is_only_a_hint(connection):
    job = planted(connection)
    job.enqueued_at = datetime.datetime.now(datetime.UTC)
    job.save()
    assert FarmJob.fetch("evil", connection).task_id == 1
