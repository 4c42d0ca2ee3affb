"""Working one task alone: a task that may take its process down must take no other one with it.

A lock that many share or one has alone. Whoever asks to be alone goes before those who ask to share later,
so that it waits for what is in flight and no longer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Isolation:
    """For one event loop."""

    def __init__(self) -> None:
        self._sharing = 0
        self._asking = 0
        self._is_alone = False
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Beside others who share."""
        await self._until(lambda: not self._is_alone and not self._asking)
        self._sharing += 1
        try:
            yield
        finally:
            self._sharing -= 1
            self._wake()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Beside nobody."""
        self._asking += 1
        try:
            await self._until(lambda: not self._is_alone and not self._sharing)
            self._is_alone = True
        finally:
            self._asking -= 1
            self._wake()
        try:
            yield
        finally:
            self._is_alone = False
            self._wake()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)
