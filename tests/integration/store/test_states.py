"""The table of transitions is the whole truth: what the store does stands in it, and all of it happens."""

import random
from collections.abc import Callable

import pytest
from sqlalchemy import select
from support.store import accepted, add, answer, claim, finish, rejected, row, save_answer

from farm.errors import BadInput
from farm.store import steering, tasks
from farm.store.engine import Store
from farm.store.states import SETTLED, TRANSITIONS, TaskState
from farm.store.steering import Selection
from farm.store.tables import TaskRow
from farm.store.tasks import Claimed

Chance = random.Random
Operation = Callable[["Drive"], str]
MAX_ATTEMPTS = 2


class Drive:
    """Six tasks of one batch, two workers, and every claim that was ever made."""

    def __init__(self, store: Store, chance: Chance) -> None:
        self.store = store
        self.chance = chance
        self.ids = add(store, 6)
        self.batch = row(store, self.ids[0]).batch_id
        self.claims: list[Claimed] = []

    def some(self) -> list[int]:
        return self.chance.sample(self.ids, self.chance.randint(1, 4))

    def worker(self) -> str:
        return self.chance.choice(["w1", "w2"])

    def states(self) -> dict[int, tuple[TaskState, int]]:
        """State and token of each task."""
        with self.store.read() as connection:
            rows = connection.execute(select(TaskRow.id, TaskRow.state, TaskRow.token)).all()
        return {found.id: (TaskState(found.state), found.token) for found in rows}


def do_claim(drive: Drive) -> str:
    lease_seconds = drive.chance.choice([-1.0, 60.0])
    drive.claims += claim(drive.store, drive.some(), drive.worker(), lease_seconds=lease_seconds).values()
    return "claim"


def do_finish(drive: Drive, kind: str) -> str:
    if drive.claims:
        claimed = drive.chance.choice(drive.claims)
        finish(drive.store, accepted(claimed) if kind == "accept" else rejected(claimed))
    return kind


def do_expire(drive: Drive) -> str:
    with drive.store.write() as connection:
        tasks.expire(connection, max_attempts=MAX_ATTEMPTS)
    return "expire"


def do_free(drive: Drive) -> str:
    with drive.store.write() as connection:
        tasks.free_worker(connection, drive.worker(), max_attempts=MAX_ATTEMPTS)
    return "expire"


def do_release(drive: Drive) -> str:
    with drive.store.write() as connection:
        tasks.release(connection, drive.some(), worker=drive.worker())
    return "release"


def do_stop(drive: Drive) -> str:
    with drive.store.write() as connection:
        steering.stop(connection, drive.some(), worker=drive.worker())
    return "stop"


def do_cancel(drive: Drive) -> str:
    with drive.store.write() as connection:
        steering.cancel(connection, drive.batch)
    return "cancel"


def do_requeue(drive: Drive) -> str:
    with drive.store.write() as connection:
        steering.requeue(connection, Selection(task_ids=tuple(drive.some())))
    return "requeue"


def do_renew(drive: Drive) -> str:
    with drive.store.write() as connection:
        tasks.renew(connection, drive.some(), worker=drive.worker(), lease_seconds=60)
    return "renew"


def do_answer(drive: Drive) -> str:
    save_answer(drive.store, *(answer(task_id) for task_id in drive.some()))
    return "answer"


OPERATIONS: dict[Operation, int] = {
    do_claim: 8,
    lambda drive: do_finish(drive, "accept"): 2,
    lambda drive: do_finish(drive, "reject"): 3,
    do_expire: 3,
    do_free: 2,
    do_release: 2,
    do_stop: 1,
    do_cancel: 1,
    do_requeue: 4,
    do_renew: 1,
    do_answer: 1,
}


def walk(store: Store, chance: Chance, steps: int) -> set[tuple[TaskState, str, TaskState]]:
    """Every change of state that random operations made."""
    drive, seen = Drive(store, chance), set()
    before = drive.states()
    for _ in range(steps):
        operate = chance.choices(list(OPERATIONS), weights=list(OPERATIONS.values()))[0]
        name = operate(drive)
        after = drive.states()
        for task_id in drive.ids:
            (was, old), (is_now, new) = before[task_id], after[task_id]
            assert new - old == (1 if name == "claim" and was is not is_now else 0), (
                "only a claim moves the fence"
            )
            if was is not is_now:
                seen.add((was, name, is_now))
        before = after
    return seen


def test_what_happens_is_what_the_table_says(store: Store):
    chance, seen = Chance(20_26), set()
    for _ in range(6):
        seen |= walk(store, chance, 80)
        assert seen <= TRANSITIONS
    assert seen == TRANSITIONS, "every transition of the table can happen"


def test_a_finished_task_waits_for_somebody_to_requeue_it():
    leaving = {name for was, name, _ in TRANSITIONS if was in SETTLED}
    assert leaving == {"requeue"}
    assert not [entry for entry in TRANSITIONS if entry[0] is TaskState.ACCEPTED], "what is kept stays kept"


def test_every_state_can_be_reached_from_queued():
    reached, grown = {TaskState.QUEUED}, True
    while grown:
        further = reached | {to for was, _, to in TRANSITIONS if was in reached}
        grown, reached = further != reached, further
    assert reached == set(TaskState)


@pytest.mark.parametrize("state", [TaskState.ACCEPTED, TaskState.LEASED, TaskState.QUEUED])
def test_only_what_ended_badly_can_be_requeued(store: Store, state: TaskState):
    with store.write() as connection, pytest.raises(BadInput, match=f"not {state}"):
        steering.requeue(connection, Selection(states=(state, TaskState.DEAD)))
