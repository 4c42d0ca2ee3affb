"""One task with all that is known of it: its answers, the verdicts on them, and the calls that failed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from farm.sql.verdict import Verdict
from farm.store.states import TaskState
from farm.store.tables import AnswerRow, CandidateRow, FailedCallRow, QueryRow, TaskRow

TEXT_LIMIT_CHARS = 20_000
MOST_CALLS = 50
MOST_CANDIDATES = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateDetail:
    """A query found in an answer, and the verdict on it; a very long one is cut."""

    sql: str
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class CallDetail:
    """A model call that gave an answer. `raw` is its beginning, `length_chars` the length of the whole."""

    call_no: int
    model: str
    raw: str
    length_chars: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    latency_ms: float
    finish_reason: str
    prompt_version: str
    prompt_hash: str
    created_at: datetime
    candidates: tuple[CandidateDetail, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedCallDetail:
    """A model call that gave no answer and may have been paid."""

    call_no: int
    model: str
    code: str
    message: str
    cost_usd: float | None
    latency_ms: float
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDetail:
    """A task. `model` is the one it asks for by name (None: its queue's), `query_id` its report."""

    id: int
    batch_id: int
    key: str
    question: str
    target: str
    dialect: str | None
    model: str | None
    queue: str
    priority: int
    tags: list[str]
    state: TaskState
    attempt: int
    worker: str | None
    reason_code: str | None
    reason: str | None
    created_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None
    query_id: int | None
    calls: tuple[CallDetail, ...] = ()
    failed_calls: tuple[FailedCallDetail, ...] = ()


def get(connection: Connection, task_id: int) -> TaskDetail | None:
    """The task with this id; of very many calls and candidates the first, of long texts the beginning."""
    own = [name for name in TaskDetail.__slots__ if name not in ("query_id", "calls", "failed_calls")]
    row = connection.execute(
        select(*(getattr(TaskRow, name) for name in own), QueryRow.id.label("query_id"))
        .outerjoin(QueryRow, QueryRow.task_id == TaskRow.id)
        .where(TaskRow.id == task_id)
    ).one_or_none()
    if row is None:
        return None
    return TaskDetail(
        **{**row._mapping, "state": TaskState(row.state)},
        calls=_calls(connection, task_id),
        failed_calls=_failed_calls(connection, task_id),
    )


def _calls(connection: Connection, task_id: int) -> tuple[CallDetail, ...]:
    candidates: dict[int, list[CandidateDetail]] = {}
    for row in connection.execute(
        select(
            CandidateRow.call_no,
            func.substr(CandidateRow.sql, 1, TEXT_LIMIT_CHARS).label("sql"),
            CandidateRow.verdict,
        )
        .where(CandidateRow.task_id == task_id)
        .order_by(CandidateRow.call_no, CandidateRow.position)
        .limit(MOST_CANDIDATES)
    ):
        detail = CandidateDetail(sql=row.sql, verdict=Verdict.from_dict(row.verdict))
        candidates.setdefault(row.call_no, []).append(detail)
    own = [name for name in CallDetail.__slots__ if name not in ("raw", "length_chars", "candidates")]
    answers = connection.execute(
        select(
            *(getattr(AnswerRow, name) for name in own),
            func.substr(AnswerRow.raw, 1, TEXT_LIMIT_CHARS).label("raw"),
            func.length(AnswerRow.raw).label("length_chars"),
        )
        .where(AnswerRow.task_id == task_id)
        .order_by(AnswerRow.call_no)
        .limit(MOST_CALLS)
    )
    return tuple(
        CallDetail(**row._mapping, candidates=tuple(candidates.get(row.call_no, ()))) for row in answers
    )


def _failed_calls(connection: Connection, task_id: int) -> tuple[FailedCallDetail, ...]:
    rows = connection.execute(
        select(*(getattr(FailedCallRow, name) for name in FailedCallDetail.__slots__))
        .where(FailedCallRow.task_id == task_id)
        .order_by(FailedCallRow.created_at)
        .limit(MOST_CALLS)
    )
    return tuple(FailedCallDetail(**row._mapping) for row in rows)
