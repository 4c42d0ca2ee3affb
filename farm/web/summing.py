"""Summing up what has happened in the background, so that the pages find it done (farm.store.rollup)."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from farm.errors import FarmError
from farm.store import counters, rollup
from farm.store.engine import Store

EVERY_SECONDS = 5.0
PAUSE_SECONDS = 0.05

log = logging.getLogger(__name__)


@asynccontextmanager
async def service(app: Starlette) -> AsyncIterator[None]:
    """Sum up every few seconds while the server runs; each process tries, and one of them adds a step."""
    stopping: asyncio.Event = app.state.stopping
    task = asyncio.create_task(_sum_up(app.state.farm.store, stopping))
    try:
        yield
    finally:
        stopping.set()
        await task  # a thread cannot be cancelled, and would keep its connection


async def _sum_up(store: Store, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        more = await run_in_threadpool(_step, store)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_SECONDS if more else EVERY_SECONDS):
                await stopping.wait()


def _step(store: Store) -> bool:
    try:
        return counters.fold(store) | rollup.advance(store)
    except FarmError as error:
        log.debug("what has happened cannot be summed up for now: %s", error)
    except Exception:
        log.exception("what has happened cannot be summed up")
    return False
