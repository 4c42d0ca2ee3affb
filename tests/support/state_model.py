"""The life of one task as values: what store, Redis and workers know of it, and what must always hold.

1. A state is what the store and Redis know of one task, what each worker is doing, and a few tallies.
2. An action (state_actions.py) is a guard and a move; one that moves the task has the name that TRANSITIONS
   gives it, and its guard asks that table.
3. `explore` (state_search.py) visits every state that the actions reach within the bounds.

Workers do not differ but by what they are doing, so states that only swap workers are one. Checking an answer
is no step here: it is pure and touches nothing that others see. Redis may lose its hints at any time and any
number of times; kills, leases that run out under a living worker, releases and requeues are bounded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from farm.store.states import SETTLED, TaskState

ATTEMPTS, CANCELLED, STOPPED = "attempts", "cancelled", "stopped"


class Step(IntEnum):
    """Where a worker stands with the task."""

    IDLE = 0
    POPPED = 1  # has a hint in hand
    WAITING = 2  # leased the task for its last attempt, waits until it is alone in its process
    CLAIMED = 3  # no answer is stored, so it will ask
    SURE = 4  # has just made sure that its lease holds
    CALLED = 5  # the request is out
    PAID = 6  # the answer is in its memory
    ANSWERED = 7  # the answer is durable
    INSERTED = 8  # only where finishing is not atomic: the query is stored, the task not settled
    FINISHED = 9  # the outcome is committed, or dropped; RQ has not heard of it


class Worker(NamedTuple):
    """One worker. `holds`: its token is still the task's; `current`: so is the round of its claim."""

    step: Step = Step.IDLE
    holds: bool = False
    current: bool = True
    own_answer: bool = False  # goes on with an answer that is not the stored one


class State(NamedTuple):
    """The task's row and what hangs on it, the hints in Redis, the workers, and tallies of the model."""

    task: TaskState = TaskState.QUEUED
    attempt: int = 0
    reason: str | None = None
    answered: bool = False  # the answer of this round is stored
    queries: int = 0
    hints: int = 0
    workers: tuple[Worker, ...] = ()
    begun: bool = False  # the attempt of the present lease counts
    by_neighbour: bool = False  # the last lease ended as another task took the worker down
    failures: int = 0  # counted attempts that ended without an outcome, since the last requeue
    payments: int = 0
    cut: int = 0  # leases that ended otherwise than by an outcome, during the call
    rounds: int = 1
    paid_again: bool = False  # a call was made although its answer was stored
    unproven: bool = False  # the query stems from an answer that is not the stored one
    outdated: bool = False  # an outcome of an earlier round settled this one
    kills: int = 0
    expiries: int = 0
    releases: int = 0
    requeues: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How many of each fault there may be."""

    workers: int = 3
    kills: int = 2
    expiries: int = 2
    releases: int = 1
    requeues: int = 1
    hints: int = 2
    max_attempts: int = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What the code promises; a mutant breaks one or more of them."""

    claims_the_queued_only: bool = True
    outcome_needs_the_token: bool = True
    outcome_needs_the_lease: bool = True
    one_query_per_task: bool = True
    finishes_at_once: bool = True  # outcome and query in one transaction
    calls_only_while_leased: bool = True
    keeps_answers: bool = True  # in a table of their own, before anybody looks at them
    reads_kept_answers: bool = True
    goes_on_with_the_kept_answer: bool = True
    requeue_starts_a_new_round: bool = True
    frees_the_leases_of_the_dead: bool = True
    issues_hints_again: bool = True
    attempts_are_bounded: bool = True
    last_attempt_is_worked_alone: bool = True
    rest_does_not_count: bool = True
    release_counts_back_what_was_counted: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """Bounds and rules of one exploration."""

    bounds: Bounds = Bounds()
    rules: Rules = Rules()


DECIDED = frozenset({TaskState.ACCEPTED, TaskState.REJECTED})
Broken = Callable[[State, Setting], bool]

INVARIANTS: dict[str, Broken] = {
    "doubled": lambda state, setting: state.queries > 1,
    "accepted without its query": lambda state, setting: (
        (state.task is TaskState.ACCEPTED) != (state.queries > 0)
    ),
    "paid too often": lambda state, setting: state.payments > state.rounds + state.cut,
    "paid after the answer was kept": lambda state, setting: state.paid_again and not state.expiries,
    "too many attempts": lambda state, setting: (
        max(state.attempt, state.failures) > setting.bounds.max_attempts
    ),
    "attempts miscounted": lambda state, setting: (
        state.task not in SETTLED and state.attempt != state.failures + state.begun
    ),
    "dead without a reason": lambda state, setting: (state.task is TaskState.DEAD) != bool(state.reason),
    "dead too early": lambda state, setting: (
        state.reason == ATTEMPTS and state.failures < setting.bounds.max_attempts
    ),
    "a query without its answer": lambda state, setting: state.unproven,
    "settled by an earlier round": lambda state, setting: (
        state.outdated or (state.task in DECIDED and state.payments < state.rounds)
    ),
    "dead by another task's doing": lambda state, setting: state.reason == ATTEMPTS and state.by_neighbour,
}
