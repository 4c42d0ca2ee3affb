"""Ending helpers that do not end at the first word."""

import asyncio

from farm import cancelling


def test_a_swallowed_cancellation_is_said_again(monkeypatch):
    monkeypatch.setattr(cancelling, "CANCEL_AGAIN_SECONDS", 0.01)

    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # as a library does whose own time-out ends at that moment
            await asyncio.sleep(60)

    async def scene() -> bool:
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        await asyncio.wait_for(cancelling.cancel([task]), timeout=5)
        return task.done()

    assert asyncio.run(scene())
