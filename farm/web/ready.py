"""Whether the server can do its work: the store answers, and is at this version. Fast, whatever hangs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from farm.api import Farm
from farm.errors import FarmError
from farm.store import revision

PROBE_SECONDS = 2.0

log = logging.getLogger(__name__)


class Readiness:
    """Asks the store, once at a time: who asks meanwhile is told the same; a probe that hangs hangs alone."""

    def __init__(self, probe: Callable[[], str | None], *, patience_seconds: float = PROBE_SECONDS) -> None:
        self._probe = probe
        self._patience_seconds = patience_seconds
        self._under_way: asyncio.Task[str | None] | None = None

    async def trouble(self) -> str | None:
        """Why the server is not ready; None: it is."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(run_in_threadpool(self._probe))
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await asyncio.shield(self._under_way)
        except TimeoutError:
            return f"the store has not answered for {self._patience_seconds:g} s"

    async def close(self) -> None:
        """Wait for a probe that is under way; its thread cannot be ended."""
        if self._under_way is not None:
            with suppress(Exception):
                await self._under_way


def probe_of(farm: Farm) -> Callable[[], str | None]:
    """Asks the store of a farm for its revision, and tells what is wrong with it."""
    needed = revision.head()

    def probe() -> str | None:
        try:
            found = revision.current(farm.store)
        except FarmError:
            return "the store does not answer"
        except Exception:
            log.exception("the store could not be asked whether it is ready")
            return "the store could not be asked"
        if found != needed:
            return (
                f"the store is at revision {found or 'none'}, this version needs {needed}; run `farm migrate`"
            )
        return None

    return probe


@asynccontextmanager
async def service(app: Starlette) -> AsyncIterator[None]:
    """Sets `state.readiness`."""
    readiness = Readiness(await run_in_threadpool(probe_of, app.state.farm))
    app.state.readiness = readiness
    yield
    await readiness.close()


async def ready(request: Request) -> Response:
    """200 while work can be taken, 503 while it cannot; for load balancers and orchestrators."""
    stopping = cast(asyncio.Event, request.app.state.stopping)
    readiness = cast(Readiness, request.app.state.readiness)
    trouble = "the server is about to end" if stopping.is_set() else await readiness.trouble()
    if trouble is None:
        return PlainTextResponse("ready\n")
    return PlainTextResponse(f"not ready: {trouble}\n", status_code=503, headers={"retry-after": "5"})
