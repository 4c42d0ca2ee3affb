"""One checker process and its two pipes, as callbacks on the event loop."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self, cast

from farm.checker import protocol
from farm.redaction import without_secrets

DRAIN_SECONDS = 0.25
END_SECONDS = 2.0

OnFrame = Callable[[dict[str, Any]], None]
OnEnd = Callable[["Pipe", int | None], None]


class Pipe(asyncio.SubprocessProtocol):
    """Calls `on_frame` for each reply, and `on_end` once with the exit status unless ended from here."""

    def __init__(self, on_frame: OnFrame, on_end: OnEnd) -> None:
        self._on_frame: OnFrame | None = on_frame
        self._on_end: OnEnd | None = on_end
        self._begun: list[bytes] = []
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[bool] = loop.create_future()
        self._gone: asyncio.Future[None] = loop.create_future()

    @classmethod
    async def open(cls, command: Sequence[str], *, on_frame: OnFrame, on_end: OnEnd) -> Self:
        loop = asyncio.get_running_loop()
        _, pipe = await loop.subprocess_exec(
            lambda: cls(on_frame, on_end), *command, stderr=None, env=without_secrets(os.environ)
        )
        return pipe

    async def is_ready(self, timeout_seconds: float) -> bool:
        """Wait until it serves; where it does not, it is killed and this is False."""
        try:
            ready = await asyncio.wait_for(self._ready, timeout_seconds)
        except TimeoutError:
            ready = False
        except BaseException:
            self.kill()
            raise
        if not ready:
            self.kill()
        return ready

    @property
    def pid(self) -> int:
        return self._transport.get_pid()

    def write(self, data: bytes) -> None:
        self._input().write(data)

    def kill(self) -> None:
        """End the process at once; nothing more is heard of it."""
        self._on_frame = self._on_end = None
        if self._transport.get_returncode() is None:
            with suppress(ProcessLookupError):
                self._transport.kill()
        self._transport.close()

    async def end(self) -> None:
        """Close the input, wait for the process to go, kill it when it does not."""
        self._on_frame = self._on_end = None
        self._input().close()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._gone), END_SECONDS)
        self.kill()
        await self._gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._begun, lines[0]))
            self._begun = []
        self._begun.append(rest)
        for line in lines:
            frame = protocol.decode(line)
            if frame == protocol.READY:
                self._settle(ready=True)
            elif self._on_frame is not None:
                self._on_frame(frame)

    def process_exited(self) -> None:
        # what it wrote last may still be in the pipe; a grandchild may hold the pipe open for ever
        asyncio.get_running_loop().call_later(DRAIN_SECONDS, self._ended)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._gone.done():
            self._gone.set_result(None)
        self._ended()

    def _ended(self) -> None:
        self._settle(ready=False)
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(self, self._transport.get_returncode())

    def _settle(self, *, ready: bool) -> None:
        if not self._ready.done():
            self._ready.set_result(ready)

    def _input(self) -> asyncio.WriteTransport:
        return cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
