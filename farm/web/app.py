"""The pages as one ASGI application."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from farm.api import Farm
from farm.errors import FarmError
from farm.tracing import switch
from farm.web import counting, ready, running, summing, tracing
from farm.web.access import access_of
from farm.web.api import table as api
from farm.web.assets import Assets
from farm.web.failures import broken, farm_error, http_error
from farm.web.headers import Headers
from farm.web.page import page, see
from farm.web.pages import (
    actions,
    ask,
    batch_report,
    batches,
    databases,
    exports,
    live,
    login,
    metrics,
    report,
    reports,
    runs,
    steering,
    tasks,
)
from farm.web.pages import farm as farm_page
from farm.web.templating import environment

PAGES: tuple[tuple[BaseRoute, ...], ...] = (
    login.ROUTES,
    ask.ROUTES,
    batches.ROUTES,
    batch_report.ROUTES,
    databases.ROUTES,
    farm_page.ROUTES,
    steering.ROUTES,
    tasks.ROUTES,
    actions.ROUTES,
    metrics.ROUTES,
    runs.ROUTES,
    exports.ROUTES,
    reports.ROUTES,
    report.ROUTES,
    api.ROUTES,
)
"""The routes of each module of pages."""

SERVICES: tuple[Callable[[Starlette], AbstractAsyncContextManager[None]], ...] = (
    tracing.service,
    ask.remembering,
    live.service,
    counting.service,
    metrics.service,
    summing.service,
    running.service,
    batch_report.service,
    ready.service,
)
"""What lives as long as the server: each may set something in `app.state` and takes it down at the end."""


def build(farm: Farm) -> Starlette:
    """The application that shows `farm`, which stays open for it. Raises BadSetting or Misuse.

    `state.stopping` is an asyncio.Event that is set when the server is to end: streams end with it.
    """
    switch.require(os.environ)
    assets = Assets()
    access = access_of(farm.settings)
    app = Starlette(
        routes=[
            page("/", front),
            Route("/healthz", health),
            Route("/readyz", ready.ready),
            assets.route(),
            *(route for routes in PAGES for route in routes),
        ],
        middleware=[
            Middleware(tracing.Traced),
            Middleware(Headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(access.hosts), www_redirect=False),
        ],
        exception_handlers={FarmError: farm_error, HTTPException: http_error, Exception: broken},
        lifespan=lifespan,
    )
    app.state.farm = farm
    app.state.access = access
    app.state.templates = environment(assets)
    return app


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """From the start of the server to its end; see SERVICES."""
    app.state.stopping = asyncio.Event()
    async with AsyncExitStack() as stack:
        for service in SERVICES:
            await stack.enter_async_context(service(app))
        yield
        app.state.stopping.set()


def front(request: Request) -> Response:
    """The reports are what people come for."""
    return see("/reports")


def health(request: Request) -> Response:
    """That the server answers."""
    return PlainTextResponse("ok\n")
