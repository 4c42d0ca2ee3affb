"""Which tasks an operator's choice means."""

import pytest
from support.store import accepted, add, claim, expire, finish, rejected, row, state

from farm.store import steering, targets
from farm.store.engine import Store
from farm.store.states import TaskState
from farm.store.steering import IDS_PER_STATEMENT, Selection
from farm.targets.target import Target


def requeue(store: Store, selection: Selection) -> int:
    with store.write() as connection:
        return steering.requeue(connection, selection)


@pytest.fixture
def ended(store: Store) -> dict[str, int]:
    """One task in each state."""
    names = ["queued", "leased", "accepted", "rejected", "dead"]
    ids = dict(zip(names, add(store, 5), strict=True))
    held = claim(store, [ids["accepted"], ids["rejected"]])
    finish(store, accepted(held[ids["accepted"]]), rejected(held[ids["rejected"]]))
    claim(store, [ids["dead"]], lease_seconds=-1)
    expire(store, max_attempts=1)
    claim(store, [ids["leased"]])
    assert {name: state(store, task_id) for name, task_id in ids.items()} == {name: name for name in names}
    return ids


def test_without_a_condition_everything_that_ended_badly_is_meant(store: Store, ended: dict[str, int]):
    assert requeue(store, Selection()) == 2
    assert state(store, ended["accepted"]) == "accepted"
    assert state(store, ended["leased"]) == "leased"


def test_no_ids_at_all_mean_no_task(store: Store, ended: dict[str, int]):
    """The tasks of an empty list, not all of them."""
    assert requeue(store, Selection(task_ids=())) == 0


def test_the_conditions_narrow_each_other(store: Store, ended: dict[str, int]):
    batch = row(store, ended["dead"]).batch_id
    assert requeue(store, Selection(task_ids=tuple(ended.values()), states=(TaskState.DEAD,))) == 1
    assert requeue(store, Selection(task_ids=(ended["dead"],))) == 0, "it waits already"
    assert requeue(store, Selection(batch_id=batch + 1)) == 0
    assert requeue(store, Selection(batch_id=batch, target="nowhere")) == 0
    assert requeue(store, Selection(batch_id=batch, target="shop")) == 1


def test_tasks_for_one_target_are_meant(store: Store, ended: dict[str, int]):
    targets.save(store, Target(name="bank", dialect="sqlite", ddl="CREATE TABLE t (a)"))
    assert requeue(store, Selection(target="bank")) == 0
    assert requeue(store, Selection(target="shop")) == 2


def test_more_ids_than_a_statement_takes_are_no_problem(store: Store, ended: dict[str, int]):
    ids = (*range(1_000_000, 1_000_000 + 4 * IDS_PER_STATEMENT), ended["dead"], ended["rejected"])
    assert requeue(store, Selection(task_ids=ids)) == 2


def test_cancelling_ends_what_waits_in_one_batch(store: Store, ended: dict[str, int]):
    [other] = add(store)
    with store.write() as connection:
        assert steering.cancel(connection, row(store, ended["queued"]).batch_id) == 1
        assert steering.cancel(connection, 987_654) == 0
    found = row(store, ended["queued"])
    assert (found.state, found.reason_code, found.reason) == ("dead", "cancelled", "cancelled with its batch")
    assert found.finished_at is not None
    assert [state(store, each) for each in (ended["leased"], other)] == ["leased", "queued"]
