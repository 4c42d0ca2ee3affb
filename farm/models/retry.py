"""Repeating a call, to a model above all, while that makes sense.

For ever where the provider only asks for patience; a few times where each attempt may have been paid; thirty
times where it fails on its side while it answers others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import uniform
from typing import TypeVar

from farm.errors import BadAnswer, FarmError, GiveUp, TryAgain, Unanswered, Unavailable

FIRST_DELAY_SECONDS = 0.5
MOST_DELAY_SECONDS = 60.0
BAD_ANSWERS = 3
UNANSWERED = 15
UNAVAILABLE = 30

Result = TypeVar("Result")

log = logging.getLogger(__name__)


async def _note_nothing(error: FarmError) -> None:
    pass


async def patiently(
    call: Callable[[], Awaitable[Result]],
    *,
    note: Callable[[FarmError], Awaitable[None]] = _note_nothing,
    answered: Callable[[], int] = lambda: 0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[float, float], float] = uniform,
) -> Result:
    """Await `call()` until it answers; raises what repeating cannot mend.

    Delays follow decorrelated jitter (M. Brooker, "Exponential Backoff and Jitter", 2015), capped at 60 s; a
    delay that the provider asks for is honoured. The third BadAnswer becomes GiveUp; where all were
    Unanswered, and no other call was answered meanwhile (`answered` counts them), only the fifteenth. The
    thirtieth Unavailable does so where other calls were answered meanwhile: then it is this call's doing.
    `note` is told of each error before anything else is done.
    """
    delay, tries = FIRST_DELAY_SECONDS, Tries(answered())
    while True:
        try:
            return await call()
        except FarmError as error:
            await note(error)
            if not isinstance(error, TryAgain):
                raise
            if tries.used_up(error, answered()):
                raise GiveUp(f"{error}, {tries.count} times") from error
            delay = next_delay_seconds(delay, error, jitter)
            log.debug("waiting %.1f s: %s", delay, error)
        await sleep(delay)


class Tries:
    """The bad answers to one call; `answered` counts the answered calls of its route when it began."""

    def __init__(self, answered: int) -> None:
        self._bad = 0
        self._unavailable = 0
        self._all_unanswered = True
        self._answered = answered

    @property
    def count(self) -> int:
        """How many failed, but for those that only asked for patience."""
        return self._bad + self._unavailable

    def used_up(self, error: TryAgain, answered: int) -> bool:
        """Whether `error` was the last that is borne; `answered` is the count of now."""
        if isinstance(error, Unavailable):
            self._unavailable += 1
            return self._unavailable >= UNAVAILABLE and answered > self._answered
        if not isinstance(error, BadAnswer):
            return False
        self._bad += 1
        self._all_unanswered &= isinstance(error, Unanswered)
        route_is_silent = self._all_unanswered and answered == self._answered
        return self._bad >= (UNANSWERED if route_is_silent else BAD_ANSWERS)


def next_delay_seconds(last: float, trouble: TryAgain, jitter: Callable[[float, float], float]) -> float:
    """How long to wait after `trouble`, given the last delay."""
    asked = trouble.retry_after_seconds
    own = min(MOST_DELAY_SECONDS, jitter(FIRST_DELAY_SECONDS, last * 3))
    return min(MOST_DELAY_SECONDS, asked + jitter(0, FIRST_DELAY_SECONDS)) if asked else own
