"""Whole results as files, streamed while their query runs."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from farm.errors import FarmError
from farm.exports import parquet
from farm.exports.formats import FORMATS, Format, file_name
from farm.running.service import Live, Runs
from farm.web import asked_run
from farm.web.access import Role
from farm.web.asked_run import prefixed
from farm.web.page import is_foreign, page, see
from farm.web.pages.runs import Wanted, is_confirmed, wanted_run
from farm.web.running import require_sound, runs_of

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.5


class Export:
    """An export that has begun: pieces of the file, until it is closed."""

    def __init__(self, runs: Runs, wanted: Wanted, form: Format, live: Live) -> None:
        """Waits for the first rows; raises a FarmError where there are none to come."""
        self._stack = ExitStack()
        self._live = live
        try:
            stream, _ = self._stack.enter_context(runs.export(wanted.target, wanted.sql, live))
            self._pieces = form.write(stream)
            self._first: bytes | None = next(self._pieces, None)
        except BaseException:
            self._stack.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        if self._first is not None:
            yield self._first
        self._first = None
        yield from self._pieces

    @property
    def live(self) -> Live:
        """The query, to be cancelled."""
        return self._live

    def close(self) -> None:
        """End the query wherever it is."""
        self._stack.close()


class ExportResponse(StreamingResponse):
    """Sends an export; who goes away cancels its query, and what fails half-way breaks the connection off."""

    def __init__(self, export: Export, *, media_type: str, name: str) -> None:
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        super().__init__(iter(()), media_type=media_type, headers=headers)
        self._export = export

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(self._cancel_when_gone(receive))
        pieces = iter(self._export)
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            while (piece := await run_in_threadpool(next, pieces, None)) is not None and not gone.done():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except FarmError as error:
            log.warning("an export broke off: %s", error)  # without its end, the answer is seen to be cut
        except OSError:
            log.info("an export was not wanted to its end")
        finally:
            gone.cancel()
            self._export.live.cancel()
            await asyncio.shield(run_in_threadpool(self._export.close))

    async def _cancel_when_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._export.live.cancel()


async def export(request: Request) -> Response:
    """The whole result in the format that the address ends with."""
    form = FORMATS.get(request.path_params["format"])
    if form is None:
        raise HTTPException(404)
    if is_foreign(request):
        raise HTTPException(403, "Another site has led here; open the report and use its own link.")
    if form.name == "parquet":
        parquet.require()
    wanted = await run_in_threadpool(wanted_run, request, asked_run.values(request.query_params))
    if not await run_in_threadpool(is_confirmed, request, wanted):
        return see(f"/reports/{wanted.report.id}/run", **prefixed(wanted.values))
    if wanted.sql != wanted.own_sql:
        await require_sound(request, wanted.sql, wanted.target)
    title = wanted.report.title or wanted.report.question
    name = file_name(wanted.report.id, title, form.name)
    if request.method == "HEAD":
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(media_type=form.media_type, headers=headers)
    ready = await begun(request, wanted, form)
    return ExportResponse(ready, media_type=form.media_type, name=name)


async def begun(request: Request, wanted: Wanted, form: Format) -> Export:
    """The export with its first rows, which may take long; it is cancelled where nobody waits for them."""
    live = Live()
    beginning = asyncio.ensure_future(run_in_threadpool(Export, runs_of(request), wanted, form, live))
    while not (await asyncio.wait([beginning], timeout=LOOK_EVERY_SECONDS))[0]:
        if await request.is_disconnected():
            live.cancel()
    return await beginning


ROUTES = (page("/reports/{id}/export.{format}", export, role=Role.RUNNER),)
