"""How many tasks stand in each final state: exact, without counting a million of them each time."""

import time
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from farm.store import status
from farm.store.counted import TASKS_ENDED, TASKS_REQUEUED, Counted
from farm.store.states import SETTLED

EVERY_SECONDS = 600.0


class Settled:
    """Counts the rows now and then, and from then on what counters have added.

    A task comes to a final state by an end and leaves it by a requeue; both are counted in the transactions
    in which they happen, so that a count of rows and the counters of the same snapshot are good for any later
    one. Counting anew every ten minutes heals what somebody did to the rows by hand.
    """

    def __init__(
        self, *, every_seconds: float = EVERY_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_seconds, self._clock = every_seconds, clock
        self._again_at = float("-inf")
        self._offsets: dict[str, int] = {}

    def count(self, connection: Connection, counted: Counted) -> dict[str, int]:
        """Tasks by final state; `counted` are the counters of the connection's snapshot."""
        net = _net(counted)
        if self._clock() >= self._again_at:
            rows = status.tasks_by_state(connection)
            self._offsets = {state: rows[state] - net[state] for state in net}
            self._again_at = self._clock() + self._every_seconds
        return {state: net[state] + self._offsets[state] for state in net}


def _net(counted: Counted) -> Mapping[str, int]:
    """How many more tasks came to each final state than left it."""
    net = dict.fromkeys((state.value for state in SETTLED), 0)
    for key, amount in counted.items():
        if key[0] == TASKS_ENDED:
            net[key[1]] += amount
        elif key[0] == TASKS_REQUEUED:
            net[key[1]] -= amount
    return net
