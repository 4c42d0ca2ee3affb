"""The pipeline over small in-memory forms of its own four interfaces."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from farm.errors import (
    BadAnswer,
    BadInput,
    FarmError,
    GiveUp,
    StopRoute,
    Unavailable,
    UnknownTarget,
    Unstorable,
)
from farm.models.answer import Answer, FailedCall, Usage
from farm.pipeline.produce import Pipeline
from farm.prompt.worked import Worked
from farm.sql.verdict import Candidate, Finding, Severity, Verdict
from farm.store.states import TaskState
from farm.store.tasks import Claimed, StoredAnswer
from farm.targets.target import Target

VERSION = datetime(2026, 1, 1, tzinfo=UTC)
SHOP = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE orders (id INTEGER PRIMARY KEY)")
TASK = Claimed(
    id=7, token=1, attempt=1, question="How many?", target="shop", target_version=VERSION, model=None
)


def good(sql: str) -> tuple[Candidate, ...]:
    return (Candidate(sql=sql, verdict=Verdict(dry_run="sqlite")),)


def bad(sql: str, code: str = "unknown_column") -> tuple[Candidate, ...]:
    return (Candidate(sql=sql, verdict=Verdict(findings=(Finding(code=code, message=f"{code} in {sql}"),))),)


@dataclass
class Scene:
    """One task's world. `said` are the model's answers, `verdicts` what the checker makes of each text."""

    said: list[Any] = field(default_factory=list)
    verdicts: dict[str, tuple[Candidate, ...] | Exception] = field(default_factory=dict)
    task: Claimed | None = TASK
    target: Target | Exception = SHOP
    lease_holds: bool = True
    holds_in_turn: list[bool] = field(default_factory=list)
    troubles: list[FarmError] = field(default_factory=list)
    finish_reason: str = "stop"
    unstorable: tuple[str, ...] = ()
    log: list[str] = field(default_factory=list)
    answers: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    failed: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[Any] = field(default_factory=list)
    asked: list[list[tuple[str, str]]] = field(default_factory=list)
    constrained: list[tuple[str, str, str]] = field(default_factory=list)
    grammars: list[str | None] = field(default_factory=list)

    async def claim(self, task_id):
        return self.task if self.task is not None and task_id == self.task.id else None

    async def begin(self, task):
        self.log.append("begun")
        return self.lease_holds

    async def holds(self, task):
        return self.holds_in_turn.pop(0) if self.holds_in_turn else True

    async def save_answer(self, row):
        if "answer" in self.unstorable:
            raise Unstorable("the store refuses it")
        self.log.append(f"saved {row['raw']}")
        kept = self.answers.setdefault((row["task_id"], row["call_no"]), row)
        return StoredAnswer(
            call_no=row["call_no"], text=kept["raw"], model=kept["model"], finish_reason=kept["finish_reason"]
        )

    async def save_failed_call(self, row):
        self.log.append(f"noted {row['code']}")
        self.failed.append(row)

    async def finish(self, outcome):
        if "query" in self.unstorable and outcome.query is not None:
            raise Unstorable("the store refuses it")
        self.log.append(f"finished {outcome.state}")
        self.outcomes.append(outcome)
        return self.lease_holds

    async def rest(self, task):
        self.log.append("rested")
        return self.lease_holds

    async def constrain(self, question, sql, target):
        self.constrained.append((question, sql, target.name))
        return f"grammar after {sql}" if sql or question else None

    async def ask(self, messages, hold, note, pause, grammar):
        await hold()
        self.grammars.append(grammar)
        self.asked.append([(message.role, message.content) for message in messages])
        for error in self.troubles:
            await note(error)
            await pause(0.0)
            await hold()
        said = self.said.pop(0)
        if isinstance(said, BaseException):
            raise said
        self.log.append(f"asked {said}")
        return Answer(
            text=said,
            model="m",
            prompt_tokens=9,
            completion_tokens=3,
            latency_ms=1.0,
            finish_reason=self.finish_reason,
        )

    async def assess(self, text, target):
        self.log.append(f"assessed {text}")
        verdict = self.verdicts[text]
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    async def find_target(self, name, version):
        if isinstance(self.target, Exception):
            raise self.target
        return self.target

    def produce(self, task_id=7, **options):
        pipeline = Pipeline(
            ledger=self,
            ask=self.ask,
            assess=self.assess,
            find_target=self.find_target,
            **({"max_repairs": 2} | options),
        )
        return asyncio.run(pipeline.produce(task_id))

    @property
    def outcome(self):
        (outcome,) = self.outcomes
        return outcome


def test_a_query_that_people_judged_good_goes_along_with_the_question():
    async def find_worked(question, target):
        assert (question, target) == ("How many?", SHOP)
        return Worked(question="How many orders?", sql="SELECT count(*) FROM orders")

    scene = Scene(said=["a"], verdicts={"a": good("SELECT 1")})
    scene.produce(find_worked=find_worked)
    [asked] = scene.asked
    assert "SELECT count(*) FROM orders" in asked[-1][1]


def test_a_good_answer_is_accepted_at_once():
    scene = Scene(said=["a"], verdicts={"a": good("SELECT 1")})
    assert scene.produce() is TaskState.ACCEPTED
    assert (scene.outcome.task_id, scene.outcome.token) == (7, 1)
    query = scene.outcome.query
    assert (query["sql"], query["model"], query["call_no"], query["dry_run"]) == (
        "SELECT 1",
        "m",
        1,
        "sqlite",
    )
    assert query["schema_fingerprint"] == SHOP.fingerprint
    assert [row["accepted"] for row in scene.outcome.candidates] == [True]


@pytest.mark.parametrize(
    ("when", "max_repairs", "grammars"),
    [
        ("last_repair", 2, [None, None, "grammar after SELECT y"]),
        ("last_repair", 1, [None, "grammar after SELECT x"]),
        ("last_repair", 0, [None]),
        ("first", 1, ["grammar after ", "grammar after SELECT x"]),
        ("never", 2, [None, None, None]),
    ],
)
def test_a_call_is_held_to_the_grammar_when_it_is_due(when, max_repairs, grammars):
    scene = Scene(
        said=["a", "b", "c"], verdicts={t: bad(f"SELECT {s}") for t, s in zip("abc", "xyz", strict=True)}
    )
    scene.produce(max_repairs=max_repairs, constrain=scene.constrain, grammar_when=when)
    assert scene.grammars == grammars


def test_a_stored_answer_needs_no_grammar():
    stored = StoredAnswer(call_no=1, text="a", model="m", finish_reason="stop")
    scene = Scene(task=replace(TASK, answers=(stored,)), verdicts={"a": good("SELECT 1")})
    scene.produce(constrain=scene.constrain, grammar_when="first")
    assert scene.constrained == []


def test_an_answer_is_durable_before_anything_looks_at_it():
    scene = Scene(said=["a"], verdicts={"a": good("SELECT 1")})
    scene.produce()
    assert scene.log == ["asked a", "saved a", "assessed a", "finished accepted"]


def test_a_refused_answer_is_repaired_with_its_verdict():
    scene = Scene(said=["a", "b"], verdicts={"a": bad("SELECT x"), "b": good("SELECT id")})
    assert scene.produce() is TaskState.ACCEPTED
    first, second = scene.asked
    assert second[: len(first)] == first
    assert second[-2] == ("assistant", "```sql\nSELECT x\n```")
    assert "unknown_column in SELECT x" in second[-1][1]
    assert scene.outcome.query["call_no"] == 2
    assert [(row["call_no"], row["accepted"]) for row in scene.outcome.candidates] == [(1, False), (2, True)]
    assert [key for key, _ in sorted(scene.answers.items())] == [(7, 1), (7, 2)]


def test_a_task_whose_rounds_are_used_up_keeps_every_candidate():
    scene = Scene(
        said=["a", "b", "c"],
        verdicts={"a": bad("SELECT x") + bad("SELECT y"), "b": (), "c": bad("SELECT z", "not_read_only")},
    )
    assert scene.produce() is TaskState.REJECTED
    outcome = scene.outcome
    assert outcome.query is None
    assert (outcome.reason_code, outcome.reason) == ("not_read_only", "not_read_only in SELECT z")
    kept = [(row["call_no"], row["position"], row["sql"]) for row in outcome.candidates]
    assert kept == [(1, 0, "SELECT x"), (1, 1, "SELECT y"), (3, 0, "SELECT z")]
    assert [row["verdict"]["accepted"] for row in outcome.candidates] == [False] * 3


def test_an_answer_without_sql_is_rejected_as_such():
    scene = Scene(said=["a"], verdicts={"a": ()})
    assert scene.produce(max_repairs=0) is TaskState.REJECTED
    assert scene.outcome.reason_code == "no_sql"


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_a_task_asks_at_most_once_more_than_it_may_repair(rounds):
    scene = Scene(said=["a"] * 9, verdicts={"a": bad("SELECT x")})
    scene.produce(max_repairs=rounds - 1)
    assert len(scene.asked) == rounds


def test_of_several_candidates_the_good_one_is_kept():
    scene = Scene(said=["a"], verdicts={"a": bad("SELECT x") + good("SELECT 1")})
    assert scene.produce() is TaskState.ACCEPTED
    assert scene.outcome.query["sql"] == "SELECT 1"
    assert len(scene.outcome.candidates) == 2


def test_a_warning_does_not_reject():
    warned = Verdict(findings=(Finding(code="slow", message="slow", severity=Severity.WARNING),))
    scene = Scene(said=["a"], verdicts={"a": (Candidate(sql="SELECT 1", verdict=warned),)})
    assert scene.produce() is TaskState.ACCEPTED


def ran(*codes: tuple[str, Severity]):
    """What stands in for running a query, with these findings."""

    async def run(candidate, target):
        findings = tuple(Finding(code=code, message=code, severity=severity) for code, severity in codes)
        return replace(candidate, verdict=replace(candidate.verdict, findings=findings))

    return run


def test_a_query_that_fails_on_the_data_is_repaired():
    scene = Scene(said=["a", "b"], verdicts={"a": bad("x") + good("SELECT 1 / 0"), "b": bad("y")})
    scene.target = replace(SHOP, evidence=True)
    assert scene.produce(max_repairs=1, run=ran(("run_failed", Severity.ERROR))) is TaskState.REJECTED
    assert "run_failed" in scene.asked[1][-1][1]
    kept = [(row["sql"], row["accepted"]) for row in scene.outcome.candidates]
    assert kept == [("x", False), ("SELECT 1 / 0", False), ("y", False)]


def test_an_odd_result_is_kept_with_its_query():
    scene = Scene(said=["a"], verdicts={"a": good("SELECT 1")}, target=replace(SHOP, evidence=True))
    assert scene.produce(run=ran(("empty_result", Severity.WARNING))) is TaskState.ACCEPTED
    [row] = scene.outcome.candidates
    assert row["verdict"]["findings"][0]["code"] == "empty_result"


@pytest.mark.parametrize(
    ("target", "verdict"),
    [(SHOP, good("SELECT 1")), (replace(SHOP, evidence=True), bad("SELECT x"))],
    ids=["not wanted", "refused"],
)
def test_only_what_passes_is_run_and_only_where_that_is_wanted(target, verdict):
    async def never(candidate, target):
        raise AssertionError("it is not to be run")

    scene = Scene(said=["a"], verdicts={"a": verdict}, target=target)
    assert scene.produce(max_repairs=0, run=never) is not None


def test_what_an_engine_takes_and_nobody_wants_is_repaired_and_never_kept():
    cut_off = Finding(code="no_columns", message="SELECT has no columns", severity=Severity.WARNING)
    empty = (Candidate(sql="SELECT", verdict=Verdict(findings=(cut_off,), dry_run="postgres 18")),)
    scene = Scene(said=["a", "b"], verdicts={"a": empty, "b": good("SELECT id")})
    assert scene.produce() is TaskState.ACCEPTED
    assert "SELECT has no columns" in scene.asked[1][-1][1]
    assert scene.outcome.query["sql"] == "SELECT id"
    scene = Scene(said=["a"], verdicts={"a": empty})
    assert scene.produce(max_repairs=0) is TaskState.REJECTED
    assert (scene.outcome.reason_code, scene.outcome.reason) == ("no_columns", "SELECT has no columns")


def paid(*answers: tuple[int, str], **changes: Any) -> Claimed:
    stored = tuple(StoredAnswer(call_no=call_no, text=text, model="m") for call_no, text in answers)
    return replace(TASK, token=2, attempt=2, answers=stored, **changes)


def test_stored_answers_are_not_paid_again():
    scene = Scene(task=paid((1, "a"), (2, "b")), verdicts={"a": bad("SELECT x"), "b": good("SELECT 1")})
    assert scene.produce() is TaskState.ACCEPTED
    assert scene.asked == []
    assert scene.answers == {}
    assert scene.outcome.query["call_no"] == 2


def test_only_the_call_that_is_missing_is_paid():
    scene = Scene(task=paid((1, "a")), said=["b"], verdicts={"a": bad("SELECT x"), "b": good("SELECT 1")})
    assert scene.produce() is TaskState.ACCEPTED
    assert len(scene.asked) == 1
    assert "unknown_column in SELECT x" in scene.asked[0][-1][1]
    assert list(scene.answers) == [(7, 2)]


def test_a_query_comes_from_the_answer_that_stands_even_if_another_worker_paid_for_it():
    scene = Scene(said=["mine"], verdicts={"theirs": good("SELECT 2")})
    scene.answers[7, 1] = {"raw": "theirs", "model": "m", "finish_reason": "stop"}
    assert scene.produce() is TaskState.ACCEPTED
    assert scene.outcome.query["sql"] == "SELECT 2"


def test_a_requeued_task_goes_on_counting_its_calls():
    scene = Scene(
        task=replace(TASK, token=4, calls_before=3),
        said=["a", "b"],
        verdicts={"a": bad("SELECT x"), "b": good("SELECT 1")},
    )
    assert scene.produce() is TaskState.ACCEPTED
    assert sorted(scene.answers) == [(7, 4), (7, 5)]
    assert scene.outcome.query["call_no"] == 5


def test_a_requeued_task_finds_the_answers_of_its_own_round():
    scene = Scene(task=paid((4, "a"), calls_before=3), verdicts={"a": good("SELECT 1")})
    assert scene.produce() is TaskState.ACCEPTED
    assert scene.asked == []


def test_giving_up_rejects_with_the_reason():
    scene = Scene(said=[GiveUp("the prompt is too long")])
    assert scene.produce() is TaskState.REJECTED
    assert (scene.outcome.reason_code, scene.outcome.reason) == ("model", "the prompt is too long")


def test_giving_up_on_a_repair_keeps_what_was_tried():
    scene = Scene(said=["a", GiveUp("refused")], verdicts={"a": bad("SELECT x")})
    assert scene.produce() is TaskState.REJECTED
    assert scene.outcome.reason_code == "model"
    assert [row["sql"] for row in scene.outcome.candidates] == ["SELECT x"]


@pytest.mark.parametrize(
    "error", [StopRoute("wrong key"), RuntimeError("a defect"), asyncio.CancelledError()]
)
def test_what_is_not_the_task_s_fault_leaves_it_without_outcome(error):
    scene = Scene(said=[error])
    with pytest.raises(type(error)):
        scene.produce()
    assert scene.outcomes == []


@pytest.mark.parametrize(
    "scene",
    [
        Scene(target=UnknownTarget("there is no target 'shop'")),
        Scene(said=["a"], verdicts={"a": BadInput("the schema cannot be compiled")}),
    ],
)
def test_a_target_that_cannot_be_used_rejects_the_task(scene):
    assert scene.produce() is TaskState.REJECTED
    assert scene.outcome.reason_code == "target"
    assert scene.outcome.reason.startswith("the")


def test_a_stale_hint_is_dropped():
    scene = Scene()
    assert scene.produce(task_id=8) is None
    assert scene.log == []


def test_a_lost_lease_drops_the_outcome_but_not_the_answer():
    scene = Scene(said=["a"], verdicts={"a": good("SELECT 1")}, lease_holds=False)
    assert scene.produce() is None
    assert scene.answers[7, 1]["raw"] == "a"


def test_a_worker_that_has_lost_its_lease_pays_for_no_call():
    scene = Scene(said=["a"], verdicts={"a": good("SELECT 1")}, holds_in_turn=[False])
    assert scene.produce() is None
    assert scene.log == []


def test_a_worker_that_has_lost_its_lease_meanwhile_keeps_its_answer_and_pays_for_no_repair():
    scene = Scene(said=["a", "b"], verdicts={"a": bad("SELECT nope")}, holds_in_turn=[True, False])
    assert scene.produce() is None
    assert scene.log == ["asked a", "saved a", "assessed a"]


def test_a_failed_call_is_not_repeated_once_the_lease_is_lost():
    scene = Scene(said=["a"], troubles=[lost(None, None)], holds_in_turn=[True, False])
    assert scene.produce() is None
    assert scene.log == ["noted empty"]


def test_a_query_that_no_engine_prepared_passes_unless_a_dry_run_is_required():
    unprepared = (Candidate(sql="SELECT 1", verdict=Verdict()),)
    assert Scene(said=["a"], verdicts={"a": unprepared}).produce() is TaskState.ACCEPTED
    strict = Scene(said=["a"], verdicts={"a": unprepared})
    assert strict.produce(require_dry_run=True, max_repairs=2) is TaskState.REJECTED
    assert strict.outcome.reason_code == "no_dry_run"
    assert len(strict.asked) == 1, "no repair is paid for where nothing is wrong with the query"
    prepared = Scene(said=["a"], verdicts={"a": good("SELECT 1")})
    assert prepared.produce(require_dry_run=True) is TaskState.ACCEPTED


def test_a_query_that_cannot_be_encoded_is_sent_back_mended():
    scene = Scene(said=["a", "b"], verdicts={"a": bad("SELECT '\ud800'"), "b": good("SELECT 1")})
    assert scene.produce() is TaskState.ACCEPTED
    assert scene.asked[1][-2] == ("assistant", "```sql\nSELECT '?'\n```")
    assert scene.outcome.candidates[0]["sql"] == "SELECT '?'"


def test_text_that_no_database_keeps_is_mended_before_anybody_reads_it():
    mended = "SELECT '\N{REPLACEMENT CHARACTER}' ?"
    scene = Scene(said=["SELECT '\0' \ud800"], verdicts={mended: good("SELECT 1")})
    assert scene.produce() is TaskState.ACCEPTED
    assert scene.answers[7, 1]["raw"] == mended


def test_a_last_attempt_is_begun_before_anything_is_paid():
    scene = Scene(said=["a"], verdicts={"a": good("SELECT 1")}, task=replace(TASK, attempt=3, last=True))
    assert scene.produce() is TaskState.ACCEPTED
    assert scene.log[:2] == ["begun", "asked a"]


def test_a_last_attempt_whose_lease_was_lost_while_it_waited_is_dropped():
    scene = Scene(task=replace(TASK, attempt=3, last=True), lease_holds=False)
    assert scene.produce() is None
    assert scene.log == ["begun"]


def lost(usage: Usage | None, cost_usd: float | None) -> BadAnswer:
    """An attempt that gave no answer and may have been paid."""
    error = BadAnswer("an empty answer")
    error.failed_call = FailedCall(
        model="m", code="empty", message="an \0 answer", latency_ms=2.0, usage=usage, cost_usd=cost_usd
    )
    return error


def test_what_failed_attempts_cost_is_noted_before_the_answer():
    troubles = [lost(Usage(prompt_tokens=9, completion_tokens=1), 0.5), Unavailable("away"), lost(None, None)]
    scene = Scene(said=["a"], verdicts={"a": good("SELECT 1")}, troubles=troubles)
    assert scene.produce() is TaskState.ACCEPTED
    assert scene.log[:4] == ["noted empty", "noted empty", "asked a", "saved a"]
    first, second = scene.failed
    assert (first["task_id"], first["call_no"]) == (7, 1)
    assert first["message"] == "an \N{REPLACEMENT CHARACTER} answer"
    assert (first["prompt_tokens"], first["completion_tokens"], first["cost_usd"]) == (9, 1, 0.5)
    assert (second["prompt_tokens"], second["completion_tokens"], second["cost_usd"]) == (None, None, None)
    assert sorted(scene.answers) == [(7, 1)], "a failed attempt is no answer"


def test_an_answer_that_ran_out_of_tokens_is_repaired_and_refused_as_such():
    scene = Scene(said=["a", "b"], verdicts={"a": bad("SELECT x"), "b": ()}, finish_reason="length")
    assert scene.produce(max_repairs=1) is TaskState.REJECTED
    assert "Write a shorter one." in scene.asked[1][-1][1]
    assert scene.outcome.reason is not None
    assert scene.outcome.reason.startswith("the model's answer held no SQL; the answer was cut off")


def test_a_stored_answer_that_ran_out_of_tokens_is_known_as_such():
    stored = StoredAnswer(call_no=1, text="a", model="m", finish_reason="length")
    scene = Scene(task=replace(TASK, answers=(stored,)), verdicts={"a": bad("SELECT x")})
    scene.produce(max_repairs=0)
    assert "cut off" in scene.outcome.reason


@pytest.mark.parametrize("what", ["answer", "query"])
def test_what_the_store_refuses_ends_the_task_with_the_reason(what):
    scene = Scene(said=["q"], verdicts={"q": good("SELECT 1")}, unstorable=(what,))
    assert scene.produce() is TaskState.REJECTED
    assert (scene.outcome.reason_code, scene.outcome.reason) == ("store", "the store refuses it")
    assert len(scene.asked) == 1


def test_a_last_attempt_does_not_count_while_its_call_waits_to_be_repeated():
    task = replace(TASK, attempt=3, last=True)
    scene = Scene(said=["a"], verdicts={"a": good("SELECT 1")}, task=task, troubles=[lost(None, None)])
    assert scene.produce() is TaskState.ACCEPTED
    assert scene.log[:5] == ["begun", "noted empty", "rested", "begun", "asked a"]


@pytest.mark.parametrize(("dialect", "wanted_in"), [(None, None), ("duckdb", "duckdb"), ("sqlite", None)])
def test_the_checker_hears_in_which_dialect_the_query_is_wanted(dialect, wanted_in):
    class Listening(Scene):
        async def assess(self, text, target):
            self.log.append(f"wanted in {target.output_dialect}")
            return await super().assess(text, target)

    scene = Listening(said=["a"], verdicts={"a": good("SELECT 1")}, task=replace(TASK, dialect=dialect))
    assert scene.produce() is TaskState.ACCEPTED
    assert f"wanted in {wanted_in}" in scene.log


def test_a_dialect_that_nobody_knows_ends_the_task():
    scene = Scene(task=replace(TASK, dialect="oracle"))
    assert scene.produce() is TaskState.REJECTED
    assert "no dialect 'oracle'" in scene.outcomes[0].reason
