"""Which tasks are meant: what an operator filters by, as a value and as conditions."""

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, func, or_, select

from farm.store.states import TaskState
from farm.store.tables import BatchItemRow, TaskRow

IDS_PER_STATEMENT = 10_000
REQUEUEABLE = (TaskState.REJECTED, TaskState.DEAD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which tasks are meant: all conditions that are given must hold. `task_ids`: None means any, () none.

    `queue` is the route that they go; `text` holds words that the question must all have.
    """

    task_ids: tuple[int, ...] | None = None
    batch_id: int | None = None
    target: str | None = None
    states: tuple[TaskState, ...] = REQUEUEABLE
    queue: str | None = None
    reason_code: str | None = None
    text: str | None = None

    def parts(self) -> list["Selection"]:
        """The selection in parts that each fit into one statement."""
        ids = self.task_ids
        if ids is None or len(ids) <= IDS_PER_STATEMENT:
            return [self]
        places = range(0, len(ids), IDS_PER_STATEMENT)
        return [replace(self, task_ids=ids[place : place + IDS_PER_STATEMENT]) for place in places]

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL conditions on the tasks table."""
        return [condition for conditions in self.by_name().values() for condition in conditions]

    def by_name(self) -> dict[str, list[ColumnElement[bool]]]:
        """The conditions of each field that is given."""
        found: dict[str, list[ColumnElement[bool]]] = {}
        if set(self.states) != set(TaskState):
            found["states"] = [TaskRow.state.in_(self.states)]
        if self.task_ids is not None:
            found["task_ids"] = [TaskRow.id.in_(self.task_ids)]
        if self.batch_id is not None:
            in_batch = select(BatchItemRow.task_id).where(BatchItemRow.batch_id == self.batch_id)
            found["batch_id"] = [TaskRow.id.in_(in_batch)]
        if self.target is not None:
            found["target"] = [TaskRow.target == self.target]
        if self.queue is not None:
            found["queue"] = [TaskRow.queue == self.queue]
        if self.reason_code is not None:
            found["reason_code"] = [TaskRow.reason_code == self.reason_code]
        if self.text is not None:
            found["text"] = [_has(word) for word in self.text.split()]
        return found

    def driver(self) -> str | None:
        """The field whose index finds the tasks in the order of their ids; None: all tasks are looked at."""
        given = [name for name in ("task_ids", "batch_id", "reason_code") if getattr(self, name) is not None]
        if given:
            return given[0]
        few = TaskState.ACCEPTED not in self.states
        if few or (len(self.states) == 1 and self.target is None):
            return "states"
        return "target" if self.target is not None else None


def _has(word: str) -> ColumnElement[bool]:
    # As written too: a Postgres without a locale knows no small letters but ASCII's.
    return or_(
        TaskRow.question.contains(word, autoescape=True),
        func.lower(TaskRow.question).contains(word.lower(), autoescape=True),
    )
