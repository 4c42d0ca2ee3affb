"""Reading the store of the farm under test, as its users would: by its tables."""

import contextlib

from sqlalchemy import func, select

from benchmarks.harness.evidence import Books, StoredAnswer, StoredQuery, StoredTask, WorkerLife
from benchmarks.harness.script import question
from farm.errors import FarmError
from farm.store import counters
from farm.store.engine import Store
from farm.store.tables import AnswerRow, QueryRow, TaskRow, WorkerRow


class Reader:
    """Reads one store; every method may raise farm.errors.FarmError while the database is away."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._seed = seed

    def was_stored(self, number: int, call_no: int) -> bool | None:
        """Whether an answer to this call is committed; None where the database is away."""
        key = question(self._seed, number).key
        found = (
            select(AnswerRow.task_id)
            .join(TaskRow, TaskRow.id == AnswerRow.task_id)
            .where(TaskRow.key == key, AnswerRow.call_no == call_no)
        )
        with contextlib.suppress(FarmError), self._store.read() as connection:
            return connection.execute(found).first() is not None
        return None

    def counts(self) -> dict[str, int]:
        """How many tasks are in each state."""
        with self._store.read() as connection:
            rows = connection.execute(select(TaskRow.state, func.count()).group_by(TaskRow.state))
            return {state: count for state, count in rows}  # noqa: C416  rows are not tuples to mypy

    def books(self) -> Books:
        """Everything, for the audit."""
        with self._store.read() as connection:
            tasks = connection.execute(
                select(TaskRow.id, TaskRow.key, TaskRow.state, TaskRow.reason_code, TaskRow.attempt)
            )
            answers = connection.execute(
                select(AnswerRow.task_id, AnswerRow.call_no, AnswerRow.raw, AnswerRow.created_at)
            )
            queries = connection.execute(select(QueryRow.task_id, QueryRow.call_no, QueryRow.sql))
            lives = connection.execute(select(WorkerRow.pid, WorkerRow.ended_at, WorkerRow.end_reason))
            return Books(
                tasks=tuple(StoredTask(**row._mapping) for row in tasks),
                answers=tuple(
                    StoredAnswer(
                        task_id=row.task_id,
                        call_no=row.call_no,
                        raw=row.raw,
                        created_at=row.created_at.timestamp(),
                    )
                    for row in answers
                ),
                queries=tuple(StoredQuery(**row._mapping) for row in queries),
                lives=tuple(
                    WorkerLife(pid=pid, ended_at=ended_at.timestamp(), reason=reason or "")
                    for pid, ended_at, reason in lives
                    if ended_at is not None
                ),
                counted=counters.read(connection),
            )
