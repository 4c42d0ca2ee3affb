"""What an operator does to tasks: cancel what waits, stop what is in work, requeue what ended badly."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, or_, select, update

from farm.errors import BadInput
from farm.store.engine import now
from farm.store.states import TaskState
from farm.store.tables import AnswerRow, BatchItemRow, TaskRow

CANCELLED = "cancelled"
STOPPED = "stopped"
IDS_PER_STATEMENT = 10_000
REQUEUEABLE = (TaskState.REJECTED, TaskState.DEAD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which tasks are meant: all conditions that are given must hold. `task_ids`: None means any, () none."""

    task_ids: tuple[int, ...] | None = None
    batch_id: int | None = None
    target: str | None = None
    states: tuple[TaskState, ...] = REQUEUEABLE

    def __post_init__(self) -> None:
        if wrong := [state for state in self.states if state not in REQUEUEABLE]:
            raise BadInput(f"only rejected and dead tasks can be requeued, not {wrong[0]}")

    def parts(self) -> list["Selection"]:
        """The selection in parts that each fit into one statement."""
        ids = self.task_ids
        if ids is None or len(ids) <= IDS_PER_STATEMENT:
            return [self]
        places = range(0, len(ids), IDS_PER_STATEMENT)
        return [replace(self, task_ids=ids[place : place + IDS_PER_STATEMENT]) for place in places]

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL conditions on the tasks table."""
        chosen: list[ColumnElement[bool]] = [TaskRow.state.in_(self.states)]
        if self.task_ids is not None:
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
    fresh = TaskRow.state == TaskState.REJECTED
    if model is not None:
        fresh = or_(fresh, TaskRow.model.is_distinct_from(model))
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
    return sum(
        connection.execute(update(TaskRow).where(*part.conditions()).values(changes)).rowcount
        for part in selection.parts()
    )


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


def stop(connection: Connection, task_ids: Collection[int], *, worker: str) -> int:
    """Let tasks that `worker` was working on end as dead, as somebody had it stop. Returns how many."""
    return connection.execute(
        update(TaskRow)
        .where(TaskRow.id.in_(task_ids), TaskRow.worker == worker, TaskRow.state == TaskState.LEASED)
        .values(
            state=TaskState.DEAD,
            reason_code=STOPPED,
            reason="stopped by RQ's stop-job command; `farm requeue` lets it be worked again",
            finished_at=now(),
            leased_until=None,
        )
    ).rowcount
