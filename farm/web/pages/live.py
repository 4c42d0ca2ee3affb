"""Live updates: parts of pages sent as server-sent events, for htmx's extension to swap in.

However many people look at a page, its data are read once every few seconds and process, and only while
somebody looks: the extension closes the connection while a tab is hidden. In a template:

    <div hx-sse:connect="/farm/live" hx-swap="innerMorph">{% include "farm_live.html" %}</div>
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from farm.cancelling import cancel
from farm.errors import FarmError
from farm.web.page import browser_of, visitor
from farm.web.places import Bounds, Holder, Places

T = TypeVar("T")
BOUNDS = Bounds(in_all=200, of_name=100, of_browser=4)
"""Readers, who may share a token, leave places for operators; one browser leaves them for others, and has
connections left for other pages: it opens six to one server."""
KEEP_ALIVE_SECONDS = 15.0
LIFE_SECONDS = 600.0
"""After which a page has to ask anew, so that one whose visitor has signed out is told nothing more."""
SHARE_OF_TIME = 0.1
LINE_END = re.compile(r"\r\n|\r|\n")

log = logging.getLogger(__name__)


class Topic:
    """Something that is watched: loaded again and again while anybody does."""

    def __init__(self, load: Callable[[], Any], every_seconds: float, stopping: asyncio.Event) -> None:
        self._load, self._every_seconds, self._stopping = load, every_seconds, stopping
        self._changed = asyncio.Condition()
        self.watchers = 0
        self.version = 0
        self.value: Any = None
        self.ended = False
        self.task = asyncio.create_task(self._poll())

    async def newer(self, version: int) -> bool:
        """Wait until there is a later value than this one, a keep-alive is due, or all is to end; whether
        there is a later value."""
        async with self._changed:
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await self._changed.wait_for(lambda: self.ended or self.version > version)
            except TimeoutError:
                return False
        return self.version > version

    async def _poll(self) -> None:
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                await self._take()
                took_seconds = time.monotonic() - began
                await _sleep(self._stopping, max(self._every_seconds, took_seconds / SHARE_OF_TIME))
        finally:
            self.ended = True
            async with self._changed:
                self._changed.notify_all()

    async def _take(self) -> None:
        try:
            value = await run_in_threadpool(self._load)
        except FarmError as error:
            log.debug("what is watched cannot be read for now: %s", error)
            return
        except Exception:
            log.exception("what is watched cannot be read")
            return
        async with self._changed:
            self.value, self.version = value, self.version + 1
            self._changed.notify_all()


class Live:
    """Everything that is watched in this process."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._topics: dict[str, Topic] = {}
        self.places = Places(BOUNDS)
        self.streams = 0

    def join(self, key: str, load: Callable[[], Any], every_seconds: float) -> Topic:
        """Watch along; the first one to come says how it is loaded."""
        topic = self._topics.get(key)
        if topic is None or topic.ended:
            topic = self._topics[key] = Topic(load, every_seconds, self._stopping)
        topic.watchers += 1
        self.streams += 1
        return topic

    def leave(self, key: str, topic: Topic) -> None:
        """Watch no more; what nobody watches is loaded no more."""
        self.streams -= 1
        topic.watchers -= 1
        if topic.watchers == 0:
            topic.task.cancel()
            if self._topics.get(key) is topic:
                del self._topics[key]

    async def close(self) -> None:
        """End all that is watched."""
        await cancel([topic.task for topic in self._topics.values()])


@asynccontextmanager
async def service(app: Starlette) -> AsyncIterator[None]:
    """Makes `app.state.live`, and ends what is watched with the server."""
    app.state.live = Live(app.state.stopping)
    try:
        yield
    finally:
        await app.state.live.close()


def stream(
    request: Request,
    *,
    key: str,
    load: Callable[[], T],
    render: Callable[[T], str],
    every_seconds: float = 2.0,
) -> Response:
    """A part of a page, now and whenever it changes; ends with the server. For endpoints that are coroutines.

    `load` reads the data in a thread, every few seconds, once for all who watch the same `key`; `render`
    makes the HTML of them for this visitor. Where too many watch already, or this one in too many windows,
    the page stays as it is (204).
    """
    live: Live = request.app.state.live
    if request.method == "HEAD":  # which nobody would ever see the end of
        return Response(media_type="text/event-stream")
    holder = Holder(name=visitor(request).name, browser=browser_of(request))
    if request.app.state.stopping.is_set() or not live.places.take(holder):
        return Response(status_code=204)
    topic = live.join(key, load, every_seconds)

    def left() -> None:
        live.places.give_back(holder)
        live.leave(key, topic)

    leave = _Once(left)
    return _Stream(_events(request, topic, render, leave), media_type="text/event-stream", leave=leave)


class _Once:
    """A callable that acts the first time alone."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act: Callable[[], None] | None = act

    def __call__(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()


class _Stream(StreamingResponse):
    """A stream that is left also where its client goes before the first event."""

    def __init__(self, events: AsyncIterator[str], *, leave: Callable[[], None], **options: Any) -> None:
        super().__init__(events, **options)
        self._leave = leave

    async def __call__(self, *connection: Any) -> None:
        try:
            await super().__call__(*connection)
        finally:
            self._leave()


async def _events(
    request: Request, topic: Topic, render: Callable[[Any], str], leave: Callable[[], None]
) -> AsyncIterator[str]:
    version, sent = 0, None
    until = time.monotonic() + LIFE_SECONDS
    try:
        while time.monotonic() < until and not topic.ended and not await request.is_disconnected():
            if not await topic.newer(version):
                yield ": still here\n\n"
                continue
            version, value = topic.version, topic.value
            text = await run_in_threadpool(render, value)
            if text != sent:
                sent = text
                yield event(text)
    finally:
        leave()


def event(text: str) -> str:
    """A text as one server-sent event."""
    return "".join(f"data: {line}\n" for line in LINE_END.split(text)) + "\n"


async def _sleep(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, but no longer than until the server is to end."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
