"""Tasks in final states: the rows' own number at every moment, though the rows are counted seldom."""

from sqlalchemy import text
from support.store import accepted, add, claim, expire, finish, rejected

from farm.store import counters, status, steering
from farm.store.engine import Store
from farm.store.settled import Settled
from farm.store.states import SETTLED
from farm.store.task_selection import Selection


def right(store: Store, settled: Settled) -> bool:
    """Whether the numbers are those of the rows."""
    with store.read() as connection:
        rows = status.tasks_by_state(connection)
        return settled.count(connection, counters.read(connection)) == {
            state: rows[state] for state in SETTLED
        }


def test_ends_and_requeues_are_followed_without_counting_rows(store: Store):
    settled = Settled(clock=lambda: 0.0)
    ids = add(store, 5)
    assert right(store, settled)
    held = claim(store, ids[:3])
    finish(store, accepted(held[ids[0]]), rejected(held[ids[1]], "no_sql"), rejected(held[ids[2]]))
    assert right(store, settled)
    claim(store, [ids[3]], lease_seconds=-1, max_attempts=1)
    expire(store, max_attempts=1)
    with store.write() as connection:
        assert steering.cancel_tasks(connection, Selection(states=steering.CANCELLABLE)) == 1
    assert right(store, settled)
    counters.fold(store)
    with store.write() as connection:
        chosen = Selection(states=steering.REQUEUEABLE, task_ids=(ids[1], ids[3]))
        assert steering.requeue(connection, chosen) == 2
    assert right(store, settled)


def test_what_somebody_does_by_hand_is_seen_when_rows_are_counted_again(store: Store):
    time = 0.0
    settled = Settled(every_seconds=600.0, clock=lambda: time)
    ids = add(store, 2)
    finish(store, rejected(claim(store, ids[:1])[ids[0]]))
    assert right(store, settled)
    with store.write() as connection:
        connection.execute(text("UPDATE tasks SET state = 'dead' WHERE state = 'rejected'"))
    assert not right(store, settled)
    time = 600.0
    assert right(store, settled)
