"""What is told of a task's way, and what never is."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support.traced import Traced

from farm.errors import StopRoute, UnknownTarget
from farm.models.answer import Answer
from farm.pipeline.produce import Pipeline
from farm.pipeline.spans import MOST_CODES, Spans, database, judged
from farm.sql.verdict import Candidate, Finding, Severity, Verdict
from farm.store.tasks import Claimed, StoredAnswer
from farm.targets.target import Target
from farm.tracing.tracer import Kind

SHOP = Target(name="shop", dialect="postgres", ddl="CREATE TABLE secret_orders (id INTEGER PRIMARY KEY)")
TASK = Claimed(
    id=7,
    token=1,
    attempt=2,
    question="Secret question?",
    target="shop",
    target_version=datetime(2026, 1, 1, tzinfo=UTC),
    model=None,
    batch_id=3,
)
GOOD = Candidate(sql="SELECT secret", verdict=Verdict(dry_run="postgres 16.4"))
BAD = Candidate(
    sql="SELECT secret",
    verdict=Verdict(findings=(Finding(code="unknown_column", message="no column secret"),) * 2),
)

ODD = Finding(code="no_rows", message="secret", severity=Severity.WARNING)


@dataclass
class World:
    """One task's world, traced: what the model says in turn, and what the checks make of each answer."""

    answers: list[Any] = field(default_factory=lambda: ["secret answer"])
    verdicts: list[tuple[Candidate, ...]] = field(default_factory=lambda: [(GOOD,)])
    target: Target | Exception = SHOP
    kept: bool = True
    traced: Traced = field(default_factory=Traced)

    async def claim(self, task_id):
        return TASK if task_id == TASK.id else None

    async def holds(self, task):
        return True

    async def save_answer(self, row):
        return StoredAnswer(call_no=row["call_no"], text=row["raw"], model=row["model"])

    async def finish(self, outcome):
        return self.kept

    async def find_target(self, name, version):
        if isinstance(self.target, Exception):
            raise self.target
        return self.target

    async def ask(self, messages, hold, note, pause, grammar):
        await hold()
        with self.traced.tracer.span("chat m", kind=Kind.CLIENT):
            said = self.answers.pop(0)
            if isinstance(said, BaseException):
                raise said
        return Answer(
            text=said, model="m", prompt_tokens=9, completion_tokens=3, latency_ms=1.0, finish_reason="stop"
        )

    async def assess(self, text, target):
        return self.verdicts.pop(0)

    async def run(self, candidate, target):
        return replace(candidate, verdict=replace(candidate.verdict, findings=(ODD,)))

    def produce(self, task_id=7):
        pipeline = Pipeline(
            ledger=self,
            ask=self.ask,
            assess=self.assess,
            find_target=self.find_target,
            max_repairs=1,
            run=self.run,
            spans=Spans(tracer=self.traced.tracer, queue="reports", worker="w1"),
        )
        return asyncio.run(pipeline.produce(task_id))


def test_an_attempt_is_one_trace():
    world = World(answers=["a", "b"], verdicts=[(BAD,), (GOOD,)])
    world.produce()
    assert world.traced.names == [
        "build prompt",
        "chat m",
        "check answer",
        "chat m",
        "check answer",
        "store outcome",
        "process reports",
    ]
    root = "process reports"
    assert world.traced.parents() == {
        (root, None),
        ("build prompt", root),
        ("chat m", root),
        ("check answer", root),
        ("store outcome", root),
    }


def test_the_root_tells_what_was_worked_and_how_it_ended():
    world = World()
    world.produce()
    assert world.traced.named("process reports").kind.name == "CONSUMER"
    assert world.traced.said("process reports") == {
        "messaging.system": "rq",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": "reports",
        "messaging.message.id": "task-7",
        "messaging.client.id": "w1",
        "sqlfarm.task.id": 7,
        "sqlfarm.task.attempt": 2,
        "sqlfarm.batch.id": 3,
        "sqlfarm.target": "shop",
        "sqlfarm.task.state": "accepted",
    }
    assert world.traced.said("check answer") == {
        "sqlfarm.target": "shop",
        "sqlfarm.check.candidates": 1,
        "sqlfarm.check.accepted": True,
        "sqlfarm.check.findings": (),
        "db.system.name": "postgresql",
    }


def test_a_rejection_is_an_outcome_and_no_error():
    world = World(answers=["a", "b"], verdicts=[(BAD,), (BAD,)])
    world.produce()
    told = world.traced.said("process reports")
    assert told["sqlfarm.task.state"] == "rejected"
    assert told["sqlfarm.task.reason_code"] == "unknown_column"
    assert [span.status.is_ok for span in world.traced.spans] == [True] * 7
    checks = [span.attributes for span in world.traced.spans if span.name == "check answer"]
    assert [check["sqlfarm.check.findings"] for check in checks] == [("unknown_column",)] * 2


def test_a_run_for_evidence_is_told_by_its_database_and_its_findings():
    world = World(target=replace(SHOP, evidence=True))
    world.produce()
    assert world.traced.said("run query") == {
        "sqlfarm.target": "shop",
        "db.system.name": "postgresql",
        "sqlfarm.check.findings": ("no_rows",),
    }


@pytest.mark.parametrize(
    ("world", "span", "kind"),
    [
        (World(kept=False), "process reports", "lease_lost"),
        (World(target=UnknownTarget("secret")), "build prompt", "UnknownTarget"),
        (World(answers=[StopRoute("secret")]), "process reports", "StopRoute"),
        (World(answers=[asyncio.CancelledError()]), "process reports", "CancelledError"),
    ],
)
def test_what_goes_wrong_is_told_by_its_kind(world, span, kind):
    try:
        world.produce()
    except (StopRoute, asyncio.CancelledError):
        assert kind in ("StopRoute", "CancelledError")
    assert world.traced.said(span)["error.type"] == kind
    assert not world.traced.named(span).status.is_ok


def test_a_stale_hint_leaves_no_trace():
    world = World()
    world.produce(task_id=8)
    assert world.traced.names == []


def test_no_span_carries_what_was_asked_or_answered():
    world = World(
        answers=["secret a", StopRoute("secret")], verdicts=[(BAD,)], target=replace(SHOP, evidence=True)
    )
    with pytest.raises(StopRoute):
        world.produce()
    other = World(answers=["secret"], target=replace(SHOP, evidence=True))
    other.produce()
    told = [span.to_json() for span in (*world.traced.spans, *other.traced.spans)]
    assert len(told) == 11
    assert [text for text in told if "secret" in text.lower()] == []


def test_the_codes_are_bounded():
    findings = tuple(Finding(code=f"code_{number}", message="") for number in range(100))
    told = judged([Candidate(sql="", verdict=Verdict(findings=findings))])
    assert len(told["sqlfarm.check.findings"]) == MOST_CODES
    assert judged([]) == {"sqlfarm.check.candidates": 0}


def test_databases_are_called_as_the_convention_has_them():
    names = {"postgres": "postgresql", "mysql": "mysql", "mariadb": "mariadb", "sqlite": "sqlite"}
    assert {name: database(name) for name in names} == names
