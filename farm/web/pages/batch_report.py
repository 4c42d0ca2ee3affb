"""A batch as one HTML file to take along (farm.web.standalone)."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from farm.errors import Throttled
from farm.reporting.entry import Wanted
from farm.web.access import Role
from farm.web.page import farm_of, is_foreign, number, page, visitor
from farm.web.standalone import Document

AT_ONCE = 2
MOST = 500
RETRY_SECONDS = 5.0
LONGEST_SECONDS = 900.0
"""How long a file is kept for somebody who takes it slowly, or not at all."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def service(app: Starlette) -> AsyncIterator[None]:
    """Makes `app.state.report_places`: drawing takes a processor, and answers wait for threads."""
    app.state.report_places = threading.BoundedSemaphore(AT_ONCE)
    yield


def download(request: Request) -> Response:
    """The file, as it is drawn; readers find in it the results that were kept for them, others all."""
    if is_foreign(request):
        raise HTTPException(403, "Another site has led here; open the batch and use its own link.")
    wanted = Wanted(most=MOST, kept_only=not visitor(request).may(Role.RUNNER))
    document = Document(farm_of(request), number(request), wanted)
    headers = {"content-disposition": f'attachment; filename="batch-{document.batch.id}.html"'}
    if request.method == "HEAD":
        document.close()
        return Response(media_type="text/html", headers=headers)
    places = cast(threading.BoundedSemaphore, request.app.state.report_places)
    if not places.acquire(blocking=False):
        document.close()
        raise Throttled(
            f"{AT_ONCE} files are being written; try again in a moment", retry_after_seconds=RETRY_SECONDS
        )
    return _Download(document, places, headers=headers)


class _Download(StreamingResponse):
    """The text of the file. Another one may be drawn once this one is, however slowly it is taken."""

    def __init__(
        self, document: Document, places: threading.BoundedSemaphore, *, headers: dict[str, str]
    ) -> None:
        self._document, self._place = document, ExitStack()
        self._place.callback(places.release)
        super().__init__(self._written(), media_type="text/html", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await super().__call__(scope, receive, send)
        except TimeoutError:  # without its end, the answer is seen to be cut
            log.info("a batch as a file was not taken within %g s", LONGEST_SECONDS)
        finally:
            self._document.close()
            self._place.close()

    def _written(self) -> Iterator[str]:
        for _ in self._document.collect():
            yield ""  # so that a browser that has gone is noticed
        self._place.close()
        yield from self._document.pieces()


ROUTES = (page("/batches/{id}/export.html", download),)
