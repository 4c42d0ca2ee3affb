"""Leases, fences and answers: the promises that workers, reconcilers and producers rely on."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError
from support.store import (
    SHOP,
    accepted,
    add,
    answer,
    candidate,
    claim,
    expire,
    finish,
    opened,
    rejected,
    row,
    save_answer,
    state,
)

from farm.store import status, steering, targets, tasks
from farm.store.engine import Store, now
from farm.store.states import TaskState
from farm.store.steering import Selection
from farm.store.tables import AnswerRow, CandidateRow, FailedCallRow, QueryRow, TaskRow
from farm.store.tasks import Claimed


def queries(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.scalars(select(QueryRow.sql).order_by(QueryRow.id)))


def requeue(store: Store, *task_ids: int, model: str | None = None, queue: str | None = None) -> int:
    with store.write() as connection:
        return steering.requeue(connection, Selection(task_ids=task_ids), model=model, queue=queue)


# Claims


def test_a_claim_leases_the_task_and_tells_all_that_is_needed(store: Store):
    [task_id] = add(store, model=None)
    claimed = claim(store, [task_id], "w1", lease_seconds=30)[task_id]
    assert (claimed.token, claimed.attempt, claimed.calls_before, claimed.answers) == (1, 1, 0, ())
    assert (claimed.question, claimed.target) == ("Question 0?", "shop")
    found = row(store, task_id)
    assert (found.state, found.worker) == ("leased", "w1")
    assert timedelta(seconds=25) < found.leased_until - now() < timedelta(seconds=35)


def test_stale_hints_are_absent_from_a_claim(store: Store):
    queued, leased, done, dead = add(store, 4)
    claim(store, [leased])
    finish(store, accepted(claim(store, [done])[done]))
    claim(store, [dead], lease_seconds=-1)
    expire(store, max_attempts=1)
    assert set(claim(store, [queued, leased, done, dead, 987_654], "w2")) == {queued}
    assert claim(store, []) == {}


def test_two_workers_never_hold_the_same_task(store: Store, url: str):
    ids = add(store, 120)
    with opened(url) as second:
        stores, start = {"w1": store, "w2": second}, threading.Barrier(2)

        def work(worker: str) -> list[int]:
            start.wait()
            order = ids if worker == "w1" else ids[::-1]
            got: list[int] = []
            for place in range(0, len(order), 4):
                got += claim(stores[worker], order[place : place + 4], worker)
            return got

        with ThreadPoolExecutor(2) as pool:
            mine, yours = pool.map(work, stores)
    assert sorted(mine + yours) == ids


def test_two_workers_that_want_the_same_task_at_once_get_it_once(store: Store, url: str):
    ids = add(store, 25)
    with opened(url) as second:
        stores, start = {"w1": store, "w2": second}, threading.Barrier(2)

        def work(worker: str) -> int:
            won = 0
            for task_id in ids:
                start.wait()
                won += len(claim(stores[worker], [task_id], worker))
            return won

        with ThreadPoolExecutor(2) as pool:
            assert sum(pool.map(work, stores)) == len(ids)


# The fence


def stale_finish_wins(store: Store) -> bool:
    """Whether a worker that lost its lease can still settle the task, under the nose of the next one."""
    [task_id] = add(store)
    old = claim(store, [task_id], "w1", lease_seconds=-1)[task_id]
    expire(store)
    new = claim(store, [task_id], "w2")[task_id]
    settled = finish(store, accepted(old, "SELECT 'old'"))
    finish(store, accepted(new, "SELECT 'new'"))
    return bool(settled) or queries(store) != ["SELECT 'new'"]


def test_an_old_token_cannot_finish(store: Store):
    assert not stale_finish_wins(store)


def test_without_the_fence_an_old_token_could_finish(store: Store, monkeypatch: pytest.MonkeyPatch):
    """The check above can fail: this mutant of `finish` lets it."""
    mutant = (
        update(TaskRow)
        .where(TaskRow.id == bindparam("task_id"), TaskRow.state == TaskState.LEASED)
        .values(state=bindparam("new_state"), finished_at=bindparam("at"))
        .returning(TaskRow.created_at, TaskRow.claimed_at)
    )
    monkeypatch.setattr(tasks, "_SETTLE", mutant)
    assert stale_finish_wins(store)


def test_a_lost_lease_leaves_no_trace(store: Store):
    [task_id] = add(store)
    old = claim(store, [task_id], "w1", lease_seconds=-1)[task_id]
    expire(store)
    assert finish(store, accepted(old)) == set(), "not even while nobody holds it"
    assert state(store, task_id) is TaskState.QUEUED
    with store.read() as connection:
        assert connection.execute(select(CandidateRow.task_id)).all() == []
    assert queries(store) == []


def test_finishing_twice_counts_once(store: Store):
    [task_id] = add(store)
    claimed = claim(store, [task_id])[task_id]
    assert finish(store, accepted(claimed, "SELECT 1")) == {task_id}
    first = row(store, task_id)
    assert finish(store, accepted(claimed, "SELECT 2"), rejected(claimed)) == set()
    assert row(store, task_id) == first
    assert queries(store) == ["SELECT 1"]


def test_many_tasks_finish_together_and_each_by_its_own_token(store: Store):
    ids = add(store, 4)
    held = claim(store, ids)
    claim(store, ids[:1], lease_seconds=-1)
    with store.write() as connection:
        tasks.release(connection, [ids[0]], worker="w1")
    settled = finish(
        store, *(accepted(held[each]) if each != ids[3] else rejected(held[each]) for each in ids)
    )
    assert settled == set(ids[1:])
    assert [state(store, each) for each in ids] == ["queued", "accepted", "accepted", "rejected"]


def test_an_outcome_is_kept_whole(store: Store):
    good, bad = add(store, 2)
    held = claim(store, [good, bad])
    finish(store, accepted(held[good], "SELECT 1"), rejected(held[bad], "unknown_column"))
    assert (row(store, bad).reason_code, row(store, bad).reason) == ("unknown_column", "it does not parse")
    for each in (good, bad):
        assert row(store, each).leased_until is None
        assert timedelta() <= now() - row(store, each).finished_at < timedelta(seconds=30)
    with store.read() as connection:
        kept = connection.execute(select(CandidateRow.task_id, CandidateRow.accepted)).all()
        query = connection.execute(select(QueryRow.__table__)).one()
    assert sorted(map(tuple, kept)) == [(good, True), (bad, False)]
    assert (query.task_id, query.sql, query.schema_fingerprint) == (good, "SELECT 1", SHOP.fingerprint)


# Leases


def test_a_lease_is_prolonged_for_its_holder_alone(store: Store):
    mine, lost, done = add(store, 3)
    held = claim(store, [mine, done], "w1", lease_seconds=5)
    claim(store, [lost], "w2", lease_seconds=5)
    finish(store, accepted(held[done]))
    before = {each: row(store, each).leased_until for each in (mine, lost)}
    with store.write() as connection:
        gone = tasks.renew(connection, [mine, lost, done, 987_654], worker="w1", lease_seconds=50)
    assert gone == {lost, done, 987_654}
    assert row(store, mine).leased_until - before[mine] > timedelta(seconds=40)
    assert row(store, lost).leased_until == before[lost]


def test_only_a_lease_that_ran_out_expires(store: Store):
    short, long, waiting = add(store, 3)
    claim(store, [short], lease_seconds=0.15)
    claim(store, [long], lease_seconds=60)
    assert expire(store) == 0
    time.sleep(0.2)
    assert expire(store) == 1
    assert [state(store, each) for each in (short, long, waiting)] == ["queued", "leased", "queued"]
    assert (row(store, short).worker, row(store, short).leased_until) == (None, None)


def test_a_renewed_lease_does_not_expire(store: Store):
    [task_id] = add(store)
    claim(store, [task_id], lease_seconds=-1)
    with store.write() as connection:
        assert tasks.renew(connection, [task_id], worker="w1", lease_seconds=60) == set()
    assert expire(store) == 0


def test_a_dead_worker_loses_its_own_leases_only(store: Store):
    mine, other, done = add(store, 3)
    held = claim(store, [mine, done], "w1")
    claim(store, [other], "w2")
    finish(store, rejected(held[done]))
    with store.write() as connection:
        assert tasks.free_worker(connection, "w1", max_attempts=3) == 1
    assert [state(store, each) for each in (mine, other, done)] == ["queued", "leased", "rejected"]


def test_a_poison_task_is_dead_after_its_attempts_and_says_why(store: Store):
    [task_id] = add(store)
    for attempt in (1, 2, 3):
        assert state(store, task_id) is TaskState.QUEUED
        assert claim(store, [task_id], lease_seconds=-1)[task_id].attempt == attempt
        expire(store, max_attempts=3)
    found = row(store, task_id)
    assert (found.state, found.attempt, found.token) == ("dead", 3, 3)
    assert (found.reason_code, found.reason) == (
        "attempts",
        "3 attempts ended without an outcome; the last time its worker fell silent",
    )
    assert found.finished_at is not None
    assert claim(store, [task_id]) == {}


def test_a_worker_that_dies_over_and_over_makes_its_task_dead_too(store: Store):
    poison, harmless = add(store, 2)
    for attempt in (1, 2):
        worker = f"w{attempt}"
        claim(store, [poison, harmless] if attempt == 2 else [poison], worker, max_attempts=2)
        with store.write() as connection:
            freed = tasks.free_worker(connection, worker, max_attempts=2, reason="killed by SIGSEGV")
            assert freed == attempt
    assert [state(store, each) for each in (poison, harmless)] == ["dead", "queued"]
    assert row(store, poison).reason.endswith("the last time its worker ended: killed by SIGSEGV")


def test_the_last_attempt_counts_from_when_it_is_begun(store: Store):
    """A task that waits to be worked alone dies of nothing that others do to its worker."""
    [task_id] = add(store)

    def lease(lease_seconds: float = 60.0) -> Claimed:
        with store.write() as connection:
            return tasks.claim(
                connection, [task_id], worker="w1", lease_seconds=lease_seconds, max_attempts=2
            )[task_id]

    first = lease(lease_seconds=-1)
    assert (first.attempt, first.last) == (1, False)
    expire(store, max_attempts=2)
    for _ in range(5):
        waiting = lease(lease_seconds=-1)
        assert (waiting.attempt, waiting.last) == (2, True)
        expire(store, max_attempts=2)
        assert state(store, task_id) is TaskState.QUEUED
    last = lease(lease_seconds=-1)
    with store.write() as connection:
        assert not tasks.begin(connection, replace(last, token=last.token - 1)), "somebody else's claim"
        assert tasks.begin(connection, last)
    expire(store, max_attempts=2)
    assert state(store, task_id) is TaskState.DEAD


def test_a_first_attempt_is_never_held_back(store: Store):
    [task_id] = add(store)
    with store.write() as connection:
        claimed = tasks.claim(connection, [task_id], worker="w1", lease_seconds=60, max_attempts=1)
    assert (claimed[task_id].attempt, claimed[task_id].last) == (1, False)


def test_a_released_task_has_lost_no_attempt(store: Store):
    [task_id] = add(store)
    for token in (1, 2, 3, 4, 5):
        assert claim(store, [task_id])[task_id].token == token
        with store.write() as connection:
            assert tasks.release(connection, [task_id], worker="w1") == 1
        assert (row(store, task_id).attempt, row(store, task_id).state) == (0, "queued")
    claim(store, [task_id], lease_seconds=-1)
    expire(store, max_attempts=2)
    assert state(store, task_id) is TaskState.QUEUED


def test_nobody_releases_what_another_holds(store: Store):
    held, done, waiting = add(store, 3)
    finish(store, rejected(claim(store, [held, done], "w1")[done]))
    with store.write() as connection:
        assert tasks.release(connection, [held, done, waiting], worker="w2") == 0
        assert tasks.release(connection, [done, waiting], worker="w1") == 0
    assert [state(store, each) for each in (held, done, waiting)] == ["leased", "rejected", "queued"]


def test_a_stopped_task_is_dead_and_says_so(store: Store):
    mine, other = add(store, 2)
    held = claim(store, [mine], "w1") | claim(store, [other], "w2")
    with store.write() as connection:
        assert steering.stop(connection, [mine, other], worker="w1") == 1
    assert (row(store, mine).state, row(store, mine).reason_code) == ("dead", "stopped")
    assert finish(store, accepted(held[mine])) == set()
    assert state(store, other) is TaskState.LEASED


# Answers


def test_the_first_answer_stays(store: Store):
    [task_id] = add(store)
    save_answer(store, answer(task_id, 1, "first"))
    save_answer(store, answer(task_id, 1, "second"), answer(task_id, 2, "further"))
    with store.read() as connection:
        assert list(connection.scalars(select(AnswerRow.raw).order_by(AnswerRow.call_no))) == [
            "first",
            "further",
        ]


def test_who_answers_second_is_told_the_answer_that_stands(store: Store):
    """Else a query could be stored that did not come from the stored answer."""
    one, other = add(store, 2)
    first = answer(one, 1, "first", model="a", finish_reason="length")
    with store.write() as connection:
        assert [kept.text for kept in tasks.save_answers(connection, [first])] == ["first"]
        kept = tasks.save_answers(connection, [answer(other, 1, "new"), answer(one, 1, "second")])
    assert [each.text for each in kept] == ["new", "first"]
    assert (kept[1].call_no, kept[1].model, kept[1].finish_reason) == (1, "a", "length")


def test_an_answer_that_comes_second_is_paid_and_counts_once(store: Store):
    [task_id] = add(store)
    first = answer(task_id, 1, "first")
    second = answer(task_id, 1, "second", cost_usd=0.25, prompt_tokens=70)
    for _ in range(2):  # as where the store took it without our hearing of it
        save_answer(store, first)
        save_answer(store, second)
    with store.read() as connection:
        assert status.spent(connection) == status.Spent(
            calls=1, failed_calls=1, prompt_tokens=170, completion_tokens=20, cost_usd=0.75
        )
        assert connection.scalars(select(FailedCallRow.code)).all() == [tasks.OVERTAKEN]


def test_a_paid_answer_is_welcome_from_anyone(store: Store):
    """From a worker that lost its lease, even after the task has ended: it was paid for."""
    [task_id] = add(store)
    finish(store, accepted(claim(store, [task_id])[task_id]))
    save_answer(store, answer(task_id, 2, "late"))
    with store.read() as connection:
        assert connection.scalars(select(AnswerRow.raw)).all() == ["late"]


def test_the_next_attempt_gets_the_answers_that_are_paid_for(store: Store):
    [task_id] = add(store)
    claim(store, [task_id], lease_seconds=-1)
    save_answer(store, answer(task_id, 2, "b"), answer(task_id, 1, "a"))
    expire(store)
    claimed = claim(store, [task_id])[task_id]
    assert [(each.call_no, each.text, each.model) for each in claimed.answers] == [
        (1, "a", "stub-model"),
        (2, "b", "stub-model"),
    ]


def test_an_answer_for_no_task_is_refused(store: Store):
    with pytest.raises(IntegrityError):
        save_answer(store, answer(987_654))


def test_answers_hold_any_text(store: Store):
    [task_id] = add(store)
    odd = "🛒 \u202e e\u0301 \x01\x7f ' \" \\ %s :name {x} \r\n\t" + "x" * 100_000
    save_answer(store, answer(task_id, raw=odd, parameters={"stop": [odd[:9]]}))
    with store.read() as connection:
        found = connection.execute(select(AnswerRow.raw, AnswerRow.parameters)).one()
    assert (found.raw, found.parameters) == (odd, {"stop": [odd[:9]]})


# Requeueing


def test_a_rejected_task_gets_fresh_answers(store: Store):
    [task_id] = add(store)
    save_answer(store, answer(task_id, 1, "a"), answer(task_id, 2, "b"))
    finish(store, rejected(claim(store, [task_id])[task_id], call_no=2))
    assert requeue(store, task_id) == 1
    found = row(store, task_id)
    assert (found.state, found.attempt, found.reason_code, found.reason, found.finished_at) == (
        "queued",
        0,
        None,
        None,
        None,
    )
    claimed = claim(store, [task_id])[task_id]
    assert (claimed.calls_before, claimed.answers, claimed.token) == (2, (), 2)
    save_answer(store, answer(task_id, 3, "c"))
    assert finish(store, accepted(claimed, call_no=3)) == {task_id}


def test_a_second_rejection_keeps_the_candidates_of_both_rounds(store: Store):
    [task_id] = add(store)
    for call_no in (1, 2):
        save_answer(store, answer(task_id, call_no))
        finish(store, rejected(claim(store, [task_id])[task_id], call_no=call_no))
        requeue(store, task_id)
    assert claim(store, [task_id])[task_id].calls_before == 2
    with store.read() as connection:
        assert sorted(connection.scalars(select(CandidateRow.call_no))) == [1, 2]


def test_a_dead_task_goes_on_with_what_it_has_paid_for(store: Store):
    [task_id] = add(store)
    claim(store, [task_id], lease_seconds=-1)
    save_answer(store, answer(task_id, 1, "paid"))
    expire(store, max_attempts=1)
    assert requeue(store, task_id) == 1
    claimed = claim(store, [task_id])[task_id]
    assert (claimed.attempt, claimed.calls_before) == (1, 0)
    assert [each.text for each in claimed.answers] == ["paid"]


def test_another_model_starts_afresh_in_its_own_queue(store: Store):
    [task_id] = add(store)
    claim(store, [task_id], lease_seconds=-1)
    save_answer(store, answer(task_id, 1, "of the small one"))
    expire(store, max_attempts=1)
    assert requeue(store, task_id, model="large", queue="big") == 1
    claimed = claim(store, [task_id])[task_id]
    assert (claimed.model, claimed.calls_before, claimed.answers) == ("large", 1, ())
    assert row(store, task_id).queue == "big"


def test_the_same_model_again_keeps_what_a_dead_task_has_paid_for(store: Store):
    [task_id] = add(store, model="large")
    claim(store, [task_id], lease_seconds=-1)
    save_answer(store, answer(task_id, 1, "paid"))
    expire(store, max_attempts=1)
    requeue(store, task_id, model="large", queue="default")
    assert [each.text for each in claim(store, [task_id])[task_id].answers] == ["paid"]


# Waiting


def test_the_most_urgent_waits_first_and_equals_by_age(store: Store):
    normal = add(store, 2)
    [urgent] = add(store, priority=5)
    [lazy] = add(store, priority=-5)
    [elsewhere] = add(store, queue="big", priority=100)
    claim(store, normal[:1])
    with store.read() as connection:
        assert tasks.waiting(connection, "default", 10) == [
            (urgent, 5, "shop"),
            (normal[1], 0, "shop"),
            (lazy, -5, "shop"),
        ]
        assert [each[0] for each in tasks.waiting(connection, "default", 2)] == [urgent, normal[1]]
        assert [each[0] for each in tasks.waiting(connection, "big", 10)] == [elsewhere]


def test_work_is_open_while_it_waits_or_is_leased(store: Store):
    def open_in(*names: str) -> bool:
        with store.read() as connection:
            return tasks.any_open(connection, names)

    assert not open_in("default")
    [task_id] = add(store)
    assert open_in("default")
    assert not open_in("big")
    claimed = claim(store, [task_id])[task_id]
    assert open_in("big", "default")
    finish(store, accepted(claimed))
    assert not open_in("default")


@pytest.mark.parametrize("change", [{"ddl": "CREATE TABLE other (id INTEGER)"}, {"notes": "revenue: …"}])
def test_a_claim_tells_that_the_target_has_changed(store: Store, change: dict[str, str]):
    first, second, third = add(store, 3)
    before = claim(store, [first])[first].target_version
    assert claim(store, [second])[second].target_version == before
    targets.save(store, replace(SHOP, **change))
    assert claim(store, [third])[third].target_version > before


def test_a_candidate_is_written_once(store: Store):
    """The same attempt's rows come again where a commit's success was not heard."""
    [task_id] = add(store)
    claimed = claim(store, [task_id])[task_id]
    with store.write() as connection:
        connection.execute(CandidateRow.__table__.insert(), [candidate(task_id, sql="SELECT 1")])
    finish(store, accepted(claimed, "SELECT 2"))
    with store.read() as connection:
        assert connection.scalars(select(CandidateRow.sql)).all() == ["SELECT 1"]
