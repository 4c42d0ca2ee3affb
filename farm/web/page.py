"""Pages: how each is reached, and what is settled first: who asks, with what right, by which form."""

import contextlib
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from farm.api import Farm
from farm.settings import Settings
from farm.web import session as sessions
from farm.web.access import Access, Role, Visitor
from farm.web.session import Session

Endpoint = Callable[[Request], Response] | Callable[[Request], Awaitable[Response]]
SAFE_METHODS = ("GET", "HEAD")
BODY_LIMIT_BYTES = 1 << 20
FIELDS_LIMIT = 2_000
TYPED = ("question", "sql", "note")
"""The fields that take long to write: where a form is refused unread, its sender gets them back."""


def page(
    path: str,
    endpoint: Endpoint,
    *,
    role: Role = Role.READER,
    methods: tuple[str, ...] = ("GET",),
    body_limit_bytes: int | Callable[[Settings], int] = BODY_LIMIT_BYTES,
) -> Route:
    """A route whose endpoint runs only for visitors with `role`, and for POSTs only with our own form's code.

    An endpoint that is no coroutine runs in a thread, so it may wait for the store. It finds the visitor with
    `visitor(request)` and the fields with `form(request)`. Forms larger than
    `body_limit_bytes`, which the settings may tell, are refused.
    """

    async def guarded(request: Request) -> Response:
        is_new = recognise(request)
        limit = body_limit_bytes
        limit_bytes = limit if isinstance(limit, int) else limit(farm_of(request).settings)
        answer = await _answer(request, endpoint, role, limit_bytes)
        if is_new:
            session: Session = request.state.session
            sessions.save(answer, session, request.app.state.access, secure=sessions.is_secure(request))
        return answer

    return Route(path, guarded, methods=list(methods), name=f"{endpoint.__module__}.{endpoint.__name__}")


def recognise(request: Request) -> bool:
    """Find out who asks, and in which session; returns whether that is a new one."""
    access: Access = request.app.state.access
    session, is_new = sessions.load(request, access)
    request.state.session, request.state.is_new_session = session, is_new
    request.state.visitor = sessions.visitor(request, session, access)
    return is_new


def visitor(request: Request) -> Visitor:
    """Who sends the request."""
    return cast(Visitor, request.state.visitor)


def browser_of(request: Request) -> str:
    """What tells a browser from another one; of those that bring no cookie, their visitor's name."""
    is_new: bool = request.state.is_new_session
    return visitor(request).name if is_new else _session(request).id


def farm_of(request: Request) -> Farm:
    """The farm that is shown."""
    return cast(Farm, request.app.state.farm)


def form(request: Request) -> FormData:
    """The fields of a POST."""
    return cast(FormData, request.state.form)


def field(request: Request, name: str, default: str = "") -> str:
    """A text field of a POST without the space around it; `default` where it is not there."""
    value = form(request).get(name, default)
    return value.strip() if isinstance(value, str) else default


def number(request: Request, name: str = "id") -> int:
    """A number in the path; anything else is no page of ours."""
    text = request.path_params[name]
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise HTTPException(404)
    return int(text)


def see(path: str, **query: Any) -> Response:
    """After a POST: have the browser get another page."""
    given = {name: value for name, value in query.items() if value is not None}
    return RedirectResponse(f"{path}?{urlencode(given, doseq=True)}" if given else path, status_code=303)


def csrf_code(request: Request) -> str:
    """What every form of this visitor carries, in the field `csrf`."""
    return sessions.csrf_code(_session(request), request.app.state.access)


async def _answer(request: Request, endpoint: Endpoint, role: Role, body_limit_bytes: int) -> Response:
    who: Visitor | None = request.state.visitor
    if who is None:
        return await _sign_in(request)
    if not who.may(role):
        raise HTTPException(403, f"This is for {role.name.lower()}s, and you are signed in as {who.name}.")
    if request.method in SAFE_METHODS:
        return await called(endpoint, request)
    await read_form(request, body_limit_bytes)
    try:
        return await called(endpoint, request)
    finally:
        await request.close()  # with the files that came along


async def called(endpoint: Endpoint, request: Request) -> Response:
    """What an endpoint answers, whether it waits or blocks."""
    if inspect.iscoroutinefunction(endpoint):
        return cast(Response, await endpoint(request))
    return cast(Response, await run_in_threadpool(endpoint, request))


async def read_form(request: Request, body_limit_bytes: int = BODY_LIMIT_BYTES) -> None:
    """Read the fields into `form(request)`; refuses a form that is too large or not our own."""
    fields = await _read_fields(request, body_limit_bytes)
    if sessions.sends_token(request, request.app.state.access):
        return
    given = fields.get(sessions.CSRF_FIELD) or request.headers.get(sessions.CSRF_HEADER, "")
    if not isinstance(given, str) or not sessions.is_code(given, csrf_code(request)):
        raise HTTPException(
            403,
            "This form is not from here, or you have signed in since it was loaded. Go back, load the page "
            "again and send it anew.",
        )


async def _read_fields(request: Request, body_limit_bytes: int) -> FormData:
    """The fields of a form that no other site has sent, whoever did."""
    _require_own_origin(request)
    _bound_body(request, body_limit_bytes)
    fields = await request.form(max_files=20, max_fields=FIELDS_LIMIT, max_part_size=body_limit_bytes)
    request.state.form = fields
    return fields


def typed(request: Request) -> dict[str, str]:
    """What its sender has written into the form of this request, as far as it was read."""
    fields = getattr(request.state, "form", {})
    given = {name: fields.get(name) for name in TYPED}
    return {name: value for name, value in given.items() if isinstance(value, str) and value.strip()}


def _require_own_origin(request: Request) -> None:
    if is_foreign(request):
        raise HTTPException(403, "This form comes from another site.")


def is_foreign(request: Request) -> bool:
    """Whether a browser says that another site's page sends the request."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _bound_body(request: Request, limit_bytes: int) -> None:
    """Let reading the body fail as soon as it has grown too large, whatever length it claims."""
    receive, seen_bytes = request.receive, 0

    async def bounded() -> Any:
        nonlocal seen_bytes
        message = await receive()
        seen_bytes += len(message.get("body", b""))
        if seen_bytes > limit_bytes:
            raise HTTPException(
                413, f"That is more than the {limit_bytes / (1 << 20):,.0f} MiB that this page takes."
            )
        return message

    request._receive = bounded


async def _sign_in(request: Request) -> Response:
    if request.headers.get("hx-request") == "true":  # a part of a page; the whole of it goes
        return Response(status_code=401, headers={"hx-redirect": _login(_shown(request))})
    if request.method not in SAFE_METHODS:
        with contextlib.suppress(HTTPException):
            await _read_fields(request, BODY_LIMIT_BYTES)
        await request.close()
        raise HTTPException(401, "Nothing was done: you are signed in no more. Sign in, and send it anew.")
    return see(_login(f"{request.url.path}?{request.url.query}"))


def _login(wanted: str) -> str:
    path = wanted.removesuffix("?")
    return "/login" if path == "/" else f"/login?{urlencode({'next': path})}"


def _shown(request: Request) -> str:
    """The page that asks for a part of itself."""
    address = urlsplit(request.headers.get("hx-current-url", "/"))
    return f"{address.path}?{address.query}"


def _session(request: Request) -> Session:
    return cast(Session, request.state.session)
