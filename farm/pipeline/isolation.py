"""Working one task alone: a task that may take its process down must take no other one with it.

A lock that many share or one has alone. Whoever asks to be alone goes before those who ask to share later,
so that it waits for what is in flight and no longer. Who only waits for a server steps aside meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self


class Place:
    """A place to work at, to be entered with `async with`."""

    def __init__(self, enter: Callable[[], Awaitable[None]], leave: Callable[[], None]) -> None:
        self._enter = enter
        self._leave = leave
        self._inside = False

    async def __aenter__(self) -> Self:
        await self._enter()
        self._inside = True
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._inside:
            self._inside = False
            self._leave()

    async def aside(self, wait: Awaitable[None]) -> None:
        """Leave the place to others during `wait`, then take it again."""
        self._inside = False
        self._leave()
        await wait
        await self.__aenter__()


class Isolation:
    """For one event loop."""

    def __init__(self) -> None:
        self._sharing = 0
        self._asking = 0
        self._is_alone = False
        self._waiting: list[asyncio.Future[None]] = []

    def shared(self) -> Place:
        """Beside others who share."""
        return Place(self._share, self._stop_sharing)

    def alone(self) -> Place:
        """Beside nobody."""
        return Place(self._be_alone, self._stop_being_alone)

    async def _share(self) -> None:
        await self._until(lambda: not self._is_alone and not self._asking)
        self._sharing += 1

    def _stop_sharing(self) -> None:
        self._sharing -= 1
        self._wake()

    async def _be_alone(self) -> None:
        self._asking += 1
        try:
            await self._until(lambda: not self._is_alone and not self._sharing)
            self._is_alone = True
        finally:
            self._asking -= 1
            self._wake()

    def _stop_being_alone(self) -> None:
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
