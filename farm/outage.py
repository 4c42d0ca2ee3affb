"""One server's being away, as one of its users lives through it: said once, waited out, over."""

import logging
import re
import time
from collections.abc import Callable
from random import uniform

FIRST_PAUSE_SECONDS = 0.2
MOST_PAUSE_SECONDS = 5.0
JITTER = 0.25
MOST_KINDS = 10
_DETAILS = re.compile(r"\(.*\)|'[^']*'|\d+", re.DOTALL)


class Outage:
    """Says what is wrong once, and again when something else is; says when it is over; paces the tries.

    Pauses double up to `most_seconds`, each longer or shorter by up to a quarter, so that many who wait do
    not come back together. `clock` gives monotonic seconds, `spread` a random number between its arguments.
    """

    def __init__(
        self,
        log: logging.Logger,
        server: str,
        *,
        first_seconds: float = FIRST_PAUSE_SECONDS,
        most_seconds: float = MOST_PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[float, float], float] = uniform,
    ) -> None:
        self._log = log
        self._server = server
        self._first_seconds = min(first_seconds, most_seconds)
        self._most_seconds = most_seconds
        self._clock = clock
        self._spread = spread
        self._since: float | None = None
        self._pause_seconds = self._first_seconds
        self._said: set[str] = set()

    def __bool__(self) -> bool:
        """Whether the server is away as far as is known."""
        return self._since is not None

    def note(self, error: object) -> float:
        """It failed again: say so if this is news; returns how many seconds to wait before the next try."""
        if self._since is None:
            self._since = self._clock()
            self._pause_seconds = self._first_seconds
        self._say(error)
        pause_seconds = self._pause_seconds * self._spread(1 - JITTER, 1 + JITTER)
        self._pause_seconds = min(2 * self._pause_seconds, self._most_seconds)
        return pause_seconds

    def over(self) -> None:
        """It works, perhaps again."""
        if self._since is None:
            return
        self._log.info("%s is back after %.0f s", self._server, self._clock() - self._since)
        self._since = None
        self._said.clear()

    def _say(self, error: object) -> None:
        kind = _kind(error)
        if kind not in self._said and len(self._said) < MOST_KINDS:
            self._said.add(kind)
            self._log.warning("waiting for %s: %s", self._server, error)


def _kind(error: object) -> str:
    """What makes two troubles the same: type and text, but no number and nothing in brackets or quotes."""
    return f"{type(error).__name__}: {_DETAILS.sub('', str(error))}"
