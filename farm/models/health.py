"""Whether a route gives answers at all, from how its last calls ended. Pure but for its memory.

A task whose calls fail is given up; where every call fails, whoever asks, the route is stopped instead,
before the whole queue is paid for and rejected.
"""

LOST_CALLS = 20
LOST_SECONDS = 300.0


class Health:
    """How the calls of one route end. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.answered = 0
        self._lost = 0
        self._lost_since = 0.0

    def answer(self) -> None:
        """A call was answered, be it by a refusal."""
        self.answered += 1
        self._lost = 0

    def ask_for_patience(self) -> None:
        """A call cost nothing and is to be repeated; what was lost before says nothing any more."""
        self._lost = 0

    def lose(self, now: float) -> bool:
        """A call that may have been paid gave no answer. True: none has for so long that it is the route."""
        if self._lost == 0:
            self._lost_since = now
        self._lost += 1
        return self._lost >= LOST_CALLS and now - self._lost_since >= LOST_SECONDS
