"""What may happen to a task: a table of guarded actions, by a worker, the reconciler, a fault or a person."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from support.state_model import ATTEMPTS, CANCELLED, STOPPED, Setting, State, Step, Worker

from farm.store.states import TRANSITIONS, TaskState

STARTS = {
    name: frozenset(was for was, other, _ in TRANSITIONS if other == name) for _, name, _ in TRANSITIONS
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """What may happen. `worker_at`: the steps of a worker that can do it; empty: it is not a worker's.

    `honest` actions are those of a farm in which nothing goes wrong and nobody intervenes.
    """

    name: str
    worker_at: frozenset[Step]
    honest: bool
    may: Callable[[State, Worker, Setting], bool]
    move: Callable[[State, Worker, Setting], State]


ACTIONS: list[Action] = []
NOBODY = Worker()
BUSY = tuple(step for step in Step if step is not Step.IDLE)
AT_WORK = (Step.WAITING, Step.CLAIMED, Step.SURE, Step.CALLED, Step.PAID, Step.ANSWERED, Step.INSERTED)
IN_THE_CALL = (Step.CALLED, Step.PAID)
Mover = Callable[[State, Worker, Setting], State]


def action(
    name: str, *steps: Step, honest: bool = False, may: Callable[[State, Worker, Setting], bool]
) -> Callable[[Mover], Mover]:
    """Enter a function into the table of actions."""

    def enter(move: Mover) -> Mover:
        ACTIONS.append(Action(name=name, worker_at=frozenset(steps), honest=honest, may=may, move=move))
        return move

    return enter


@cache
def swapped(workers: tuple[Worker, ...], old: Worker, new: Worker) -> tuple[Worker, ...]:
    """The workers with one of them at another step, in an order of their own."""
    others = list(workers)
    others.remove(old)
    return tuple(sorted([*others, new]))


@cache
def without_token(workers: tuple[Worker, ...]) -> tuple[Worker, ...]:
    """The workers after a claim: whatever token they have is an old one."""
    return tuple(sorted(worker._replace(holds=False) for worker in workers))


@cache
def of_an_old_round(workers: tuple[Worker, ...]) -> tuple[Worker, ...]:
    """The workers after a requeue that asks for fresh answers."""
    return tuple(
        sorted(worker._replace(current=False) if worker.step in AT_WORK else worker for worker in workers)
    )


@cache
def holder(workers: tuple[Worker, ...]) -> Worker | None:
    """The living worker whose token is the task's."""
    return next((worker for worker in workers if worker.holds), None)


def leased(state: State, worker: Worker) -> bool:
    """Whether the worker holds the task's lease, not just a token that is still the newest."""
    return worker.holds and state.task is TaskState.LEASED


# A worker's way with a task


@action("pop", Step.IDLE, honest=True, may=lambda state, worker, setting: state.hints > 0)
def pop(state: State, worker: Worker, setting: Setting) -> State:
    popped = swapped(state.workers, worker, Worker(Step.POPPED))
    return state._replace(hints=state.hints - 1, workers=popped)


def is_stale(state: State, worker: Worker, setting: Setting) -> bool:
    return not may_claim(state, worker, setting)


def may_claim(state: State, worker: Worker, setting: Setting) -> bool:
    return state.task in STARTS["claim"] or not setting.rules.claims_the_queued_only


@action("drop a stale hint", Step.POPPED, honest=True, may=is_stale)
def drop(state: State, worker: Worker, setting: Setting) -> State:
    return state._replace(workers=swapped(state.workers, worker, NOBODY))


@action("claim", Step.POPPED, honest=True, may=may_claim)
def claim(state: State, worker: Worker, setting: Setting) -> State:
    last = max(setting.bounds.max_attempts - 1, 1)
    waits = state.attempt >= last and setting.rules.last_attempt_is_worked_alone
    claimed = Worker(Step.WAITING if waits else first_step(state, setting), holds=True)
    workers = swapped(without_token(swapped(state.workers, worker, NOBODY)), NOBODY, claimed)
    return state._replace(
        task=TaskState.LEASED,
        attempt=state.attempt + (not waits),
        begun=not waits,
        by_neighbour=False,
        workers=workers,
    )


def first_step(state: State, setting: Setting) -> Step:
    """Where the work begins: with the answer that an earlier attempt has paid for, if there is one."""
    return Step.ANSWERED if state.answered and setting.rules.reads_kept_answers else Step.CLAIMED


@action("begin the last attempt", Step.WAITING, honest=True, may=lambda state, worker, setting: True)
def begin(state: State, worker: Worker, setting: Setting) -> State:
    if not leased(state, worker):
        return state._replace(workers=swapped(state.workers, worker, NOBODY))
    begun = worker._replace(step=first_step(state, setting))
    return state._replace(
        attempt=state.attempt + (not state.begun),
        begun=True,
        workers=swapped(state.workers, worker, begun),
    )


@action("make sure of the lease", Step.CLAIMED, honest=True, may=lambda state, worker, setting: True)
def make_sure(state: State, worker: Worker, setting: Setting) -> State:
    sure = leased(state, worker) or not setting.rules.calls_only_while_leased
    after = worker._replace(step=Step.SURE) if sure else NOBODY
    return state._replace(workers=swapped(state.workers, worker, after))


def is_on_its_last_attempt(state: State, worker: Worker, setting: Setting) -> bool:
    last = state.attempt >= setting.bounds.max_attempts and setting.rules.last_attempt_is_worked_alone
    return last and leased(state, worker)


@action("rest between two tries", Step.SURE, may=is_on_its_last_attempt)
def rest(state: State, worker: Worker, setting: Setting) -> State:
    """The endpoint refused, and nothing was paid: others may be in flight beside it until the next try."""
    resting = state._replace(workers=swapped(state.workers, worker, worker._replace(step=Step.WAITING)))
    if not setting.rules.rest_does_not_count:
        return resting
    return resting._replace(attempt=state.attempt - 1, begun=False)


@action("call", Step.SURE, honest=True, may=lambda state, worker, setting: True)
def call(state: State, worker: Worker, setting: Setting) -> State:
    called = swapped(state.workers, worker, worker._replace(step=Step.CALLED))
    again = state.paid_again or state.answered or not worker.current
    return state._replace(workers=called, payments=state.payments + 1, paid_again=again)


@action("receive", Step.CALLED, honest=True, may=lambda state, worker, setting: True)
def receive(state: State, worker: Worker, setting: Setting) -> State:
    return state._replace(workers=swapped(state.workers, worker, worker._replace(step=Step.PAID)))


@action("persist", Step.PAID, honest=True, may=lambda state, worker, setting: True)
def persist(state: State, worker: Worker, setting: Setting) -> State:
    rules = setting.rules
    own = worker.current and state.answered and not rules.goes_on_with_the_kept_answer
    answered = worker._replace(step=Step.ANSWERED, own_answer=own)
    return state._replace(
        answered=state.answered or (worker.current and rules.keeps_answers),
        workers=swapped(state.workers, worker, answered),
    )


def passes_the_fence(state: State, worker: Worker, setting: Setting) -> bool:
    rules = setting.rules
    return (worker.holds or not rules.outcome_needs_the_token) and (
        state.task in STARTS["accept"] or not rules.outcome_needs_the_lease
    )


def meets_the_fence(state: State, worker: Worker, setting: Setting) -> bool:
    return not passes_the_fence(state, worker, setting)


def accepts_at_once(state: State, worker: Worker, setting: Setting) -> bool:
    return setting.rules.finishes_at_once and passes_the_fence(state, worker, setting)


@action("accept", Step.ANSWERED, honest=True, may=accepts_at_once)
def accept(state: State, worker: Worker, setting: Setting) -> State:
    return settled(with_query(state, worker, setting), worker, TaskState.ACCEPTED)


@action("reject", Step.ANSWERED, honest=True, may=passes_the_fence)
def reject(state: State, worker: Worker, setting: Setting) -> State:
    return settled(state, worker, TaskState.REJECTED)


@action("drop an outcome", Step.ANSWERED, honest=True, may=meets_the_fence)
def drop_outcome(state: State, worker: Worker, setting: Setting) -> State:
    return state._replace(workers=swapped(state.workers, worker, Worker(Step.FINISHED)))


def finishes_in_two_steps(state: State, worker: Worker, setting: Setting) -> bool:
    return not setting.rules.finishes_at_once


@action(
    "insert the query",
    Step.ANSWERED,
    honest=True,
    may=finishes_in_two_steps,
)
def insert(state: State, worker: Worker, setting: Setting) -> State:
    inserted = with_query(state, worker, setting)
    return inserted._replace(workers=swapped(state.workers, worker, worker._replace(step=Step.INSERTED)))


@action("accept", Step.INSERTED, honest=True, may=passes_the_fence)
def accept_later(state: State, worker: Worker, setting: Setting) -> State:
    return settled(state, worker, TaskState.ACCEPTED)


def with_query(state: State, worker: Worker, setting: Setting) -> State:
    most = 1 if setting.rules.one_query_per_task else 2
    return state._replace(queries=min(state.queries + 1, most), unproven=state.unproven or worker.own_answer)


def settled(state: State, worker: Worker, task: TaskState) -> State:
    return state._replace(
        task=task,
        begun=False,
        outdated=state.outdated or not worker.current,
        workers=swapped(state.workers, worker, Worker(Step.FINISHED)),
    )


@action("acknowledge", Step.FINISHED, honest=True, may=lambda state, worker, setting: True)
def acknowledge(state: State, worker: Worker, setting: Setting) -> State:
    return state._replace(workers=swapped(state.workers, worker, NOBODY))


# The reconciler


def lacks_hints(state: State, worker: Worker, setting: Setting) -> bool:
    wanted = setting.rules.issues_hints_again and state.hints < setting.bounds.hints
    return wanted and state.task is TaskState.QUEUED


@action("issue a hint", honest=True, may=lacks_hints)
def issue(state: State, worker: Worker, setting: Setting) -> State:
    return state._replace(hints=state.hints + 1)


def holder_is_dead(state: State, worker: Worker, setting: Setting) -> bool:
    freed = setting.rules.frees_the_leases_of_the_dead and state.task in STARTS["expire"]
    return freed and holder(state.workers) is None


@action("expire", honest=True, may=holder_is_dead)
def expire(state: State, worker: Worker, setting: Setting) -> State:
    """Whether the watchdog saw the worker's end or the lease ran out makes no difference to the task."""
    bounded = setting.rules.attempts_are_bounded
    spent = state.attempt >= setting.bounds.max_attempts and bounded
    return state._replace(
        task=TaskState.DEAD if spent else TaskState.QUEUED,
        reason=ATTEMPTS if spent else None,
        failures=state.failures + state.begun,
        begun=False,
        by_neighbour=spent and state.by_neighbour,
    )


# Faults


def holder_may_be_late(state: State, worker: Worker, setting: Setting) -> bool:
    living = state.task in STARTS["expire"] and holder(state.workers) is not None
    return living and state.expiries < setting.bounds.expiries


@action("expire", may=holder_may_be_late)
def expire_under_a_living_worker(state: State, worker: Worker, setting: Setting) -> State:
    late = holder(state.workers)
    cut = state.cut + (late is not None and late.step in (Step.SURE, *IN_THE_CALL))
    return expire(state, worker, setting)._replace(expiries=state.expiries + 1, cut=cut)


def may_kill(state: State, worker: Worker, setting: Setting) -> bool:
    return state.kills < setting.bounds.kills


@action("kill", *BUSY, may=may_kill)
def kill(state: State, worker: Worker, setting: Setting) -> State:
    return gone(state, worker)._replace(kills=state.kills + 1)


def has_neighbours(state: State, worker: Worker, setting: Setting) -> bool:
    alone = is_on_its_last_attempt(state, worker, setting) and worker.step is not Step.WAITING
    return leased(state, worker) and not alone and may_kill(state, worker, setting)


@action("take the worker down, as another task", *AT_WORK, may=has_neighbours)
def kill_beside(state: State, worker: Worker, setting: Setting) -> State:
    return kill(state, worker, setting)._replace(by_neighbour=True)


def gone(state: State, worker: Worker) -> State:
    """Without this worker's work; a call of the holder that was cut off may have to be paid for again."""
    cut = state.cut + (leased(state, worker) and worker.step in IN_THE_CALL)
    return state._replace(workers=swapped(state.workers, worker, NOBODY), cut=cut)


@action("lose all of Redis", may=lambda state, worker, setting: state.hints > 0)
def wipe(state: State, worker: Worker, setting: Setting) -> State:
    return state._replace(hints=0)


@action("lose a popped hint", Step.POPPED, may=lambda state, worker, setting: True)
def misread(state: State, worker: Worker, setting: Setting) -> State:
    return state._replace(workers=swapped(state.workers, worker, NOBODY))


# What people and draining workers do


def may_release(state: State, worker: Worker, setting: Setting) -> bool:
    return state.task in STARTS["release"] and worker.holds and state.releases < setting.bounds.releases


@action("release", *AT_WORK, may=may_release)
def release(state: State, worker: Worker, setting: Setting) -> State:
    counted = state.begun or not setting.rules.release_counts_back_what_was_counted
    return gone(state, worker)._replace(
        task=TaskState.QUEUED,
        attempt=max(state.attempt - counted, 0),
        begun=False,
        releases=state.releases + 1,
    )


def may_stop(state: State, worker: Worker, setting: Setting) -> bool:
    return state.task in STARTS["stop"] and worker.holds


@action("stop", *AT_WORK, may=may_stop)
def stop(state: State, worker: Worker, setting: Setting) -> State:
    return gone(state, worker)._replace(task=TaskState.DEAD, reason=STOPPED, begun=False)


@action("cancel", may=lambda state, worker, setting: state.task in STARTS["cancel"])
def cancel(state: State, worker: Worker, setting: Setting) -> State:
    return state._replace(task=TaskState.DEAD, reason=CANCELLED)


def may_requeue(state: State, worker: Worker, setting: Setting) -> bool:
    return state.task in STARTS["requeue"] and state.requeues < setting.bounds.requeues


@action("requeue", may=may_requeue)
def requeue(state: State, worker: Worker, setting: Setting) -> State:
    """A dead task goes on with the answer it has paid for; a rejected one is to get a fresh one."""
    fresh = state.task is TaskState.REJECTED
    waits = state._replace(
        task=TaskState.QUEUED,
        attempt=0,
        failures=0,
        reason=None,
        rounds=state.rounds + fresh,
        requeues=state.requeues + 1,
    )
    if not fresh or not setting.rules.requeue_starts_a_new_round:
        return waits
    return waits._replace(answered=False, workers=of_an_old_round(state.workers))
