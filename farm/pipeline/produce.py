"""From a task id to an outcome: claim, prompt, ask, persist, check, repair, finish.

Knows no library and no process: what it needs comes in as four small interfaces.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import structlog

from farm.errors import BadInput, FarmError, GiveUp, UnknownTarget, Unstorable
from farm.models.answer import Answer, FailedCall, Message
from farm.pipeline import rows, spans
from farm.pipeline.constraint import When, is_due
from farm.pipeline.isolation import Isolation, Place
from farm.pipeline.spans import Spans
from farm.prompt import prompt
from farm.prompt.worked import Worked
from farm.sql.verdict import Candidate, best
from farm.storable import storable
from farm.store.states import TaskState
from farm.store.tasks import Claimed, Outcome, StoredAnswer
from farm.targets.target import Target

NO_SQL = "no_sql"
NO_DRY_RUN = "no_dry_run"
MODEL_GAVE_UP = "model"
BAD_TARGET = "target"
UNSTORABLE = "store"
CUT_OFF = "length"

log = structlog.stdlib.get_logger(__name__)


class Ledger(Protocol):
    """The store as the pipeline sees it; each call returns once what it did is durable."""

    async def claim(self, task_id: int) -> Claimed | None: ...
    async def begin(self, task: Claimed) -> bool: ...
    async def rest(self, task: Claimed) -> bool: ...
    async def holds(self, task: Claimed) -> bool: ...
    async def save_answer(self, row: dict[str, Any]) -> StoredAnswer: ...
    async def save_failed_call(self, row: dict[str, Any]) -> None: ...
    async def finish(self, outcome: Outcome) -> bool: ...


Hold = Callable[[], Awaitable[None]]
Note = Callable[[FarmError], Awaitable[None]]
Pause = Callable[[float], Awaitable[None]]
Ask = Callable[[Sequence[Message], Hold, Note, Pause, str | None], Awaitable[Answer]]
"""Awaits `Hold` before each attempt, `Note` after each that failed, and then `Pause` for some seconds; the
last is the grammar to hold the answer to."""
Constrain = Callable[[str, str, Target], Awaitable[str | None]]
"""The grammar for a question, the query given having failed; None where there is none."""
Assess = Callable[[str, Target], Awaitable[tuple[Candidate, ...]]]
Run = Callable[[Candidate, Target], Awaitable[Candidate]]
"""The candidate with what running it on the target showed."""
FindTarget = Callable[[str, datetime], Awaitable[Target]]
FindWorked = Callable[[str, Target], Awaitable[Worked | None]]
"""A query for the target that people judged good, for a question like this one; None where there is none."""


class LeaseLost(Exception):
    """The task may be another worker's by now: what is paid for it here could be paid twice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """One worker's way of producing queries; holds no state of a task."""

    ledger: Ledger
    ask: Ask
    assess: Assess
    find_target: FindTarget
    max_repairs: int
    find_worked: FindWorked | None = None
    require_dry_run: bool = False
    run: Run | None = None
    constrain: Constrain | None = None
    grammar_when: When = "last_repair"
    isolation: Isolation = field(default_factory=Isolation)
    spans: Spans = field(default_factory=Spans)

    async def produce(self, task_id: int) -> TaskState | None:
        """Work one task to its end. None: the hint was stale, or the lease was lost on the way.

        Raises StopRoute when no call on this route can succeed; the task is then still leased.
        """
        async with self.isolation.shared() as place:
            task = await self.ledger.claim(task_id)
            if task is None or not task.last:
                return await self._settle(task, place) if task else None
        async with self.isolation.alone() as place:
            return await self._settle(task, place) if await self.ledger.begin(task) else None

    async def _settle(self, task: Claimed, place: Place) -> TaskState | None:
        with (
            self.spans.task(task) as span,
            structlog.contextvars.bound_contextvars(task=task.id, attempt=task.attempt, **span.log_fields),
        ):
            try:
                outcome = await self._outcome(task, place)
            except LeaseLost:
                log.warning("lease lost, the model is not asked again")
                span.fail(spans.LEASE_LOST)
                return None
            outcome, kept = await self._finish(task, outcome)
            span.set(spans.settled(outcome))
            if not kept:
                log.warning("lease lost, outcome dropped", state=outcome.state)
                span.fail(spans.LEASE_LOST)
                return None
            log.info("settled", state=outcome.state, reason=outcome.reason_code)
            return outcome.state

    async def _finish(self, task: Claimed, outcome: Outcome) -> tuple[Outcome, bool]:
        """The outcome that is stored, and whether the lease still held."""
        with self.spans.store():
            try:
                return outcome, await self.ledger.finish(outcome)
            except Unstorable as error:
                outcome = rows.refused(task, UNSTORABLE, str(error), ())
                return outcome, await self.ledger.finish(outcome)

    async def _outcome(self, task: Claimed, place: Place) -> Outcome:
        try:
            with self.spans.prompt():
                target = await self.find_target(task.target, task.target_version)
                if task.dialect is not None and task.dialect != target.dialect:
                    target = replace(target, output_dialect=rows.known_dialect(task.dialect))
                worked = await self.find_worked(task.question, target) if self.find_worked else None
                messages = prompt.first(task.question, target, worked)
            return await self._work(task, target, place, messages)
        except (UnknownTarget, BadInput) as error:
            return rows.refused(task, BAD_TARGET, str(error), ())

    async def _work(
        self, task: Claimed, target: Target, place: Place, messages: tuple[Message, ...]
    ) -> Outcome:
        """Ask and repair until a candidate passes, or the rounds are used up."""
        paid = {answer.call_no: answer for answer in task.answers}
        tried: list[dict[str, Any]] = []
        candidate: Candidate | None = None
        cut_off = False
        for round_no in range(1, self.max_repairs + 2):
            call_no = task.calls_before + round_no
            try:
                grammar = None if call_no in paid else await self._grammar(task, target, candidate, round_no)
                answer = paid.get(call_no) or await self._call(task, place, call_no, messages, grammar)
            except Unstorable as error:
                return rows.refused(task, UNSTORABLE, str(error), tried)
            except GiveUp as error:
                return rows.refused(task, MODEL_GAVE_UP, str(error), tried)
            candidates = await self._judged(answer.text, target)
            tried += [rows.candidate(task, call_no, place, c) for place, c in enumerate(candidates)]
            candidate = best(candidates)
            if candidate is not None and self._passes(candidate):
                return rows.accepted(task, target, answer, candidate, tried)
            cut_off = answer.finish_reason == CUT_OFF
            if candidate is not None and not candidate.verdict.objections:
                break  # it lacks an engine alone, which no other answer brings
            messages = _sendable(
                prompt.repair(
                    messages, candidate, round_no, question=task.question, target=target, cut_off=cut_off
                )
            )
        return rows.refused(task, *_why(candidate, cut_off=cut_off), tried)

    async def _judged(self, answer_text: str, target: Target) -> tuple[Candidate, ...]:
        """The candidates of an answer; where the target wants evidence, the one that passes has been run."""
        with self.spans.check(target) as span:
            candidates = await self.assess(answer_text, target)
            span.set(spans.judged(candidates))
        chosen = best(candidates)
        if self.run is None or not target.evidence or chosen is None or not self._passes(chosen):
            return candidates
        with self.spans.run(target) as span:
            has_run = await self.run(chosen, target)
            span.set(spans.ran(has_run))
        return tuple(has_run if candidate is chosen else candidate for candidate in candidates)

    async def _grammar(
        self, task: Claimed, target: Target, candidate: Candidate | None, round_no: int
    ) -> str | None:
        if self.constrain is None or not is_due(self.grammar_when, round_no, self.max_repairs):
            return None
        return await self.constrain(task.question, candidate.sql if candidate else "", target)

    async def _call(
        self, task: Claimed, place: Place, call_no: int, messages: Sequence[Message], grammar: str | None
    ) -> StoredAnswer:
        """Ask the model, and make what it said durable before anything looks at it.

        What a failed attempt may have cost is noted before the next one. Before each of them the lease must
        hold: a process that was frozen for a while does not know that others have gone on without it. Of
        two answers to one call the first one stored stands. Between attempts others may work, also where the
        task is to be worked alone; its last attempt does not count then.
        """

        async def hold() -> None:
            if not await self.ledger.holds(task):
                raise LeaseLost

        async def note(error: FarmError) -> None:
            if isinstance(error.failed_call, FailedCall):
                await self.ledger.save_failed_call(rows.failed_call(task, call_no, error.failed_call))

        async def pause(seconds: float) -> None:
            if task.last and not await self.ledger.rest(task):
                raise LeaseLost
            await place.aside(asyncio.sleep(seconds))
            if task.last and not await self.ledger.begin(task):
                raise LeaseLost

        answer = await self.ask(messages, hold, note, pause, grammar)
        row = rows.answer(task, call_no, answer, prompt.prompt_hash(messages))
        return await self.ledger.save_answer(row)

    def _passes(self, candidate: Candidate) -> bool:
        verdict = candidate.verdict
        return not verdict.objections and (verdict.dry_run is not None or not self.require_dry_run)


def _sendable(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Messages that can be encoded: a query that came as JSON may hold half of a surrogate pair."""
    return tuple(Message(message.role, storable(message.content)) for message in messages)


def _why(candidate: Candidate | None, *, cut_off: bool) -> tuple[str, str]:
    """Code and message of a rejection, from the last candidate."""
    cut = "; the answer was cut off at its last token, see max_tokens in FARM_MODELS" if cut_off else ""
    if candidate is None:
        return NO_SQL, f"the model's answer held no SQL{cut}"
    if not candidate.verdict.objections:
        return NO_DRY_RUN, "no engine was at hand to prepare the query, and the settings require one"
    first = candidate.verdict.objections[0]
    return first.code, f"{first.message}{cut}"
