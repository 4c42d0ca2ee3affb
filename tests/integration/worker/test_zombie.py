"""A worker that was frozen for longer than its lease comes back and does no harm."""

import signal
import sys

import pytest
from support.llm import Reply
from support.yard import BAD_SQL, GOOD_SQL, Yard, wait_until

from farm.store import tasks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="freezes processes with Unix signals")

TASKS = 4


def expired(yard: Yard) -> int:
    """What a reconciler does about leases that ran out."""
    with yard.store.write() as connection:
        return tasks.expire(connection, max_attempts=3)


def test_a_frozen_worker_that_comes_back_pays_for_nothing_that_is_another_s(both: Yard) -> None:
    questions = both.ask(TASKS, Reply(text=BAD_SQL, delay_seconds=0.5), GOOD_SQL)
    frozen = both.start("frozen", lease_seconds=2)
    wait_until(lambda: both.llm.in_flight == TASKS, "its calls")
    frozen.send_signal(signal.SIGSTOP)
    wait_until(lambda: expired(both) == TASKS, "its leases to run out")
    both.hint()
    both.start("other", lease_seconds=2)
    wait_until(lambda: both.all_in("accepted"), "the other worker to end the tasks")
    frozen.send_signal(signal.SIGCONT)
    wait_until(lambda: both.logged().count("lease lost") == TASKS, "the frozen worker to notice")
    assert dict(both.llm.calls) == dict.fromkeys(questions, 2), (
        "one call of each, and none to repair a lost task"
    )
    assert [(call_no, text) for _, call_no, text in both.answers()] == [(1, GOOD_SQL)] * TASKS
