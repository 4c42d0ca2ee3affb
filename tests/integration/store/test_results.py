"""How the tasks of a batch stand, in the order asked, and what they cost."""

from support.store import (
    accepted,
    add,
    answer,
    claim,
    expire,
    failed_call,
    finish,
    rejected,
    row,
    save_answer,
    save_failed_call,
)

from farm.store import results
from farm.store.engine import Store
from farm.store.results import Progress


def test_each_task_is_told_with_what_it_cost(store: Store):
    good, bad, waiting = add(store, 3)
    held = claim(store, [good, bad])
    save_answer(store, answer(good), answer(good, 2), answer(bad, cost_usd=None))
    finish(store, accepted(held[good], "SELECT 7"), rejected(held[bad]))
    with store.read() as connection:
        first, second, third = results.by_id(connection, [waiting, bad, good])
        assert results.by_id(connection, []) == []
    assert (first.task_id, first.state, first.sql, first.model) == (
        good,
        "accepted",
        "SELECT 7",
        "stub-model",
    )
    assert (first.calls, first.prompt_tokens, first.completion_tokens, first.cost_usd) == (2, 200, 20, 1.0)
    assert (second.state, second.reason_code, second.sql, second.query_id) == (
        "rejected",
        "syntax",
        None,
        None,
    )
    assert (second.calls, second.cost_usd) == (1, None)
    assert (third.state, third.settled, third.calls, third.finished_at) == ("queued", False, 0, None)
    assert first.settled
    assert second.settled
    assert first.created_at.utcoffset() is not None


def test_positions_give_a_part_of_a_batch(store: Store):
    ids = add(store, 5)
    batch = row(store, ids[0]).batch_id
    with store.read() as connection:
        part = results.by_position(connection, batch, range(1, 3))
        assert [each.task_id for each in part] == ids[1:3]
        assert results.by_position(connection, batch, range(5, 9)) == []
        assert results.by_position(connection, 987_654, range(0, 9)) == []


def test_progress_counts_tasks_tokens_and_money(store: Store):
    ids = add(store, 5)
    add(store, 3)
    batch = row(store, ids[0]).batch_id
    held = claim(store, ids[:3], lease_seconds=-1)
    finish(store, accepted(held[ids[0]]), rejected(held[ids[1]]))
    save_answer(store, answer(ids[0]), answer(ids[1], 3))
    expire(store, max_attempts=1)
    claim(store, ids[3:4])
    with store.read() as connection:
        progress = results.progress(connection, batch)
        assert results.progress(connection, 987_654) == Progress(total=0)
    assert progress == Progress(
        total=5,
        queued=1,
        leased=1,
        accepted=1,
        rejected=1,
        dead=1,
        prompt_tokens=200,
        completion_tokens=20,
        cost_usd=1.0,
    )
    assert (progress.done, progress.tokens) == (3, 220)


def test_calls_that_gave_no_answer_count_in_tokens_and_money(store: Store):
    good, bad, unpriced = add(store, 3)
    save_answer(store, answer(good), answer(unpriced, cost_usd=None))
    save_failed_call(store, failed_call(good), failed_call(good, 2), failed_call(bad))
    with store.read() as connection:
        first, second, third = results.by_id(connection, [good, bad, unpriced])
        progress = results.progress(connection, row(store, good).batch_id)
    assert (first.calls, first.failed_calls, first.prompt_tokens, first.cost_usd) == (1, 2, 240, 1.0)
    assert (second.calls, second.failed_calls, second.completion_tokens, second.cost_usd) == (0, 1, 7, 0.25)
    assert (third.calls, third.failed_calls, third.cost_usd) == (1, 0, None)
    assert (progress.prompt_tokens, progress.completion_tokens, progress.cost_usd) == (410, 41, 1.25)


def test_a_failed_call_that_is_written_again_counts_once(store: Store):
    [task] = add(store, 1)
    lost = failed_call(task)
    for _ in range(2):
        save_failed_call(store, lost)
    with store.read() as connection:
        [result] = results.by_id(connection, [task])
    assert result.failed_calls == 1
