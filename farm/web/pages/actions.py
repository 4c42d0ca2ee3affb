"""The action log: who did what, the newest first."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from farm.storable import comparable
from farm.store import actions
from farm.web.page import farm_of, page
from farm.web.templating import render

LINES = 50
TEXT_LIMIT_CHARS = 200


def index(request: Request) -> Response:
    """A page of the log, of one actor or action where they are given."""
    given = request.query_params
    actor, action = (comparable(given.get(name, ""))[:TEXT_LIMIT_CHARS] for name in ("actor", "action"))
    text = given.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
    with farm_of(request).store.read() as connection:
        found = actions.page(
            connection, after=after, actor=actor or None, action=action or None, limit=LINES + 1
        )
    shown = found[:LINES]
    filters = {name: value for name, value in (("actor", actor), ("action", action)) if value}
    more = len(found) > LINES
    return render(
        request,
        "actions.html",
        found=shown,
        after=after,
        actor=actor,
        action=action,
        next_url=f"/actions?{urlencode({**filters, 'after': shown[-1].id})}" if more else None,
    )


ROUTES: tuple[BaseRoute, ...] = (page("/actions", index),)
