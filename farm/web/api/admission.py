"""Who may ask for what: the same tokens, roles and refusals as for the pages, told as problems."""

from starlette.requests import Request

from farm.web import session as sessions
from farm.web.access import Access, Role, Visitor
from farm.web.api.problems import Problem
from farm.web.page import SAFE_METHODS, is_foreign
from farm.web.session import Session

CHALLENGE = {"www-authenticate": 'Bearer realm="farm"'}


def admit(request: Request, role: Role) -> Visitor:
    """Who asks; raises Problem where nobody with this role does, or another site has them ask."""
    access: Access = request.app.state.access
    session, _ = sessions.load(request, access)
    visitor = sessions.visitor(request, session, access)
    if visitor is None:
        raise Problem(kind="unauthorized", detail=_wanted(request), headers=CHALLENGE)
    if not visitor.may(role):
        raise Problem(
            kind="forbidden",
            detail=f"this is for {role.name.lower()}s, and the token is that of a {visitor.name}",
        )
    if request.method not in SAFE_METHODS and not sessions.sends_token(request, access):
        _require_own(request, session, access)
    return visitor


def _wanted(request: Request) -> str:
    if "authorization" in request.headers:
        return "nobody has this token; send one of the farm's as `Authorization: Bearer …`"
    return "send one of the farm's tokens as `Authorization: Bearer …`"


def _require_own(request: Request, session: Session, access: Access) -> None:
    """What a browser sends by itself is no proof that its user wants it."""
    if is_foreign(request):
        raise Problem(kind="forbidden", detail="this request comes from another site")
    peer = request.client.host if request.client else None
    if access.is_open or access.by_proxy(request.headers, peer) is not None:
        return
    given = request.headers.get(sessions.CSRF_HEADER, "")
    if not sessions.is_code(given, sessions.csrf_code(session, access)):
        raise Problem(
            kind="forbidden",
            detail=f"a cookie alone does not do; send its code as {sessions.CSRF_HEADER}, or a token",
        )
