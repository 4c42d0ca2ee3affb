"""Signing in with a token, and out again."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from farm.web import session as sessions
from farm.web.access import Access, digest
from farm.web.page import field, page, read_form, see
from farm.web.session import Session
from farm.web.templating import render

WRONG_TOKEN_SECONDS = 0.5


async def login(request: Request) -> Response:
    """The form, and what it sends; a wrong token takes its time."""
    access: Access = request.app.state.access
    session, is_new = sessions.load(request, access)
    request.state.session = session
    request.state.visitor = None
    wanted = request.query_params.get("next", "/")
    if request.method == "POST":
        await read_form(request)
        token = field(request, "token")
        if access.by_token(token) is not None:
            answer = see(local(wanted))
            proof = access.sealed(digest(token).hex())
            sessions.save(
                answer, Session(id=_new_id(), proof=proof), access, secure=sessions.is_secure(request)
            )
            return answer
        await asyncio.sleep(WRONG_TOKEN_SECONDS)
    wrong = request.method == "POST"
    answer = render(request, "login.html", status=401 if wrong else 200, wrong=wrong)
    if is_new:
        sessions.save(answer, session, access, secure=sessions.is_secure(request))
    return answer


def logout(request: Request) -> Response:
    """Forget who this is."""
    answer = see("/login")
    answer.delete_cookie(sessions.COOKIE, path="/")
    return answer


def local(wanted: str) -> str:
    """A path of ours; anything that a browser may take for another site becomes the front page."""
    plain = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if plain and wanted.isprintable() else "/"


def _new_id() -> str:
    import secrets

    return secrets.token_urlsafe(18)


ROUTES = (
    Route("/login", login, methods=["GET", "POST"]),
    page("/logout", logout, methods=("POST",)),
)
