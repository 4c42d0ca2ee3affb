"""The spans of a task's way: a trace for each attempt, named by OpenTelemetry's conventions where they exist.

Ids, codes and counts only: no question, prompt, answer, query, row or message.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from farm.sql.verdict import Candidate, best
from farm.store.tasks import Claimed, Outcome
from farm.targets.target import Target
from farm.tracing.tracer import OFF, Attributes, Kind, Span, Tracer, Value

LEASE_LOST = "lease_lost"
MOST_CODES = 20
TARGET = "sqlfarm.target"
DATABASE = "db.system.name"
DATABASES = {"postgres": "postgresql"}
"""What the convention calls a database; the others are called as here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spans:
    """What one worker of one queue traces."""

    tracer: Tracer = OFF
    queue: str = "default"
    worker: str = ""

    def task(self, task: Claimed) -> AbstractContextManager[Span]:
        """From the claim to what is stored: the root of a trace."""
        return self.tracer.span(f"process {self.queue}", self._task(task), kind=Kind.CONSUMER)

    def prompt(self) -> AbstractContextManager[Span]:
        """Reading the target and its examples, and writing the first prompt."""
        return self.tracer.span("build prompt")

    def check(self, target: Target) -> AbstractContextManager[Span]:
        """Cutting queries from an answer, checking and preparing them."""
        return self.tracer.span("check answer", {TARGET: target.name})

    def run(self, target: Target) -> AbstractContextManager[Span]:
        """Running an accepted query for evidence."""
        attributes = {TARGET: target.name, DATABASE: database(target.dialect)}
        return self.tracer.span("run query", attributes, kind=Kind.CLIENT)

    def store(self) -> AbstractContextManager[Span]:
        """Making the outcome durable."""
        return self.tracer.span("store outcome")

    def _task(self, task: Claimed) -> Attributes:
        found: dict[str, Value] = {
            "messaging.system": "rq",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": self.queue,
            "messaging.message.id": f"task-{task.id}",
            "messaging.client.id": self.worker,
            "sqlfarm.task.id": task.id,
            "sqlfarm.task.attempt": task.attempt,
            TARGET: task.target,
        }
        return found if task.batch_id is None else {**found, "sqlfarm.batch.id": task.batch_id}


def settled(outcome: Outcome) -> Attributes:
    """How a task ended. A rejection is an outcome, no error."""
    told: dict[str, Value] = {"sqlfarm.task.state": str(outcome.state)}
    return told if outcome.reason_code is None else {**told, "sqlfarm.task.reason_code": outcome.reason_code}


def judged(candidates: Sequence[Candidate]) -> Attributes:
    """What the checks said of the candidates of an answer, and of the one that is gone on with."""
    chosen = best(candidates)
    told: dict[str, Value] = {"sqlfarm.check.candidates": len(candidates)}
    if chosen is None:
        return told
    told["sqlfarm.check.accepted"] = not chosen.verdict.objections
    told["sqlfarm.check.findings"] = found(chosen)
    if chosen.verdict.dry_run is not None:
        told[DATABASE] = database(chosen.verdict.dry_run.partition(" ")[0])
    return told


def ran(candidate: Candidate) -> Attributes:
    """What the checks and the run together said of an accepted query."""
    return {"sqlfarm.check.findings": found(candidate)}


def found(candidate: Candidate) -> tuple[str, ...]:
    """The codes of what was found, each once."""
    return tuple(dict.fromkeys(finding.code for finding in candidate.verdict.findings))[:MOST_CODES]


def database(name: str) -> str:
    """A dialect's or an engine's name, as the convention has it."""
    return DATABASES.get(name, name)
