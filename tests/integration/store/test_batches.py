"""How batches stand: exactly where that is cheap, by a sample where it is not, on SQLite and Postgres."""

import pytest
from sqlalchemy import insert, update
from support.store import (
    accepted,
    add,
    answer,
    claim,
    failed_call,
    finish,
    rejected,
    row,
    save_answer,
    save_failed_call,
    task,
)

from farm.store import batch_pace, batch_tasks, batches, enqueue
from farm.store.batches import Limits, Standing, estimate
from farm.store.engine import Store, now
from farm.store.states import TaskState
from farm.store.tables import BatchItemRow, TaskRow

TINY = Limits(exact=3, few=3, sample=10)
QUEUED, LEASED, ACCEPTED, REJECTED, DEAD = TaskState


def batch_of(store: Store, task_id: int) -> int:
    return int(row(store, task_id).batch_id)


def ask(store: Store, *numbers: int, name: str | None = None) -> int:
    return enqueue.enqueue(store, [(task(number), "default") for number in numbers], name=name).batch_id


def settle(store: Store, *ids: int, well: bool = True) -> None:
    held = claim(store, ids)
    finish(store, *(accepted(held[each]) if well else rejected(held[each]) for each in ids))


def test_a_small_batch_is_counted_with_what_others_added(store: Store):
    ids = add(store, 4)
    settle(store, ids[0])
    settle(store, ids[1], well=False)
    other = ask(store, 0, 1, 2, 99, 0)
    with store.read() as connection:
        found = batches.standings(connection, [batch_of(store, ids[0]), other, 987_654])
    first, second, unknown = found.values()
    assert first == Standing(total=4, counts={QUEUED: 2, ACCEPTED: 1, REJECTED: 1}, all_own=True)
    assert second == Standing(total=5, counts={QUEUED: 2, ACCEPTED: 2, REJECTED: 1})
    assert (second.done, second.open, second.refused) == (3, 2, 1)
    assert unknown == Standing(total=0)


def test_of_a_large_batch_the_rare_is_counted_and_the_frequent_estimated(store: Store):
    ids = add(store, 20)
    settle(store, *ids[:10])
    settle(store, ids[10], well=False)
    with store.read() as connection:
        found = batches.standing(connection, batch_of(store, ids[0]), TINY)
    assert found.total == 20
    assert found.counts[REJECTED] == 1
    assert found.counts[ACCEPTED] + found.counts[QUEUED] == 19
    assert 8 <= found.counts[ACCEPTED] <= 12
    assert found.estimated == {ACCEPTED, QUEUED}


def test_a_large_batch_with_one_frequent_state_adds_up(store: Store):
    ids = add(store, 20)
    settle(store, *ids)
    with store.read() as connection:
        found = batches.standing(connection, batch_of(store, ids[0]), TINY)
    assert (found.counts[ACCEPTED], found.open, found.done) == (20, 0, 20)


def test_a_large_batch_of_tasks_that_earlier_ones_added_is_seen_by_its_sample(store: Store):
    ids = add(store, 10)
    settle(store, *ids)
    again = ask(store, *range(10), 77)
    with store.read() as connection:
        found = batches.standing(connection, again, TINY)
    assert found.counts == {QUEUED: 1, LEASED: 0, ACCEPTED: 10, REJECTED: 0, DEAD: 0}
    assert found.estimated == {ACCEPTED}


@pytest.mark.parametrize(
    ("own", "seen", "counts"),
    [
        ({ACCEPTED: 90, QUEUED: 10}, {}, {ACCEPTED: 90, QUEUED: 10}),
        ({ACCEPTED: 101, QUEUED: 5}, {(ACCEPTED, True): 9}, {ACCEPTED: 95, QUEUED: 5}),
        ({ACCEPTED: 101}, {}, {ACCEPTED: 100}),
        ({QUEUED: 5}, {}, {QUEUED: 5, ACCEPTED: 95}),
        (
            {ACCEPTED: 101, QUEUED: 101},
            {(ACCEPTED, True): 2, (QUEUED, True): 1},
            {ACCEPTED: 67, QUEUED: 33},
        ),
        ({QUEUED: 40}, {(QUEUED, True): 4, (DEAD, False): 3, (QUEUED, False): 3}, {QUEUED: 70, DEAD: 30}),
    ],
)
def test_an_estimate_always_adds_up(own, seen, counts):
    found = estimate(100, own, seen, few=100)
    assert found.counts == counts
    assert sum(found.counts.values()) == found.total == 100


def test_batches_come_newest_first_by_keyset_and_by_name(store: Store):
    ids = [ask(store, number, name=f"Import {number}" if number else None) for number in range(4)]
    with store.read() as connection:
        first = batches.find(connection, limit=2)
        assert [line.id for line in first] == ids[:1:-1]
        assert [line.id for line in batches.find(connection, before=first[-1].id, limit=9)] == ids[1::-1]
        assert [line.id for line in batches.find(connection, search="iMPort 2", limit=9)] == [ids[2]]
        assert batches.find(connection, search="%", limit=9) == []
        found = batches.get(connection, ids[3])
        assert found is not None
        assert found.name == "Import 3"
        assert batches.get(connection, 987_654) is None


def test_reasons_are_counted_most_frequent_first(store: Store):
    ids = add(store, 4)
    held = claim(store, ids[:3])
    finish(store, *(rejected(held[each], code) for each, code in zip(ids, ("a", "b", "b"), strict=False)))
    with store.read() as connection:
        found = batches.reasons(connection, batch_of(store, ids[0]))
    assert [(reason.code, reason.tasks) for reason in found] == [("b", 2), ("a", 1)]


def test_spend_counts_every_call_or_scales_a_sample(store: Store, monkeypatch: pytest.MonkeyPatch):
    ids = add(store, 20)
    save_answer(store, *(answer(each) for each in ids))
    save_failed_call(store, failed_call(ids[0], 2))
    batch = batch_of(store, ids[0])
    with store.read() as connection:
        exact = batch_pace.spend(connection, batch, Standing(total=20))
        monkeypatch.setattr(batch_pace, "ONE", TINY)
        scaled = batch_pace.spend(connection, batch, Standing(total=20))
        by_span = batch_pace.spend(connection, batch, Standing(total=20, all_own=True))
        nothing = batch_pace.spend(connection, 987_654, Standing(total=0))
    assert (exact.prompt_tokens, exact.completion_tokens, exact.cost_usd) == (2070, 207, 10.25)
    assert (exact.tokens, exact.estimated) == (2277, False)
    assert by_span == exact
    assert scaled.estimated
    assert 2000 <= scaled.prompt_tokens <= 2200
    assert nothing.cost_usd is None


def test_the_pace_is_that_of_the_last_minute(store: Store):
    ids = add(store, 10)
    batch = batch_of(store, ids[0])
    with store.read() as connection:
        assert batch_pace.tasks_per_second(connection, batch) == 0
    settle(store, *ids[:6])
    other = ask(store, 50)
    with store.write() as connection:
        connection.execute(
            update(TaskRow).where(TaskRow.id.in_(ids[:2])).values(finished_at=now() - 2 * batch_pace.RECENT)
        )
    with store.read() as connection:
        pace = batch_pace.tasks_per_second(connection, batch)
        assert 4 / 60 <= pace <= 4 / 0.5
        assert batch_pace.tasks_per_second(connection, other) == 0


def pages(store: Store, batch: int, total: int, **options) -> list[list[int]]:
    found, after = [], None
    with store.read() as connection:
        while True:
            page = batch_tasks.page(connection, batch, total=total, after=after, limit=2, **options)
            found.append([each.task_id for each in page.tasks])
            if (after := page.after) is None:
                return found


def test_tasks_come_in_the_order_asked_by_keyset(store: Store):
    ids = add(store, 3)
    batch = ask(store, 2, 77, 0, 2)
    with store.read() as connection:
        new = batch_tasks.page(connection, batch, total=4).tasks[1].task_id
    assert pages(store, batch, 4) == [[ids[2], new], [ids[0], ids[2]]]
    assert pages(store, 987_654, 0) == [[]]


@pytest.mark.parametrize("large", [False, True])
def test_a_filter_by_state_keeps_the_order(store: Store, monkeypatch: pytest.MonkeyPatch, large: bool):
    if large:
        monkeypatch.setattr(batch_tasks, "MOST_SCANNED", 3)
    ids = add(store, 7)
    settle(store, ids[1], ids[5])
    settle(store, ids[2], well=False)
    batch = batch_of(store, ids[0])
    assert pages(store, batch, 7, states=(QUEUED,)) == [[ids[0], ids[3]], [ids[4], ids[6]]]
    assert pages(store, batch, 7, states=(REJECTED, ACCEPTED)) == [[ids[1], ids[2]], [ids[5]]]
    assert pages(store, batch, 7, states=(DEAD,)) == [[]]


def test_a_filter_on_a_large_batch_says_that_it_leaves_out_earlier_tasks(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batch_tasks, "MOST_SCANNED", 3)
    add(store, 3)
    batch = ask(store, 0, 1, 2, 50, 51)
    with store.read() as connection:
        found = batch_tasks.page(connection, batch, total=5, states=(QUEUED,))
    assert found.own_only
    assert [each.question for each in found.tasks] == ["Question 50?", "Question 51?"]


def test_a_batch_that_asks_one_question_over_and_over_adds_up(store: Store):
    [first] = add(store, 1)
    batch = batch_of(store, first)
    items = [{"batch_id": batch, "position": place, "task_id": first} for place in range(1, 50)]
    with store.write() as connection:
        connection.execute(insert(BatchItemRow), items)
    with store.read() as connection:
        found = batches.standing(connection, batch, TINY)
    assert (found.total, found.counts[QUEUED]) == (50, 50)
