"""What an operator does to tasks: cancel what waits, stop what is in work, requeue what ended badly."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, case, func, or_, select, update

from farm.errors import BadInput
from farm.store import counted, counters
from farm.store.engine import now
from farm.store.states import TaskState
from farm.store.tables import AnswerRow, BatchItemRow, TaskRow
from farm.store.task_selection import IDS_PER_STATEMENT, REQUEUEABLE, Selection

CANCELLED = "cancelled"
STOPPED = "stopped"
CANCELLABLE = (TaskState.QUEUED,)

__all__ = ["IDS_PER_STATEMENT", "REQUEUEABLE", "Selection", "cancel", "cancel_tasks", "requeue", "stop"]


def requeue(
    connection: Connection, selection: Selection, *, model: str | None = None, queue: str | None = None
) -> int:
    """Let rejected and dead tasks be worked again, optionally by another model; returns how many.

    A rejected task gets fresh answers. A dead one goes on with the answers it has paid for, unless it changes
    its model. Raises BadInput for a selection of tasks in other states.
    """
    if wrong := [state for state in selection.states if state not in REQUEUEABLE]:
        raise BadInput(f"only rejected and dead tasks can be requeued, not {wrong[0]}")
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
        "claimed_at": None,
        "finished_at": None,
    }
    if model is not None:
        changes |= {"model": model, "queue": queue}
    done = 0
    for state in selection.states:
        tasks = sum(
            connection.execute(update(TaskRow).where(*part.conditions()).values(changes)).rowcount
            for part in replace(selection, states=(state,)).parts()
        )
        counters.add(connection, counted.requeued(tasks, state))
        done += tasks
    return done


def cancel(connection: Connection, batch_id: int) -> int:
    """Let the waiting tasks of a batch end as dead; those in work come to their end. Returns how many."""
    in_batch = select(BatchItemRow.task_id).where(BatchItemRow.batch_id == batch_id)
    done = connection.execute(
        update(TaskRow)
        .where(TaskRow.id.in_(in_batch), TaskRow.state == TaskState.QUEUED)
        .values(
            state=TaskState.DEAD, reason_code=CANCELLED, reason="cancelled with its batch", finished_at=now()
        )
    ).rowcount
    counters.add(connection, counted.ended(done, TaskState.DEAD, CANCELLED))
    return done


def cancel_tasks(connection: Connection, selection: Selection) -> int:
    """Let waiting tasks end as dead; those in work come to their end. Returns how many.

    Raises BadInput for a selection of tasks in other states.
    """
    if wrong := [state for state in selection.states if state not in CANCELLABLE]:
        raise BadInput(f"only queued tasks can be cancelled, not {wrong[0]}")
    ended = {"state": TaskState.DEAD, "reason_code": CANCELLED, "reason": "cancelled by an operator"}
    done = sum(
        connection.execute(
            update(TaskRow).where(*part.conditions()).values(**ended, finished_at=now())
        ).rowcount
        for part in selection.parts()
    )
    counters.add(connection, counted.ended(done, TaskState.DEAD, CANCELLED))
    return done


def stop(connection: Connection, task_ids: Collection[int], *, worker: str) -> int:
    """Let tasks that `worker` was working on end as dead, as somebody had it stop. Returns how many."""
    done = connection.execute(
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
    counters.add(connection, counted.ended(done, TaskState.DEAD, STOPPED))
    return done
