"""Made-up ledgers: each defect is seen, and what is in order is not blamed."""

from dataclasses import replace

import pytest

from benchmarks.harness.audit import Verdict, audit
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
from benchmarks.harness.script import MODEL, MOST_CALLS, Question

EASY = Question(number=1, bad_calls=0, model=MODEL)
REPAIRED = Question(number=2, bad_calls=1, model=MODEL)
HOPELESS = Question(number=3, bad_calls=MOST_CALLS, model=MODEL)
QUESTIONS = (EASY, REPAIRED, HOPELESS)
CALLS = {1: 1, 2: 2, 3: 3}
WORKER = 100


def payment(number: int, call_no: int, at: float = 10.0, **changes: object) -> Payment:
    made = Payment(number=number, call_no=call_no, received_at=at, answered_at=at + 1, pid=WORKER)
    return replace(made, **changes)


def task(question: Question, **changes: object) -> StoredTask:
    state = "accepted" if question.is_answerable else "rejected"
    code = None if question.is_answerable else "unknown_column"
    row = StoredTask(id=question.number, key=question.key, state=state, reason_code=code, attempt=1)
    return replace(row, **changes)


def answer(question: Question, call_no: int) -> StoredAnswer:
    raw = question.reply(call_no)
    return StoredAnswer(task_id=question.number, call_no=call_no, raw=raw, created_at=11.0)


def query(question: Question) -> StoredQuery:
    return StoredQuery(task_id=question.number, call_no=CALLS[question.number], sql=question.sql)


BOOKS = Books(
    tasks=tuple(task(question) for question in QUESTIONS),
    answers=tuple(answer(q, call) for q in QUESTIONS for call in range(1, CALLS[q.number] + 1)),
    queries=(query(EASY), query(REPAIRED)),
)
PAYMENTS = tuple(payment(q.number, call) for q in QUESTIONS for call in range(1, CALLS[q.number] + 1))
IN_ORDER = Evidence(questions=QUESTIONS, payments=PAYMENTS, hits=(), books=BOOKS)


def offences(verdict: Verdict) -> dict[str, int]:
    """How many of each kind, where there are any."""
    kinds = (
        "lost",
        "doubled",
        "unsettled",
        "wrong",
        "miscounted",
        "unchecked",
        "inside",
        "outside",
        "overtaken",
        "after_persist",
    )
    return {kind: len(getattr(verdict, kind)) for kind in kinds if getattr(verdict, kind)}


def with_books(**changes: object) -> Evidence:
    return replace(IN_ORDER, books=replace(BOOKS, **changes))


def with_task(question: Question, **changes: object) -> Evidence:
    return with_books(tasks=tuple(task(q, **changes) if q is question else task(q) for q in QUESTIONS))


def again(earlier: Payment, seconds: float = 5.0, **changes: object) -> Payment:
    """The same call paid for once more, by another worker."""
    return replace(earlier, **({"received_at": earlier.received_at + seconds, "pid": WORKER + 1} | changes))


def paying(*more: Payment, hits: tuple[Hit, ...] = (), lives: tuple[WorkerLife, ...] = ()) -> Evidence:
    books = replace(BOOKS, lives=lives)
    return replace(IN_ORDER, payments=(*PAYMENTS, *more), hits=hits, books=books)


def hit(at: float, until: float | None = None, pid: int = WORKER) -> Hit:
    return Hit(kind=Kind.KILL_WORKER, at=at, until=at if until is None else until, pids=frozenset({pid}))


def test_books_in_order_are_not_blamed() -> None:
    verdict = audit(IN_ORDER)
    assert verdict.ok
    assert (verdict.tasks, verdict.payments, offences(verdict)) == (3, 6, {})


@pytest.mark.parametrize(
    ("evidence", "found"),
    [
        (with_books(tasks=BOOKS.tasks[1:], answers=BOOKS.answers[1:], queries=BOOKS.queries[1:]), "lost"),
        (with_task(EASY, state="dead", reason_code="attempts"), "lost"),
        (with_books(queries=(query(REPAIRED),)), "lost"),
        (with_books(answers=BOOKS.answers[1:]), "lost"),
        (with_books(answers=BOOKS.answers[:3]), "lost"),
        (with_books(queries=(*BOOKS.queries, query(EASY))), "doubled"),
        (with_books(queries=(*BOOKS.queries, replace(query(EASY), task_id=3, sql=HOPELESS.sql))), "doubled"),
        (with_books(tasks=(*BOOKS.tasks, task(HOPELESS))), "doubled"),
        (with_task(HOPELESS, state="queued"), "unsettled"),
        (with_task(HOPELESS, state="leased"), "unsettled"),
        (with_books(queries=(replace(query(EASY), sql=REPAIRED.sql), query(REPAIRED))), "wrong"),
        (with_books(answers=(replace(BOOKS.answers[0], raw="SELECT 2"), *BOOKS.answers[1:])), "wrong"),
        (replace(IN_ORDER, payments=PAYMENTS[1:]), "wrong"),
    ],
)
def test_what_is_wrong_with_a_task_is_seen(evidence: Evidence, found: str) -> None:
    verdict = audit(evidence)
    assert found in offences(verdict)
    assert not verdict.ok


def test_an_answerable_task_is_rejected_wrongly_unless_its_checker_could_not_judge() -> None:
    without_query = replace(BOOKS, queries=(query(REPAIRED),))
    for code, kind in (("unknown_column", "wrong"), ("could_not_check", "unchecked")):
        tasks = (task(EASY, state="rejected", reason_code=code), *BOOKS.tasks[1:])
        verdict = audit(replace(IN_ORDER, books=replace(without_query, tasks=tasks)))
        assert offences(verdict) == {kind: 1}
        assert verdict.ok is (kind == "unchecked")


def test_a_hopeless_task_that_is_accepted_is_wrong() -> None:
    books = replace(
        BOOKS,
        tasks=(*BOOKS.tasks[:2], task(HOPELESS, state="accepted")),
        queries=(*BOOKS.queries, query(HOPELESS)),
    )
    assert offences(audit(replace(IN_ORDER, books=books))) == {"wrong": 1}


def test_a_call_paid_for_after_its_answer_was_stored_fails_the_run_whoever_was_killed() -> None:
    verdict = audit(paying(again(PAYMENTS[0], was_stored=True), hits=(hit(10.5),)))
    assert offences(verdict) == {"after_persist": 1}
    assert not verdict.ok


@pytest.mark.parametrize(
    ("woken", "woke_at", "kind"),
    [
        (WORKER + 1, 14.9, "overtaken"),  # frozen while it sent the request
        (WORKER, 14.9, "overtaken"),  # it brought its answer back as the other was sending
        (WORKER + 1, 13.9, "after_persist"),  # long awake: it could have known
        (WORKER, 13.9, "after_persist"),
        (WORKER + 2, 14.9, "after_persist"),  # somebody else
    ],
)
def test_a_frozen_caller_excuses_a_late_request_for_a_moment_only(
    woken: int, woke_at: float, kind: str
) -> None:
    stop = Hit(kind=Kind.STOP_WORKER, at=9.0, until=woke_at, pids=frozenset({woken}))
    verdict = audit(paying(again(PAYMENTS[0], was_stored=True), hits=(stop,)))
    assert offences(verdict) == {kind: 1}
    assert verdict.ok is (kind == "overtaken")


@pytest.mark.parametrize(
    ("hits", "lives", "kind"),
    [
        ((hit(10.5),), (), "inside"),  # killed while it waited for the answer
        ((hit(9.0, 12.0),), (), "inside"),  # stopped before and until after
        ((hit(12.0, 30.0),), (), "inside"),  # stopped with the answer in its hands
        ((), (WorkerLife(pid=WORKER, ended_at=12.0, reason="memory"),), "inside"),
        ((hit(9.5),), (), "inside"),  # killed with the request on its way
        ((hit(8.5),), (), "outside"),  # another process of that number, before the call
        ((hit(15.5),), (), "outside"),  # only after the second call had been made
        ((hit(10.5, pid=WORKER + 1),), (), "outside"),  # somebody else
        ((), (WorkerLife(pid=WORKER, ended_at=16.0, reason="memory"),), "outside"),
        ((), (), "outside"),
    ],
)
def test_a_repeated_call_is_inside_the_window_only_if_its_first_caller_was_hit(
    hits: tuple[Hit, ...], lives: tuple[WorkerLife, ...], kind: str
) -> None:
    verdict = audit(paying(again(PAYMENTS[0]), hits=hits, lives=lives))
    assert offences(verdict) == {kind: 1}
    assert verdict.ok


def test_only_a_worker_that_was_frozen_is_excused() -> None:
    killed = replace(hit(14.9), pids=frozenset({WORKER}))
    assert offences(audit(paying(again(PAYMENTS[0], was_stored=True), hits=(killed,)))) == {
        "after_persist": 1
    }


def test_payments_are_held_against_each_other_in_order_of_time() -> None:
    late, first = PAYMENTS[0], replace(PAYMENTS[0], received_at=5.0, answered_at=6.0, pid=WORKER + 1)
    evidence = replace(IN_ORDER, payments=(*PAYMENTS, first), hits=(hit(5.5, pid=WORKER + 1),))
    assert late.received_at > first.received_at
    assert offences(audit(evidence)) == {"inside": 1}


def test_each_repetition_is_held_against_the_call_before_it() -> None:
    second = again(PAYMENTS[0])
    third = again(second, pid=WORKER + 2)
    verdict = audit(paying(third, second, hits=(hit(10.5),)))
    assert offences(verdict) == {"inside": 1, "outside": 1}


def test_a_caller_that_had_ended_before_it_could_be_found_heard_no_answer() -> None:
    unheard = replace(PAYMENTS[0], pid=None, answered_at=None)
    heard = replace(PAYMENTS[0], pid=None)
    for first, kind in ((unheard, "inside"), (heard, "outside")):
        evidence = replace(IN_ORDER, payments=(first, again(first, pid=WORKER), *PAYMENTS[1:]))
        assert offences(audit(evidence)) == {kind: 1}


def test_counters_that_differ_from_the_rows_are_told():
    counted = {("tasks_enqueued",): len(BOOKS.tasks), ("model_calls", "m"): len(BOOKS.answers)}
    for one in BOOKS.tasks:
        key = ("tasks_ended", one.state, one.reason_code or "")
        counted[key] = counted.get(key, 0) + 1
    assert offences(audit(with_books(counted=counted))) == {}
    for key, number in counted.items():
        assert offences(audit(with_books(counted=counted | {key: number + 1}))) == {"miscounted": 1}
    assert offences(audit(with_books(counted=counted | {("tasks_ended", "dead", "attempts"): 1}))) == {
        "miscounted": 1
    }
