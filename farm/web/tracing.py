"""A span for each request, where traces are wanted; named by its route, and silent about what was sent."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farm.tracing.switch import open_tracer
from farm.tracing.tracer import OFF, Attributes, Kind, Span, Tracer, Value

PROBED = ("/healthz", "/readyz", "/metrics", "/assets/")
"""What is asked for all the time, and tells nobody anything."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


@asynccontextmanager
async def service(app: Starlette) -> AsyncIterator[None]:
    """The tracer of this server, as long as it runs."""
    app.state.tracer = open_tracer(os.environ, instance=f"{socket.gethostname()}.pages.{os.getpid()}")
    try:
        yield
    finally:
        await app.state.tracer.close()


class Traced:
    """Tells method, route and status of each request, by the conventions for HTTP servers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tracer: Tracer = getattr(scope["app"].state, "tracer", OFF)
        if tracer is OFF or scope["type"] != "http" or scope["path"].startswith(PROBED):
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        asked: dict[str, Value] = {"http.request.method": method, "url.scheme": scope["scheme"]}
        with tracer.span(method, asked, kind=Kind.SERVER) as span:
            try:
                await self._app(scope, receive, _telling(span, send))
            finally:
                if route := route_of(scope):
                    span.rename(f"{method} {route}")
                    span.set(route_attributes(scope, route))


def _telling(span: Span, send: Send) -> Send:
    async def send_and_tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            span.set({"http.response.status_code": status})
            if status >= 500:
                span.fail(str(status))
        await send(message)

    return send_and_tell


def route_of(scope: Scope) -> str | None:
    """The pattern that the request's path has met, such as /tasks/{id}; None where it met none."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else None


def route_attributes(scope: Scope, route: str) -> Attributes:
    """Route and path; the path of what was not found could be anything, and is not told."""
    return {"http.route": route, "url.path": scope["path"]}
