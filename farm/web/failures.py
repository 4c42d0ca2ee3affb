"""Errors as pages: what is wrong, and how to mend it; never a stack or a secret."""

import logging
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from farm.errors import FarmError, NotFound, StoreTrouble, TryAgain
from farm.web.headers import HEADERS
from farm.web.page import recognise, typed
from farm.web.templating import render

log = logging.getLogger(__name__)

HINTS = {
    404: "There is no such page here.",
    405: "That cannot be done here.",
}


def farm_error(request: Request, error: Exception) -> Response:
    """What the farm refuses, in its own words."""
    status = (
        404 if isinstance(error, NotFound) else 503 if isinstance(error, TryAgain | StoreTrouble) else 400
    )
    if not isinstance(error, FarmError):
        return broken(request, error)
    return _page(request, status, str(error))


def http_error(request: Request, error: Exception) -> Response:
    """What a page refuses."""
    if not isinstance(error, HTTPException):
        return broken(request, error)
    said = "" if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    return _page(request, error.status_code, said or HINTS.get(error.status_code, ""))


def broken(request: Request, error: Exception) -> Response:
    """A fault of ours."""
    log.exception("a page could not be made: %s", request.url.path, exc_info=error)
    answer = _page(request, 500, "Something broke on our side; the farm's log says what.")
    answer.headers.update(HEADERS)  # it does not pass the middleware that adds them
    return answer


def _page(request: Request, status: int, message: str) -> Response:
    title = HTTPStatus(status).phrase
    if not hasattr(request.state, "session"):  # no page of ours was found
        recognise(request)
    lost = typed(request) if status in (401, 403) else {}
    return render(
        request,
        "error.html",
        status=status,
        title=title,
        message=message,
        signs_in_first=status == 401,
        lost=lost,
    )
