"""What the stateful test's model knows of tasks, held against the store."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from support.store import accepted, rejected

from farm.store.engine import Store
from farm.store.states import TRANSITIONS, TaskState
from farm.store.tables import AnswerRow, QueryRow, TaskRow
from farm.store.tasks import Claimed, Outcome

MAX_ATTEMPTS = 3
FIELDS = (TaskRow.state, TaskRow.token, TaskRow.attempt, TaskRow.calls_before)


@dataclass(kw_only=True)
class Expected:
    """A task as the model has it."""

    id: int
    state: TaskState = TaskState.QUEUED
    token: int = 0
    attempt: int = 0
    calls_before: int = 0
    worker: str | None = None
    late: bool = False  # its lease has run out, and nobody has freed it yet
    begun: bool = False  # the attempt of its lease counts
    answers: dict[int, str] = field(default_factory=dict)
    query: str | None = None

    @property
    def kept(self) -> list[str]:
        """The answers of this round."""
        return [text for call_no, text in sorted(self.answers.items()) if call_no > self.calls_before]

    def row(self) -> tuple[Any, ...]:
        return self.state, self.token, self.attempt, self.calls_before

    def leave(self, state: TaskState) -> None:
        """End the lease, or the wait."""
        self.state, self.late, self.begun = state, False, False

    def expire(self) -> None:
        self.leave(TaskState.DEAD if self.attempt >= MAX_ATTEMPTS else TaskState.QUEUED)


@dataclass(kw_only=True)
class Hand:
    """A task in a worker's hand, which may be its no more."""

    worker: str
    claimed: Claimed
    waits: bool
    answers: list[str]

    @property
    def may_rest(self) -> bool:
        return self.claimed.last and not self.waits

    def outcome(self, *, accepts: bool) -> Outcome:
        """What finishing with the last answer leaves behind."""
        call_no = self.claimed.calls_before + len(self.answers)
        if accepts:
            return accepted(self.claimed, self.answers[-1], call_no=call_no)
        return rejected(self.claimed, call_no=call_no)


class Books:
    """Every task as it should be, and as it was when it was last looked at."""

    def __init__(self) -> None:
        self.tasks: dict[int, Expected] = {}
        self._seen: dict[int, tuple[TaskState, int]] = {}

    def in_state(self, *states: TaskState) -> list[Expected]:
        return [task for task in self.tasks.values() if task.state in states]

    def leased_to(self, worker: str) -> list[Expected]:
        return [task for task in self.in_state(TaskState.LEASED) if task.worker == worker]

    def late(self) -> list[Expected]:
        return [task for task in self.tasks.values() if task.late]

    def held(self, hand: Hand) -> bool:
        """Whether the lease that this claim gave still stands."""
        task = self.tasks[hand.claimed.id]
        return task.state is TaskState.LEASED and task.token == hand.claimed.token

    def check(self, store: Store, done: str) -> None:
        """The store must be what stands here; `done` names what was done last."""
        with store.read() as connection:
            rows = connection.execute(select(TaskRow.id, TaskRow.reason_code, *FIELDS)).all()
            answers = connection.execute(select(AnswerRow.task_id, AnswerRow.call_no, AnswerRow.raw)).all()
            queries = connection.execute(select(QueryRow.task_id, QueryRow.sql)).all()
        for row in rows:
            self._check_move(row, done)
        expected = self.tasks.values()
        same({row.id: tuple(row)[-len(FIELDS) :] for row in rows}, {task.id: task.row() for task in expected})
        same(
            {(row.task_id, row.call_no): row.raw for row in answers},
            {(task.id, call_no): text for task in expected for call_no, text in task.answers.items()},
        )
        same(sorted(map(tuple, queries)), sorted((task.id, task.query) for task in expected if task.query))

    def _check_move(self, row: Any, done: str) -> None:
        """Whatever the model thinks: a move stands in the table, and the token never goes back."""
        state, token = self._seen.get(row.id, (TaskState.QUEUED, 0))
        if state != row.state:
            move = (state, done, row.state)
            assert move in TRANSITIONS, f"{move} does not stand in the table"
        assert row.token >= token
        assert (row.reason_code is not None) == (row.state in (TaskState.DEAD, TaskState.REJECTED))
        self._seen[row.id] = TaskState(row.state), row.token


def same(stored: object, expected: object) -> None:
    assert stored == expected, f"the store has {stored}\nthe model has {expected}"
