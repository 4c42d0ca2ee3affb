"""Ending coroutines for certain."""

import asyncio
from collections.abc import Sequence

CANCEL_AGAIN_SECONDS = 1.0


async def cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Cancel until all have ended: a library's own time-out can swallow a cancellation that meets it."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
