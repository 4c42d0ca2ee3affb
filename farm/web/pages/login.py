"""Signing in with a token, and out again."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from farm.web import session as sessions
from farm.web.access import Access, digest
from farm.web.page import field, is_foreign, page, read_form, see
from farm.web.session import Session
from farm.web.templating import render

WRONG_TOKEN_SECONDS = 0.5


async def login(request: Request) -> Response:
    """The form, and what it sends; a wrong token takes its time."""
    access: Access = request.app.state.access
    session, is_new = sessions.load(request, access)
    request.state.session = session
    request.state.visitor = None
    stale = request.method == "POST" and not await _is_own_form(request)
    wrong = request.method == "POST" and not stale
    if wrong:
        token = field(request, "token")
        if access.by_token(token) is not None:
            answer = see(local(request.query_params.get("next", "/")))
            proof = access.sealed(digest(token).hex())
            sessions.save(
                answer, Session(id=_new_id(), proof=proof), access, secure=sessions.is_secure(request)
            )
            return answer
        await asyncio.sleep(WRONG_TOKEN_SECONDS)
    status = 403 if stale else 401 if wrong else 200
    answer = render(request, "login.html", status=status, wrong=wrong, stale=stale)
    if is_new:
        sessions.save(answer, session, access, secure=sessions.is_secure(request))
    return answer


async def _is_own_form(request: Request) -> bool:
    """Read the form; not one's own is that of another session, such as before a sign-in in another tab."""
    try:
        await read_form(request)
    except HTTPException as error:
        if error.status_code != 403 or is_foreign(request):
            raise
        return False
    return True


def logout(request: Request) -> Response:
    """Forget who this is."""
    answer = see("/login")
    answer.delete_cookie(sessions.cookie(request.app.state.access), path="/")
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
