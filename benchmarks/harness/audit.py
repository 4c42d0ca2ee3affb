"""Holding the store against what was enqueued and what the model was paid for. Pure.

- lost: a task without a row, dead, or settled without what its state promises (a query and its answer)
- doubled: a second row or a second query for one question, or a query of a task that was not accepted
- unsettled: still waiting or in work at the end
- wrong: settled otherwise than the model's answers say, or from an answer that the model never gave
- miscounted: a counter that the metrics are made of says another number than the rows do
- extra: a payment for a call of a task that had been paid before. It is *inside* the call window when the
  worker that paid before it was killed, stopped or ended between its request and this one; *after persist*
  when that call's answer stood committed in the store as the request arrived; else *outside*.
- overtaken: after persist, but one of the two callers had been frozen until a moment before. Either it was
  frozen while it sent this request, and others did the work meanwhile; or it brought its answer back while
  another one was already sending. Both are the call window, seen from its other end.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from benchmarks.harness.evidence import (
    Books,
    Evidence,
    Hit,
    Payment,
    StoredAnswer,
    StoredQuery,
    StoredTask,
    WorkerLife,
)
from benchmarks.harness.schedule import Kind
from benchmarks.harness.script import Question

OPEN = ("queued", "leased")
COULD_NOT_CHECK = "could_not_check"
MOMENT_SECONDS = 1.0
ARRIVAL_SECONDS = 1.0
"""How long after its sender's end a request may yet be received, on a loaded machine."""

Key = TypeVar("Key")
Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Each field lists the offences of its kind, in words; `payments` counts all, `unchecked` is none.

    `unchecked` are tasks rejected since their checker, killed or stopped, could not judge a good answer.
    """

    tasks: int
    payments: int
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    miscounted: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    overtaken: tuple[str, ...] = ()
    after_persist: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the farm kept what it promises."""
        store = self.lost or self.doubled or self.unsettled or self.wrong or self.miscounted
        return not (store or self.after_persist)


def audit(evidence: Evidence) -> Verdict:
    """The verdict on a run."""
    books = evidence.books
    rows = grouped((task.key, task) for task in books.tasks)
    queries = grouped((query.task_id, query) for query in books.queries)
    answers = grouped((answer.task_id, answer) for answer in books.answers)
    found: dict[str, list[str]] = defaultdict(list)
    for question in evidence.questions:
        for kind, offence in judge(question, rows.get(question.key, []), queries, answers):
            found[kind].append(offence)
    for kind, offence in extras(evidence.payments, evidence.hits, books.lives):
        found[kind].append(offence)
    found["wrong"] += unpaid(books.tasks, books.answers, evidence.payments)
    found["miscounted"] += miscounted(books)
    return Verdict(
        tasks=len(evidence.questions),
        payments=len(evidence.payments),
        **{kind: tuple(offences) for kind, offences in found.items()},
    )


def miscounted(books: Books) -> Iterator[str]:
    """Where counters differ from the rows that they count; the run requeues nothing."""
    if books.counted is None:
        return
    rows = Counter(("tasks_ended", task.state, task.reason_code or "") for task in books.tasks)
    rows = Counter({key: number for key, number in rows.items() if key[1] not in OPEN})
    totals = {"tasks_enqueued": books.tasks, "model_calls": books.answers, "worker_ends": books.lives}
    said = Counter({key: number for key, number in books.counted.items() if key[0] == "tasks_ended"})
    for name, counted in totals.items():
        rows[name,] = len(counted)
        said[name,] = sum(number for key, number in books.counted.items() if key[0] == name)
    for key in sorted(rows.keys() | said.keys()):
        if rows[key] != said[key]:
            yield f"{' '.join(key)} is {said[key]}, and there are {rows[key]}"


def judge(
    question: Question,
    rows: Sequence[StoredTask],
    queries: Mapping[int, Sequence[StoredQuery]],
    answers: Mapping[int, Sequence[StoredAnswer]],
) -> Iterator[tuple[str, str]]:
    """What is wrong with one task, as (kind of offence, words)."""
    if not rows:
        yield "lost", f"{question.key} has no row"
        return
    if len(rows) > 1:
        yield "doubled", f"{question.key} has {len(rows)} rows"
    for task in rows:
        kept, said = queries.get(task.id, ()), {a.call_no: a for a in answers.get(task.id, ())}
        if len(kept) > 1:
            yield "doubled", f"{task.key} has {len(kept)} queries"
        if kept and task.state != "accepted":
            yield "doubled", f"{task.key} is {task.state} and has a query"
        if task.state in OPEN:
            yield "unsettled", f"{task.key} is {task.state} after {task.attempt} attempts"
        elif task.state == "dead":
            yield "lost", f"{task.key} is dead: {task.reason_code}"
        else:
            yield from _judge_outcome(question, task, kept, said)


def _judge_outcome(
    question: Question,
    task: StoredTask,
    kept: Sequence[StoredQuery],
    said: Mapping[int, StoredAnswer],
) -> Iterator[tuple[str, str]]:
    if task.state == "accepted" and not kept:
        yield "lost", f"{task.key} is accepted without a query"
    for query in kept:
        if query.call_no not in said:
            yield "lost", f"{task.key} has a query, but not the answer it is from"
        if query.sql != question.sql:
            yield "wrong", f"{task.key} has a query of something else: {query.sql}"
    for answer in said.values():
        if answer.raw != question.reply(answer.call_no):
            yield "wrong", f"{task.key} has another answer to call {answer.call_no} than was given"
    if task.state == "accepted" and not question.is_answerable:
        yield "wrong", f"{task.key} is accepted without a good answer"
    if task.state == "rejected" and question.is_answerable:
        unchecked = task.reason_code == COULD_NOT_CHECK
        yield "unchecked" if unchecked else "wrong", f"{task.key} is rejected: {task.reason_code}"
    if task.state == "rejected" and not said:
        yield "lost", f"{task.key} is rejected without an answer: {task.reason_code}"


def extras(
    payments: Iterable[Payment], hits: Sequence[Hit], lives: Sequence[WorkerLife]
) -> Iterator[tuple[str, str]]:
    """Every payment that is not the first for its call, as (kind, words)."""
    calls = grouped(((payment.number, payment.call_no), payment) for payment in payments)
    for (number, call_no), paid in calls.items():
        for earlier, later in pairwise(sorted(paid, key=lambda payment: payment.received_at)):
            words = (
                f"chaos-{number} call {call_no} by {later.pid} at {later.received_at:.3f}, "
                f"{later.received_at - earlier.received_at:.3f} s after {earlier.pid}"
            )
            if later.was_stored:
                callers = {payment.pid for payment in paid if payment.received_at <= later.received_at}
                yield ("overtaken" if _just_woke(callers, later, hits) else "after_persist"), words
            else:
                yield ("inside" if _was_hit(earlier, later.received_at, hits, lives) else "outside"), words


def _just_woke(callers: set[int | None], later: Payment, hits: Sequence[Hit]) -> bool:
    """Whether one of the callers had been frozen until a moment before the later request came."""
    return any(
        hit.kind is Kind.STOP_WORKER
        and hit.pids & callers
        and hit.at <= later.received_at <= hit.until + MOMENT_SECONDS
        for hit in hits
    )


def _was_hit(earlier: Payment, until: float, hits: Sequence[Hit], lives: Sequence[WorkerLife]) -> bool:
    """Whether the process that made the earlier request lost its task between that request and `until`."""
    since = earlier.received_at - ARRIVAL_SECONDS
    if earlier.pid is None:  # it ended before it could be found: nobody was there to hear the answer
        return earlier.answered_at is None
    befell = any(earlier.pid in hit.pids and hit.at <= until and hit.until >= since for hit in hits)
    return befell or any(life.pid == earlier.pid and since <= life.ended_at <= until for life in lives)


def unpaid(
    tasks: Iterable[StoredTask], answers: Iterable[StoredAnswer], payments: Iterable[Payment]
) -> list[str]:
    """Answers that nobody was paid for."""
    keys = {task.id: task.key for task in tasks}
    paid = Counter((f"chaos-{payment.number}", payment.call_no) for payment in payments)
    return [
        f"{keys.get(answer.task_id)} has an answer to call {answer.call_no} that was never asked"
        for answer in answers
        if not paid[keys.get(answer.task_id, ""), answer.call_no]
    ]


def grouped(pairs: Iterable[tuple[Key, Row]]) -> dict[Key, list[Row]]:
    """The second parts by the first."""
    groups: dict[Key, list[Row]] = defaultdict(list)
    for key, row in pairs:
        groups[key].append(row)
    return dict(groups)


__all__ = ["Verdict", "audit", "extras", "grouped", "judge", "unpaid"]
