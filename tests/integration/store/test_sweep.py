"""All tasks that match, in small parts: each once, and no other."""

from support.store import add, claim, row, state

from farm.store import steering
from farm.store.engine import Store
from farm.store.states import TaskState
from farm.store.sweep import sweep
from farm.store.task_selection import Selection

WAITING = (TaskState.QUEUED,)


def test_all_that_match_are_cancelled_and_no_other(store: Store):
    ids = add(store, 11)
    [other] = add(store, queue="big")
    claim(store, ids[:2])
    chosen = Selection(states=WAITING, queue="default")
    assert sweep(store, chosen, steering.cancel_tasks, part=2) == 9
    assert [state(store, each) for each in ids] == ["leased"] * 2 + ["dead"] * 9
    assert state(store, other) == "queued"
    assert row(store, ids[5]).reason == "cancelled by an operator"
    assert sweep(store, chosen, steering.cancel_tasks, part=2) == 0


def test_no_more_than_wanted_are_touched_the_newest_first(store: Store):
    ids = add(store, 9)
    assert sweep(store, Selection(states=WAITING), steering.cancel_tasks, part=2, most=5) == 5
    assert [state(store, each) for each in ids] == ["queued"] * 4 + ["dead"] * 5


def test_named_tasks_are_held_against_the_other_conditions(store: Store):
    ids = add(store, 5)
    claim(store, ids[:1])
    chosen = Selection(task_ids=(*ids, 987_654), states=WAITING)
    assert sweep(store, chosen, steering.cancel_tasks, part=2) == 4
    assert sweep(store, Selection(task_ids=(), states=WAITING), steering.cancel_tasks) == 0
