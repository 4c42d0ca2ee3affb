"""Sessions: a signed cookie that says who signed in, and the code against forged forms that belongs to it."""

import hmac
import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from farm.web.access import LOCAL, Access, Visitor

COOKIE = "farm_session"
LIFE_SECONDS = 30 * 24 * 3600
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One browser. `id` is random; `proof` (a hash of the token) is set once it has signed in."""

    id: str
    proof: str | None = None


def cookie(access: Access) -> str:
    """What this farm's cookie is called: browsers keep one set for all ports of a machine."""
    return f"{COOKIE}_{access.sealed('cookie')[:8]}"


def load(request: Request, access: Access) -> tuple[Session, bool]:
    """The session of a request, and whether it is a new one."""
    raw = request.cookies.get(cookie(access))
    if raw is not None:
        try:
            said = _serializer(access).loads(raw, max_age=LIFE_SECONDS)
            return Session(id=str(said["id"]), proof=said.get("proof")), False
        except (BadSignature, KeyError, TypeError, AttributeError):
            pass
    return Session(id=secrets.token_urlsafe(18)), True


def save(response: Response, session: Session, access: Access, *, secure: bool) -> None:
    """Give the browser its session."""
    value = _serializer(access).dumps({"id": session.id, "proof": session.proof})
    response.set_cookie(
        cookie(access), value, max_age=LIFE_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
    )


def is_secure(request: Request) -> bool:
    """Whether the browser speaks HTTPS, be it with a proxy alone; who lies here harms their own cookie."""
    told = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    return "https" in (request.url.scheme, told)


def visitor(request: Request, session: Session, access: Access) -> Visitor | None:
    """Who sends a request; None: nobody that is known here."""
    if access.is_open:
        return LOCAL
    if (named := _by_proxy(request, access)) is not None:
        return named
    if (token := _bearer(request)) is not None:
        return access.by_token(token)
    return None if session.proof is None else by_proof(session.proof, access)


def sends_token(request: Request, access: Access) -> bool:
    """Whether a token of ours says who asks, which no browser sends by itself.

    Any other `Authorization` proves nothing: browsers add what a proxy asked them for, and proxies theirs.
    """
    token = _bearer(request)
    return token is not None and access.by_token(token) is not None and _by_proxy(request, access) is None


def _by_proxy(request: Request, access: Access) -> Visitor | None:
    return access.by_proxy(request.headers, request.client.host if request.client else None)


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def by_proof(proof: str, access: Access) -> Visitor | None:
    """Who signed in with a token of this hash, while the token is in force."""
    for token, role in access.tokens.items():
        if hmac.compare_digest(proof, access.sealed(token.hex())):
            return Visitor(name=role.name.lower(), role=role)
    return None


def csrf_code(session: Session, access: Access) -> str:
    """What a form of this session carries."""
    return access.sealed(f"form {session.id}")


def is_code(given: str, code: str) -> bool:
    """Whether a form's code is the session's; takes as long for any that is not."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), code.encode())


def _serializer(access: Access) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(access.key, salt=COOKIE)
