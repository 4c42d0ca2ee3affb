"""Asking one question of a server, with an eye on the clock."""

import time
from typing import Any

from farm.models.answer import Answer, Message
from farm.models.client import Model
from farm.settings import ModelSettings

QUESTION = [Message("user", "How many orders?")]
DEADLINE_SECONDS = 10.0
SHORT_SECONDS = 1.0
LATE_SECONDS = 8.0
"""What a busy machine may add; without a deadline these servers would keep a client for ever."""


def model(url: str, *, api_key: str | None = "sk-secret", **settings: Any) -> Model:
    return Model(
        "stub-model",
        base_url=url,
        api_key=api_key,
        settings=ModelSettings(**({"deadline_seconds": DEADLINE_SECONDS} | settings)),
        max_connections=4,
    )


async def asked(client: Model) -> Answer | Exception:
    """The answer or the error, which the deadline must bring about."""
    started = time.monotonic()
    try:
        return await client.ask(QUESTION)
    except Exception as error:
        return error
    finally:
        assert time.monotonic() - started < client.deadline_seconds + LATE_SECONDS


async def ask(url: str, **options: Any) -> Any:
    """As `asked`, of a client made for it."""
    async with model(url, **options) as client:
        return await asked(client)
