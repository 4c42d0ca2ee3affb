"""What cannot be used is kept for a day out of the way, bounded, and counted."""

import pytest

from farm.queue import aside
from farm.queue.connection import connect

DAY_SECONDS = 24 * 3600


@pytest.fixture
def redis(redis_url):
    with connect(redis_url) as client:
        yield client


def refuse(redis, *entries: bytes) -> None:
    with redis.pipeline(transaction=False) as pipeline:
        aside.refuse(pipeline, entries)
        pipeline.execute(raise_on_error=False)


def test_only_keys_of_the_wrong_type_are_set_aside(redis):
    redis.set("rq:queues", "x")
    redis.rpush("rq:queue:default", "task-1")
    kinds = aside.queue_kinds("default")
    assert aside.mend(redis, kinds) == ["rq:queues"]
    assert aside.mend(redis, kinds) == []
    (kept,) = redis.lrange("farm:set-aside", 0, -1)
    assert redis.get(kept) == b"x"
    assert 0 < redis.ttl(kept) <= DAY_SECONDS
    assert redis.lrange("rq:queue:default", 0, -1) == [b"task-1"]


def test_the_job_of_a_refused_hint_makes_room_and_a_foreign_one_expires_where_it_is(redis):
    for job_id in ("task-5", "foreign"):
        redis.hset(f"rq:job:{job_id}", "data", "x")
    refuse(redis, b"task-5", b"foreign", b"x" * 1000, b"\xff")
    assert not redis.exists("rq:job:task-5")
    (kept,) = redis.keys("farm:set-aside:rq:job:task-5:*")
    assert redis.hget(kept, "data") == b"x"
    assert all(0 < redis.ttl(key) <= DAY_SECONDS for key in (kept, "rq:job:foreign", "farm:refused"))
    assert redis.lrange("farm:refused", 0, -1) == [b"task-5", b"foreign", b"x" * 200, b"\\xff"]


def test_what_is_kept_is_bounded_and_counted(redis):
    assert aside.count(redis) == 0
    refuse(redis, *(b"foreign-%d" % number for number in range(aside.KEPT + 50)))
    redis.set("rq:queues", "x")
    aside.mend(redis, aside.queue_kinds("default"))
    assert aside.count(redis) == aside.KEPT + 1
    assert redis.lrange("farm:refused", -1, -1) == [b"foreign-1049"]


def test_a_list_of_the_wrong_type_counts_for_nothing(redis):
    redis.set("farm:refused", "x")
    assert aside.count(redis) == 0
