"""Hints on a real queue server: a bounded window, urgent first, doubled without harm."""

import pytest
import redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from farm.queue.connection import connect
from farm.queue.hints import Hints
from farm.queue.job import FarmJob, FarmQueue


@pytest.fixture
def connection(redis_url):
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def hints(connection):
    return Hints(connection)


def order(connection) -> list[int]:
    """The task ids as a worker would take them."""
    return [job.task_id for job in FarmQueue("default", connection).jobs]


def test_hints_are_taken_in_the_order_they_were_issued(hints, connection):
    assert hints.issue("default", [(3, 0), (1, 0), (2, 0)]) == 3
    assert order(connection) == [3, 1, 2]
    assert hints.depth("default") == 3
    assert hints.waiting("default") == {"task-1", "task-2", "task-3"}


def test_urgent_hints_overtake_those_that_wait(hints, connection):
    hints.issue("default", [(1, 0), (2, -5)])
    hints.issue("default", [(8, 9), (7, 5), (3, 0)])
    assert order(connection) == [8, 7, 1, 2, 3]


def test_nothing_to_issue_is_no_error(hints):
    assert hints.issue("default", []) == 0
    assert hints.depth("default") == 0


def test_queues_are_apart(hints):
    hints.issue("default", [(1, 0)])
    hints.issue("big", [(2, 0)])
    hints.clear("big")
    assert (hints.depth("default"), hints.depth("big")) == (1, 0)


def test_hints_of_one_task_share_one_job(hints, connection):
    hints.issue("default", [(1, 0)])
    hints.issue("default", [(1, 0)])
    assert len(connection.keys("rq:job:*")) == 1
    assert hints.waiting("default") == {"task-1"}


def test_clearing_leaves_no_job_behind(hints, connection):
    hints.issue("default", [(1, 0), (2, 5)])
    hints.clear("default")
    assert connection.keys("rq:job:*") == []
    assert hints.depth("default") == 0


def test_a_hint_is_an_rq_job_that_carries_an_id_and_nothing_else(hints, connection):
    hints.issue("default", [(17, 0)])
    job = Job.fetch("task-17", connection, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.kwargs) == ("jobs.generate", [17], {})
    assert job.get_status() is JobStatus.QUEUED
    assert (job.result_ttl, job.description, job.origin) == (0, "task 17", "default")
    assert FarmJob.fetch("task-17", connection).task_id == 17


def test_one_reconciler_leads_until_it_is_silent(hints):
    assert hints.lead("default", "a", 30)
    assert hints.lead("default", "a", 30)
    assert not hints.lead("default", "b", 30)


def test_leadership_runs_out(hints, connection):
    assert hints.lead("default", "a", 30)
    connection.delete("farm:reconciler:default")
    assert hints.lead("default", "b", 30)
    assert not hints.lead("default", "a", 30)
    assert 0 < connection.pttl("farm:reconciler:default") <= 30_000


def test_a_server_that_is_away_is_a_redis_error():
    with pytest.raises(redis.ConnectionError):
        Hints(connect("unix:///nowhere/redis.sock")).depth("default")
