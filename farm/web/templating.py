"""Templates: everything in them is escaped, and a name that is not given is an error."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from farm import __version__
from farm.web import formats
from farm.web.access import Role
from farm.web.assets import Assets
from farm.web.highlight import highlighted
from farm.web.page import csrf_code

TEMPLATES = Path(__file__).parent / "templates"
FILTERS = {
    "number": formats.number,
    "usd": formats.usd,
    "percent": formats.percent,
    "duration": formats.duration,
    "milliseconds": formats.milliseconds,
    "ago": formats.ago,
    "when": formats.when,
    "plural": formats.plural,
    "sql": highlighted,
}


def environment(assets: Assets) -> Environment:
    """The templates of pages, with the farm's formats."""
    made = plain_environment()
    made.globals.update(asset=assets.url, Role=Role)
    return made


def plain_environment() -> Environment:
    """The templates of what is no page: they know no files that a server has."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals.update(version=__version__)
    return made


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page. Templates also know `request`, `visitor` (None: nobody signed in) and `csrf`."""
    return HTMLResponse(fragment(request, template, **context), status_code=status)


def fragment(request: Request, template: str, **context: Any) -> str:
    """A template as text, such as a part of a page that is sent as an event."""
    known = {
        "request": request,
        "path": request.url.path,
        "visitor": getattr(request.state, "visitor", None),
        "csrf": csrf_code(request) if hasattr(request.state, "session") else "",
        "signs_in": not request.app.state.access.is_open,
    }
    templates: Environment = request.app.state.templates
    return templates.get_template(template).render(known | context)


def is_htmx(request: Request) -> bool:
    """Whether htmx asks, and a part of the page will do."""
    return request.headers.get("hx-request") == "true"
