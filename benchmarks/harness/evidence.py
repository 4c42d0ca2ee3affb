"""What is known after a run, as values: what was asked, paid, done to the farm, and found in its store."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.harness.schedule import Kind
from benchmarks.harness.script import Question


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """One request that reached the model: from then on it costs, whether or not anybody hears the answer.

    Times are epoch seconds. `answered_at` None: the caller had gone before its answer was sent. `pid` is the
    process that asked, None where it had ended before it could be found. `was_stored` says whether an answer
    to the same call stood committed in the store when the request arrived; it is looked up for every
    request but the first, and None where the store could not be read.
    """

    number: int
    call_no: int
    received_at: float
    answered_at: float | None
    pid: int | None
    was_stored: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A fault that befell processes, from `at` to `until` (epoch seconds; equal for a kill)."""

    kind: Kind
    at: float
    until: float
    pids: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLife:
    """A worker whose end its watchdog has noted in the store (epoch seconds)."""

    pid: int
    ended_at: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTask:
    """A row of `tasks`."""

    id: int
    key: str
    state: str
    reason_code: str | None
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAnswer:
    """A row of `answers`; `created_at` (epoch seconds) is just before its commit."""

    task_id: int
    call_no: int
    raw: str
    created_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredQuery:
    """A row of `queries`."""

    task_id: int
    call_no: int
    sql: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Books:
    """The store as it stands after the run; `counted` are its counters (farm.store.counters)."""

    tasks: tuple[StoredTask, ...] = ()
    answers: tuple[StoredAnswer, ...] = ()
    queries: tuple[StoredQuery, ...] = ()
    lives: tuple[WorkerLife, ...] = ()
    counted: Mapping[tuple[str, ...], int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything that the audit needs. `questions` are those whose enqueueing was confirmed."""

    questions: tuple[Question, ...]
    payments: tuple[Payment, ...]
    hits: tuple[Hit, ...]
    books: Books
