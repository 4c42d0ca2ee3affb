"""Store, queue and reconciler under whatever hypothesis thinks of; see tests/support/stateful.py."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis
from sqlalchemy import Connection, Integer, bindparam, select, update
from sqlalchemy.dialects import sqlite
from support.stateful import machine

from farm.queue import reconciler
from farm.queue.connection import connect
from farm.store import steering, tasks
from farm.store.engine import Store
from farm.store.states import TaskState
from farm.store.tables import AnswerRow, TaskRow

RUN = settings(
    max_examples=30,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
)
UNTIL_CAUGHT = settings(RUN, max_examples=200, phases=[Phase.generate])


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as connection:
        yield connection


def test_nothing_is_lost_doubled_or_changed_whatever_happens(store: Store, redis: Redis) -> None:
    examples = RUN.max_examples if store.dialect == "sqlite" else RUN.max_examples // 2  # they are dearer
    run_state_machine_as_test(machine(store, redis), settings=settings(RUN, max_examples=examples))


def settling(*conditions: Any) -> Any:
    """The statement that settles a task, under other conditions than its own."""
    fence = bindparam("fence", type_=Integer)
    return (
        update(TaskRow)
        .where(TaskRow.id == bindparam("task_id"), fence > 0, *conditions)
        .values(
            state=bindparam("new_state"),
            reason_code=bindparam("new_code"),
            reason=bindparam("new_reason"),
            finished_at=bindparam("at"),
            leased_until=None,
        )
        .returning(TaskRow.created_at, TaskRow.claimed_at)
    )


TOKEN_HOLDS = TaskRow.token == bindparam("fence", type_=Integer)
IS_LEASED = TaskRow.state == TaskState.LEASED


def claim_anything(c: Connection, ids: Any, **options: Any) -> Any:
    c.execute(update(TaskRow).where(TaskRow.id.in_(ids)).values(state=TaskState.QUEUED))
    return CLAIM(c, ids, **options)


def begin_with_any_token(c: Connection, task: tasks.Claimed) -> bool:
    return BEGIN(c, replace(task, token=c.scalars(select(TaskRow.token).where(TaskRow.id == task.id)).one()))


def overwrite(c: Connection, table: Any, rows: Any) -> Any:
    insert = sqlite.insert(table)
    if table is AnswerRow:
        insert = insert.on_conflict_do_update(set_={"raw": insert.excluded.raw})
    c.execute(insert, rows)
    return rows


def save_and_believe_the_own_answer(c: Connection, rows: Any) -> Any:
    kept = SAVE_ANSWERS(c, rows)
    return [
        tasks.StoredAnswer(call_no=one.call_no, text=row["raw"], model="m")
        for one, row in zip(kept, rows, strict=True)
    ]


def requeue_with_old_answers(c: Connection, *selection: Any) -> int:
    done = REQUEUE(c, *selection)
    c.execute(update(TaskRow).values(calls_before=0))
    return done


CLAIM, BEGIN, SAVE_ANSWERS, RELEASE = tasks.claim, tasks.begin, tasks.save_answers, tasks.release
EXPIRE, MISSING, REQUEUE = tasks._expire, reconciler.missing, steering.requeue
MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "an outcome needs no token": (tasks, "_SETTLE", settling(IS_LEASED)),
    "an outcome needs no lease": (tasks, "_SETTLE", settling(TOKEN_HOLDS)),
    "an outcome needs nothing": (tasks, "_SETTLE", settling()),
    "anything is claimed": (tasks, "claim", claim_anything),
    "a last attempt is begun by whoever was overtaken": (tasks, "begin", begin_with_any_token),
    "the last answer stays": (tasks, "insert_new", overwrite),
    "everybody goes on with the answer of their own": (
        tasks,
        "save_answers",
        save_and_believe_the_own_answer,
    ),
    "no lease runs out": (tasks, "expire", lambda c, **options: 0),
    "no worker's end is seen": (tasks, "free_worker", lambda c, worker, **options: 0),
    "attempts never end": (
        tasks,
        "_expire",
        lambda c, which, max_attempts, why: EXPIRE(c, which, 99, why),
    ),
    "one attempt too few": (
        tasks,
        "_expire",
        lambda c, which, max_attempts, why: EXPIRE(c, which, max_attempts - 1, why),
    ),
    "each release gives an attempt": (
        tasks,
        "release",
        lambda c, ids, worker, uncounted: RELEASE(c, ids, worker=worker),
    ),
    "one waiting task gets no hint": (
        reconciler,
        "missing",
        lambda waiting, hinted: MISSING(waiting, hinted)[1:],
    ),
    "a rejected task keeps its answers": (steering, "requeue", requeue_with_old_answers),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_store_is_caught(
    mutant: str, sqlite_store: Store, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*MUTANTS[mutant])
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine(sqlite_store, redis), settings=UNTIL_CAUGHT)
