"""What runs queries as long as the pages are served."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from farm.api import Farm
from farm.cancelling import cancel
from farm.checker.client import Checker
from farm.checker.engines import Scratch
from farm.errors import BadInput
from farm.running.service import Runs
from farm.targets.target import Target
from farm.web.once import Once

log = logging.getLogger(__name__)

SWEEP_SECONDS = 20.0
OBEY_SECONDS = 1.0
SENT_TWICE_SECONDS = 30.0
"""Within which a form that is sent again is taken for a double click, and not for another run."""


@contextlib.asynccontextmanager
async def service(app: Starlette) -> AsyncIterator[None]:
    """Sets `state.runs`, and ends what runs when the server ends."""
    farm: Farm = app.state.farm
    runs = await run_in_threadpool(Runs, farm)
    checker = Checker(timeout_seconds=farm.settings.check_timeout_seconds, scratch=Scratch.of(farm.settings))
    app.state.runs, app.state.run_checker = runs, checker
    app.state.runs_once = Once[int](lasts_seconds=SENT_TWICE_SECONDS)
    tasks = [asyncio.create_task(_tidy(runs, app.state.stopping)), asyncio.create_task(_obey(runs))]
    try:
        yield
    finally:
        await cancel(tasks)
        await run_in_threadpool(runs.close)
        await checker.close()


def runs_of(request: Request) -> Runs:
    """What runs queries for this server."""
    return cast(Runs, request.app.state.runs)


def once_of(request: Request) -> Once[int]:
    """The runs that forms have begun."""
    return cast("Once[int]", request.app.state.runs_once)


async def require_sound(request: Request, sql: str, target: Target) -> None:
    """Check a query with other values in it like any candidate; raises BadInput where it is refused."""
    checker = cast(Checker, request.app.state.run_checker)
    verdict = await checker.check(sql, target)
    if (refused := verdict.first_error) is not None:
        raise BadInput(f"with these values the query is refused: {refused.message}; choose others")


async def _obey(runs: Runs) -> None:
    """Look every second whether another server's page has cancelled what runs here."""
    while True:
        await asyncio.sleep(OBEY_SECONDS)
        try:
            await run_in_threadpool(runs.obey)
        except Exception:
            log.exception("it cannot be seen whether runs were cancelled elsewhere")


async def _tidy(runs: Runs, stopping: asyncio.Event) -> None:
    """End idle processes now and then, and all that runs as soon as the server is to end."""
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), SWEEP_SECONDS)
            await run_in_threadpool(runs.close)
            return
        await run_in_threadpool(runs.sweep)
