"""Initializers that make a worker misbehave: functions that the `initializer` setting names."""

import asyncio
import os
import signal
from typing import Any

from farm.checker.client import Checker
from farm.models.answer import Answer
from farm.models.client import Model
from farm.sql.verdict import Candidate
from farm.targets.target import Target

LEAK_MIB = 60
_leaked: list[bytearray] = []


def die_of_poison() -> None:
    """A worker is killed when it looks at an answer that holds the word `poison`."""
    assess = Checker.assess

    async def poisoned(self: Checker, text: str, target: Target) -> tuple[Candidate, ...]:
        if "poison" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        return await assess(self, text, target)

    _replace(Checker, "assess", poisoned)


def call_for_ever() -> None:
    """A model call that no cancellation ends, in the first worker alone."""

    async def ask(self: Model, *_: Any) -> Answer:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    marker = os.environ["FARM_TEST_MARKER"]
    if not os.path.exists(marker):
        with open(marker, "w"):
            _replace(Model, "ask", ask)


def leak() -> None:
    """Each check keeps so many MiB for ever."""
    assess = Checker.assess

    async def leaking(self: Checker, text: str, target: Target) -> tuple[Candidate, ...]:
        _leaked.append(bytearray(b"x" * (LEAK_MIB * 2**20)))
        return await assess(self, text, target)

    _replace(Checker, "assess", leaking)


def _replace(owner: Any, name: str, function: Any) -> None:
    setattr(owner, name, function)
