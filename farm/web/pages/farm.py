"""The farm at a glance: queues, workers, throughput, latencies, what is accepted, and what it costs."""

from dataclasses import dataclass
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from farm.api import Farm
from farm.health.overview import overview
from farm.store import actions
from farm.store.statistics import Throughput
from farm.web.access import Role
from farm.web.counting import Counting
from farm.web.page import farm_of, page, see, visitor
from farm.web.pages.live import stream
from farm.web.templating import fragment, render

WINDOWS = {1: "hour", 24: "24 hours", 168: "7 days"}
REASONS_SHOWN = 12
ENDS_SHOWN = 10
CHART_HEIGHT = 100
BAR_WIDTH = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A minute of the chart of throughput, in its own units."""

    x: int
    y: float
    height: float
    minutes_ago: int
    tasks: int


def show(request: Request) -> Response:
    """The farm as it stands now."""
    hours = hours_of(request)
    return render(request, "farm.html", hours=hours, windows=WINDOWS, **seen(request.app, hours))


async def follow(request: Request) -> Response:
    """The same as it changes."""
    app, hours = request.app, hours_of(request)
    return stream(
        request,
        key=f"farm {hours}",
        load=lambda: seen(app, hours),
        render=lambda found: fragment(request, "_farm.html", hours=hours, windows=WINDOWS, **found),
    )


def hours_of(request: Request) -> int:
    """The window of time that is asked for: one of WINDOWS."""
    text = request.query_params.get("hours", "")
    return int(text) if text.isascii() and text.isdigit() and int(text[:9]) in WINDOWS else 24


def seen(app: Starlette, hours: int) -> dict[str, Any]:
    """What the page shows, each part of it read in milliseconds however many tasks there are."""
    counts = cast(Counting, app.state.counting).now()
    found = overview(cast(Farm, app.state.farm), counts.queues, hours=hours)
    return {
        "tasks": counts.tasks,
        "queues": found.queues,
        "workers": found.workers,
        "ends": found.ends[:ENDS_SHOWN],
        "more_ends": max(0, len(found.ends) - ENDS_SHOWN),
        "throughput": found.throughput,
        "bars": bars(found.throughput),
        "outcomes": found.outcomes,
        "reasons": found.outcomes.reasons[:REASONS_SHOWN],
        "latencies": found.latencies,
        "usage": found.usage,
        "summed_until": found.summed_until,
    }


def bars(throughput: Throughput) -> list[Bar]:
    """The minutes as bars, the highest of them as high as the chart; pure."""
    most = max(throughput.tasks, default=0) or 1
    minutes = len(throughput.tasks)
    return [
        Bar(
            x=place * BAR_WIDTH,
            y=round(CHART_HEIGHT - CHART_HEIGHT * tasks / most, 1),
            height=round(CHART_HEIGHT * tasks / most, 1),
            minutes_ago=minutes - place,
            tasks=tasks,
        )
        for place, tasks in enumerate(throughput.tasks)
    ]


def pause(request: Request) -> Response:
    """Issue no more work for a queue."""
    queue = request.path_params["queue"]
    farm_of(request).pause(queue)
    return _done(request, "pause", queue)


def resume(request: Request) -> Response:
    """Issue work for a queue again."""
    queue = request.path_params["queue"]
    farm_of(request).resume(queue)
    return _done(request, "resume", queue)


def _done(request: Request, action: str, queue: str) -> Response:
    with farm_of(request).store.write() as connection:
        actions.record(connection, actor=visitor(request).name, action=action, detail={"queue": queue})
    return see("/farm")


ROUTES: tuple[BaseRoute, ...] = (
    page("/farm", show),
    page("/farm/live", follow),
    page("/farm/queues/{queue:path}/pause", pause, role=Role.OPERATOR, methods=("POST",)),
    page("/farm/queues/{queue:path}/resume", resume, role=Role.OPERATOR, methods=("POST",)),
)
