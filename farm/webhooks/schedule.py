"""What comes of an attempt: delivered, to be tried again after a while, or given up. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from random import uniform

from farm.store.webhooks import DELIVERED, FAILED, PENDING, WebhookState

FIRST_PAUSE_SECONDS = 5.0
FACTOR = 3
MOST_PAUSE_SECONDS = 6 * 3600.0
JITTER = 0.2
MOST_ATTEMPTS = 12
"""After about 23 hours of pauses: 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h, and 6 h three times."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What an attempt met: a status with the pause that was asked for, or why there is none."""

    status_code: int | None = None
    trouble: str | None = None
    retry_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What comes of an attempt; `reason` says why it failed."""

    state: WebhookState
    reason: str | None = None
    pause_seconds: float | None = None
    status_code: int | None = None


def decide(answered: Answered, attempt: int, *, spread: Callable[[float, float], float] = uniform) -> Outcome:
    """What comes of the attempt with this number, from 1; `spread` is a random number between two."""
    code = answered.status_code
    if code is not None and HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(state=DELIVERED, status_code=code)
    reason = answered.trouble or _said(code)
    if code == HTTPStatus.GONE or attempt >= MOST_ATTEMPTS:
        return Outcome(state=FAILED, reason=reason, status_code=code)
    pause_seconds = min(FIRST_PAUSE_SECONDS * FACTOR ** (attempt - 1), MOST_PAUSE_SECONDS)
    pause_seconds *= spread(1 - JITTER, 1 + JITTER)
    asked_seconds = min(answered.retry_after_seconds or 0.0, MOST_PAUSE_SECONDS)
    return Outcome(
        state=PENDING, reason=reason, pause_seconds=max(pause_seconds, asked_seconds), status_code=code
    )


def _said(code: int | None) -> str:
    if code == HTTPStatus.GONE:
        return "answered 410: it wants no more"
    if code is not None and HTTPStatus.MULTIPLE_CHOICES <= code < HTTPStatus.BAD_REQUEST:
        return f"answered {code}: redirects are not followed"
    return f"answered {code}"
