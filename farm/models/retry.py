"""Repeating a call, to a model above all, while that makes sense.

For ever where the provider only asks for patience; a few times where each attempt may have been paid.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import uniform
from typing import TypeVar

from farm.errors import BadAnswer, GiveUp, Throttled, TryAgain

FIRST_DELAY_SECONDS = 0.5
MOST_DELAY_SECONDS = 60.0
BAD_ANSWERS = 3

Result = TypeVar("Result")

log = logging.getLogger(__name__)


async def patiently(
    call: Callable[[], Awaitable[Result]],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[float, float], float] = uniform,
) -> Result:
    """Await `call()` until it answers; raises what repeating cannot mend.

    Delays follow decorrelated jitter (M. Brooker, "Exponential Backoff and Jitter", 2015), capped at 60 s; a
    delay that the provider asks for is honoured. The third BadAnswer becomes GiveUp.
    """
    delay, bad = FIRST_DELAY_SECONDS, 0
    while True:
        try:
            return await call()
        except BadAnswer as error:
            bad += 1
            if bad >= BAD_ANSWERS:
                raise GiveUp(f"{error}, {bad} times") from error
            trouble: TryAgain = error
        except TryAgain as error:
            trouble = error
        delay = next_delay_seconds(delay, trouble, jitter)
        log.info("waiting %.1f s: %s", delay, trouble)
        await sleep(delay)


def next_delay_seconds(last: float, trouble: TryAgain, jitter: Callable[[float, float], float]) -> float:
    """How long to wait after `trouble`, given the last delay."""
    asked = trouble.retry_after_seconds if isinstance(trouble, Throttled) else None
    own = min(MOST_DELAY_SECONDS, jitter(FIRST_DELAY_SECONDS, last * 3))
    return own if asked is None else min(MOST_DELAY_SECONDS, asked + jitter(0, FIRST_DELAY_SECONDS))
