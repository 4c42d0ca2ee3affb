"""Asking: a question, several of them, or a file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_urlsafe
from typing import Any, cast

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from farm.errors import FarmError, Misuse
from farm.settings import Settings
from farm.store import targets
from farm.targets.target import DIALECTS
from farm.web.access import Role
from farm.web.asking import Asked, BadRows, Form, ask, ask_file, identity
from farm.web.once import KEY_LIMIT_CHARS, Once
from farm.web.page import farm_of, field, form, page, see
from farm.web.templating import render

TEXT_ALLOWANCE_BYTES = 1 << 20


@asynccontextmanager
async def remembering(app: Starlette) -> AsyncIterator[None]:
    """Keep what came of each form while the server lives."""
    app.state.asked = Once[Asked]()
    yield


def asked_of(request: Request) -> Once[Asked]:
    """What came of the forms of this server."""
    return cast(Once[Asked], request.app.state.asked)


def show(request: Request) -> Response:
    """The form, with the choice that its address brings along."""
    return _form(request, Form.of(request.query_params), token_urlsafe(18))


def send(request: Request) -> Response:
    """Enqueue what the form says; a form that is sent twice is answered twice and enqueued once."""
    typed, form_key = Form.of(form(request)), field(request, "form_key")[:KEY_LIMIT_CHARS]
    file = _file(request)
    key = identity(form_key, typed, None if file is None else file.file)
    try:
        asked = asked_of(request).run(key, lambda: _enqueue(request, typed, file, key))
    except Misuse as error:
        return _form(request, typed, form_key or token_urlsafe(18), error)
    return see(f"/batches/{asked.batch_id}", form=key or None)


def _file(request: Request) -> UploadFile | None:
    """The file that came along; a field that was left empty is none."""
    file = form(request).get("file")
    return file if isinstance(file, UploadFile) and file.filename else None


def _enqueue(request: Request, typed: Form, file: UploadFile | None, key: str) -> Asked:
    if file is None:
        return ask(farm_of(request), typed, key=key)
    return ask_file(farm_of(request), typed, file.file, file.filename or "", key=key)


def _form(request: Request, typed: Form, key: str, error: FarmError | None = None) -> Response:
    farm = farm_of(request)
    dialects = targets.dialects(farm.store)
    context: dict[str, Any] = {
        "typed": typed,
        "form_key": key,
        "error": None if error is None else str(error),
        "bad": error.bad if isinstance(error, BadRows) else (),
        "bad_count": error.bad_count if isinstance(error, BadRows) else 0,
        "targets": dialects,
        "chosen": typed.target or next(iter(dialects), ""),
        "models": [pool.model for pool in farm.settings.all_pools().values()],
        "dialects": DIALECTS,
        "limit_mib": farm.settings.upload_limit_mib,
    }
    return render(request, "ask.html", status=200 if error is None else 422, **context)


def upload_limit_bytes(settings: Settings) -> int:
    """The largest form: a file, and the fields beside it."""
    return int(settings.upload_limit_mib * (1 << 20)) + TEXT_ALLOWANCE_BYTES


ROUTES = (
    page("/ask", show, role=Role.RUNNER),
    page("/ask", send, role=Role.RUNNER, methods=("POST",), body_limit_bytes=upload_limit_bytes),
)
