"""Visiting every state of the model, and what was found on the way.

A state is lost if, with no further fault and no help by a person, it cannot come to a settled one.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from support.state_actions import ACTIONS, NOBODY, STARTS, Action
from support.state_model import INVARIANTS, Setting, State, Step

from farm.store.states import SETTLED, TRANSITIONS, TaskState

Move = tuple[TaskState, str, TaskState]
LOST = "lost"
FORBIDDEN = "a move that the table does not know"


@dataclass(frozen=True, kw_only=True, slots=True)
class Explored:
    """What one exploration found. `broken` counts the states (or moves) per invariant that does not hold."""

    states: int
    moves: frozenset[Move]
    actions: frozenset[str]
    broken: Counter[str]
    most_payments: int


def explore(setting: Setting) -> Explored:
    """Visit every state there is within the bounds; what lies behind a broken one is not looked at."""
    graph = Graph(setting)
    graph.grow()
    broken = graph.broken + Counter({LOST: graph.count_lost(), FORBIDDEN: len(graph.moves - TRANSITIONS)})
    return Explored(
        states=len(graph.states),
        moves=frozenset(graph.moves),
        actions=frozenset(graph.used),
        broken=broken,
        most_payments=max(state.payments for state in graph.states),
    )


class Graph:
    """All states and, for each, those that lead to it by an honest action."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        first = State(hints=1, workers=(NOBODY,) * setting.bounds.workers)
        self.states: dict[State, list[State]] = {first: []}
        self.moves: set[Move] = set()
        self.used: set[str] = set()
        self.broken: Counter[str] = Counter()
        self.ends: set[State] = set()

    def grow(self) -> None:
        frontier = deque(self.states)
        while frontier:
            state = frontier.popleft()
            if broken := [name for name, is_broken in INVARIANTS.items() if is_broken(state, self.setting)]:
                self.broken.update(broken)
                self.ends.add(state)
                continue
            for done, after in self.successors(state):
                self.used.add(done.name)
                if done.name in STARTS or state.task is not after.task:
                    self.moves.add((state.task, done.name, after.task))
                if after not in self.states:
                    self.states[after] = []
                    frontier.append(after)
                if done.honest:
                    self.states[after].append(state)

    def successors(self, state: State) -> Iterator[tuple[Action, State]]:
        for worker in dict.fromkeys(state.workers):
            for able in BY_STEP[worker.step]:
                if able.may(state, worker, self.setting):
                    yield able, able.move(state, worker, self.setting)
        for able in BY_NOBODY:
            if able.may(state, NOBODY, self.setting):
                yield able, able.move(state, NOBODY, self.setting)

    def count_lost(self) -> int:
        """How many states cannot come to a settled one by honest actions alone."""
        saved = self.ends | {state for state in self.states if state.task in SETTLED}
        frontier = deque(saved)
        while frontier:
            for before in self.states[frontier.popleft()]:
                if before not in saved:
                    saved.add(before)
                    frontier.append(before)
        return len(self.states) - len(saved)


def _of(steps: Iterable[Step]) -> dict[Step, tuple[Action, ...]]:
    return {step: tuple(able for able in ACTIONS if step in able.worker_at) for step in steps}


BY_STEP = _of(Step)
BY_NOBODY = tuple(able for able in ACTIONS if not able.worker_at)
