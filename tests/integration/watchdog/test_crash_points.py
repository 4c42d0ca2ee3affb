"""A worker dies by SIGKILL at every step of a task: nothing is lost or doubled, and paid as the rule says."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import select
from support.crash import KINDS, STEPS, TIMES, died, plan
from support.llm import Reply
from support.yard import GOOD_SQL, Yard

from farm.store.tables import WorkerRow
from farm.watchdog.policy import Policy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

SLOW = Reply(text=GOOD_SQL, delay_seconds=60)
AT_ONCE = Policy(first_delay_seconds=0, most_delay_seconds=0, loop_ends=1000, give_up_per_slot=1000)
TOGETHER = 3


def run(yard: Yard, work: Callable[..., bool], deaths: Mapping[str, Sequence[int]], **changes: Any) -> None:
    """Work all tasks in a farm of one worker, which dies as planned and is started again."""
    plan(yard.home, deaths)

    def scenario() -> Iterator[Callable[[], bool]]:
        for count in range(1, len(deaths) + 1):
            yield lambda: len(died(yard.home)) >= count  # noqa: B023  called before the next round
        yield lambda: yard.all_in("accepted")

    assert work(yard, scenario(), policy=AT_ONCE, **changes)
    with yard.store.read() as connection:
        ends = list(connection.scalars(select(WorkerRow.end_reason).order_by(WorkerRow.started_at)))
    assert ends == ["killed by SIGKILL"] * len(deaths) + ["stopped"]
    assert died(yard.home) == set(deaths)


def assert_nothing_lost_nothing_doubled(yard: Yard, count: int) -> None:
    assert yard.queries() == [(task, GOOD_SQL) for task in range(1, count + 1)]
    assert yard.answers() == [(task, 1, GOOD_SQL) for task in range(1, count + 1)]


def test_a_worker_that_dies_at_any_step_pays_again_only_for_the_call_that_was_cut_off(both, work) -> None:
    """The n-th task is the end of the worker at the n-th step."""
    questions = both.ask(len(STEPS))
    both.llm.answer(questions[STEPS.index("called")], SLOW, GOOD_SQL)
    deaths = {step: [task] for task, step in enumerate(STEPS, start=1)}
    run(both, work, deaths, initializer="support.crash:die_at_a_step", concurrency=1)
    assert_nothing_lost_nothing_doubled(both, len(STEPS))
    paid = {step: both.llm.calls[question] for step, question in zip(STEPS, questions, strict=True)}
    assert paid == {step: 2 if step in ("called", "paid") else 1 for step in STEPS}
    attempts = {step: row.attempt for step, row in zip(STEPS, both.tasks(), strict=True)}
    untouched = ("popped", "finished", "acknowledged")
    assert attempts == {step: 1 if step in untouched else 2 for step in STEPS}


def test_a_worker_that_dies_in_a_shared_commit_leaves_all_of_it_or_nothing(both, work) -> None:
    """Three tasks each share the commit that their worker dies in: half applied, before or right after it."""
    moments = [f"{kind} {at}" for kind in KINDS for at in TIMES]
    questions = both.ask(TOGETHER * len(moments))
    deaths = {
        moment: [TOGETHER * place + offset for offset in range(1, TOGETHER + 1)]
        for place, moment in enumerate(moments)
    }
    run(both, work, deaths, initializer="support.crash:die_in_a_commit", concurrency=TOGETHER)
    assert_nothing_lost_nothing_doubled(both, len(questions))
    paid = {
        moment: {both.llm.calls[questions[task - 1]] for task in tasks} for moment, tasks in deaths.items()
    }
    again = ("answer within", "answer before commit")
    assert paid == {moment: {2} if moment in again else {1} for moment in moments}
    attempts = {
        moment: {both.tasks()[task - 1].attempt for task in tasks} for moment, tasks in deaths.items()
    }
    untouched = ("claim within", "claim before commit", "finish after commit")
    assert attempts == {moment: {1} if moment in untouched else {2} for moment in moments}
