"""What was popped becomes hints or is refused, whatever stands there."""

import json

import pytest
from redis.exceptions import ResponseError

from farm.queue.connection import connect
from farm.queue.job import is_job_id
from farm.queue.reading import Refused, read

NOWHERE = connect("unix:///nowhere/redis.sock")


def hint(task_id: int, function: str = "jobs.generate") -> dict[bytes, bytes]:
    """A job's hash as HGETALL gives it."""
    return {
        b"data": json.dumps([function, None, [task_id], {}]).encode(),
        b"created_at": b"2026-01-01T00:00:00Z",
        b"origin": b"default",
        b"status": b"queued",
    }


def sorted_out(*popped: tuple[bytes, object]) -> tuple[list[int], list[bytes]]:
    jobs, refused = read([entry for entry, _ in popped], [raw for _, raw in popped], NOWHERE)
    return [job.task_id for job in jobs], [one.entry for one in refused]


def test_hints_become_jobs_in_their_order():
    assert sorted_out((b"task-2", hint(2)), (b"task-1", hint(1))) == ([2, 1], [])


def test_a_hint_whose_job_is_gone_is_dropped():
    assert sorted_out((b"task-1", {})) == ([], [])


@pytest.mark.parametrize(
    ("entry", "raw"),
    [
        (b"foreign", {}),
        (b"task-1", hint(1, "os.system")),
        (b"task-1", {b"data": b"\x80"}),
        (b"task-1", ResponseError("WRONGTYPE")),
        (b"\xff", hint(1)),
        (b"x" * 201, hint(1)),
        (b"", {}),
    ],
)
def test_anything_else_is_refused_and_hinders_no_hint(entry, raw):
    assert sorted_out((entry, raw), (b"task-7", hint(7))) == ([7], [entry])


def test_a_refusal_shows_little_of_an_entry_and_can_be_printed():
    refused = Refused(b"\xff\n" + b"x" * 1000, "because")
    assert refused.shown.startswith("\\xff")
    assert len(refused.shown) < 300


def test_refusals_of_one_kind_differ_in_the_id_alone():
    (_, refused) = read([b"a", b"b", b"c"], [hint(1, "f"), hint(1, "f"), hint(1, "g")], NOWHERE)
    first, second, third = (one.kind for one in refused)
    assert first == second != third


@pytest.mark.parametrize(
    ("entry", "ours"),
    [
        (b"task-1", True),
        (b"task-9223372036854775807", True),
        (b"task-0", False),
        (b"task-", False),
        (b"task-1\n", False),
        (b"task-01", False),
        (b"xtask-1", False),
        (b"task-" + b"9" * 20, False),
    ],
)
def test_the_names_of_the_farm_s_jobs_are_known(entry, ours):
    assert is_job_id(entry) is ours
