"""All operations, in the order in which the document shows them: what routes is what is described."""

from typing import Any

from starlette.responses import JSONResponse, Response

from farm import __version__
from farm.web.api import batches, enqueueing, queries, running, status, targets, tasks
from farm.web.api.openapi import document
from farm.web.api.operation import Call, Nothing, Operation
from farm.web.api.routing import routes


def openapi(call: Call[Nothing, None]) -> Response:
    """This document."""
    return JSONResponse(document(OPERATIONS, version=__version__))


OPERATIONS: tuple[Operation, ...] = (
    *enqueueing.OPERATIONS,
    *batches.OPERATIONS,
    *tasks.OPERATIONS,
    *queries.OPERATIONS,
    *running.OPERATIONS,
    *targets.OPERATIONS,
    *status.OPERATIONS,
    Operation(
        method="GET",
        path="/openapi.json",
        endpoint=openapi,
        answer=dict[str, Any],
        tag="api",
        role=None,
    ),
)
ROUTES = routes(OPERATIONS)
