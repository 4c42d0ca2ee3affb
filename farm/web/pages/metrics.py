"""The metrics, for Prometheus and whatever reads its formats."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

import farm
from farm.api import Farm
from farm.errors import FarmError
from farm.metrics.exposition import expose
from farm.store.observation import Observation, observe
from farm.store.settled import Settled
from farm.web import session as sessions

LIFE_SECONDS = 1.0
"""For how long a look at the store serves others that ask."""
PATIENCE_SECONDS = 4.0
"""How long the store may take. Both together are no longer than the time between two scrapes: whichever
process answers the second one, its counters do not stand below those of the first."""
CHALLENGE = {"www-authenticate": 'Bearer realm="farm"'}

log = logging.getLogger(__name__)


class Watching:
    """Looks at the store, once at a time; who asks meanwhile, or right after, sees the same."""

    def __init__(
        self, farm: Farm, *, life_seconds: float = LIFE_SECONDS, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._farm = farm
        self._queues = tuple(farm.settings.all_pools())
        self._settled = Settled()
        self._life_seconds, self._patience_seconds = life_seconds, patience_seconds
        self._look: asyncio.Task[Observation | None] | None = None
        self._began_at = float("-inf")

    async def seen(self) -> Observation | None:
        """The farm as it stands; None: the store does not answer."""
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(self._patience_seconds):
                while self._look is None or not self._serves(asked_at):
                    if self._look is None or self._look.done():
                        self._began_at = time.monotonic()
                        self._look = asyncio.create_task(run_in_threadpool(self._observed))
                    else:
                        await asyncio.wait([self._look])
                return await asyncio.shield(self._look)
        except TimeoutError:
            return None

    def _serves(self, asked_at: float) -> bool:
        """Whether the look is good for who asked then; one that took long has seen the farm as it was."""
        done = self._look is not None and self._look.done()
        return asked_at < self._began_at + (self._life_seconds if done else LIFE_SECONDS)

    async def close(self) -> None:
        """Wait for a look that is under way; its thread cannot be ended."""
        if self._look is not None:
            with suppress(Exception):
                await self._look

    def _observed(self) -> Observation | None:
        try:
            return observe(self._farm.store, self._queues, self._settled)
        except FarmError as error:
            log.debug("the store cannot be looked at for metrics: %s", error)
        except Exception:
            log.exception("the store could not be looked at for metrics")
        return None


async def metrics(request: Request) -> Response:
    """What Prometheus scrapes; for readers, with a token as `Authorization: Bearer …` where there is one."""
    access = request.app.state.access
    session, _ = sessions.load(request, access)
    if sessions.visitor(request, session, access) is None:
        wanted = "Send one of the farm's tokens as `Authorization: Bearer …`.\n"
        return PlainTextResponse(wanted, status_code=401, headers=CHALLENGE)
    shown = cast(Farm, request.app.state.farm)
    exposed = expose(
        await cast(Watching, request.app.state.watching).seen(),
        version=farm.__version__,
        store=shown.store.dialect,
        accept=request.headers.get("accept", ""),
    )
    return Response(exposed.body, headers={"content-type": exposed.content_type, "cache-control": "no-store"})


@asynccontextmanager
async def service(app: Starlette) -> AsyncIterator[None]:
    """Makes `app.state.watching`."""
    app.state.watching = watching = Watching(app.state.farm)
    yield
    await watching.close()


ROUTES: tuple[BaseRoute, ...] = (Route("/metrics", metrics),)
