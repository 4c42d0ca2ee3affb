"""What an operator does to tasks: cancel those that wait, requeue those that ended badly."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select, update

from farm.store.engine import now
from farm.store.states import TaskState
from farm.store.tables import AnswerRow, BatchItemRow, TaskRow

CANCELLED = "cancelled"
REQUEUEABLE = (TaskState.REJECTED, TaskState.DEAD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which tasks are meant: all conditions that are given must hold."""

    task_ids: tuple[int, ...] = ()
    batch_id: int | None = None
    target: str | None = None
    states: tuple[TaskState, ...] = REQUEUEABLE

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL conditions on the tasks table."""
        chosen: list[ColumnElement[bool]] = [TaskRow.state.in_(self.states)]
        if self.task_ids:
            chosen.append(TaskRow.id.in_(self.task_ids))
        if self.batch_id is not None:
            in_batch = select(BatchItemRow.task_id).where(BatchItemRow.batch_id == self.batch_id)
            chosen.append(TaskRow.id.in_(in_batch))
        if self.target is not None:
            chosen.append(TaskRow.target == self.target)
        return chosen


def requeue(
    connection: Connection, selection: Selection, *, model: str | None = None, queue: str | None = None
) -> int:
    """Let rejected and dead tasks be worked again, optionally by another model; returns how many.

    A rejected task gets fresh answers. A dead one goes on with the answers it has paid for, unless it changes
    its model.
    """
    calls = select(func.coalesce(func.max(AnswerRow.call_no), 0)).where(AnswerRow.task_id == TaskRow.id)
    fresh = TaskRow.state == TaskState.REJECTED if model is None else TaskRow.id == TaskRow.id
    changes: dict[str, Any] = {
        "state": TaskState.QUEUED,
        "attempt": 0,
        "calls_before": case((fresh, calls.scalar_subquery()), else_=TaskRow.calls_before),
        "reason_code": None,
        "reason": None,
        "finished_at": None,
    }
    if model is not None:
        changes |= {"model": model, "queue": queue}
    return connection.execute(update(TaskRow).where(*selection.conditions()).values(changes)).rowcount


def cancel(connection: Connection, batch_id: int) -> int:
    """Let the waiting tasks of a batch end as dead; those in work come to their end. Returns how many."""
    in_batch = select(BatchItemRow.task_id).where(BatchItemRow.batch_id == batch_id)
    return connection.execute(
        update(TaskRow)
        .where(TaskRow.id.in_(in_batch), TaskRow.state == TaskState.QUEUED)
        .values(
            state=TaskState.DEAD, reason_code=CANCELLED, reason="cancelled with its batch", finished_at=now()
        )
    ).rowcount
