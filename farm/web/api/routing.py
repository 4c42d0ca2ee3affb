"""From the table of operations to routes: admit, read, call, answer; every error is a problem."""

import inspect
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from farm.errors import FarmError
from farm.web.access import LOCAL
from farm.web.api import problems, reading
from farm.web.api.admission import admit
from farm.web.api.operation import JSON, PREFIX, Call, Operation, adapter
from farm.web.api.problems import Problem
from farm.web.page import farm_of

log = logging.getLogger(__name__)


class Resource:
    """One path with the operations that it has, by method, as an ASGI application."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = {"HEAD": operations["GET"], **operations} if "GET" in operations else operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await self._answer(request)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            return await answer(request, self._operation(request))
        except Problem as problem:
            return problem.response()
        except FarmError as error:
            return problems.of_error(error).response()
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except HTTPException as error:
            return Problem(kind=problems.kind_of(error.status_code), detail=error.detail).response()
        except Exception as error:
            log.exception("an answer could not be made: %s", request.url.path, exc_info=error)
            return Problem(kind="broken", detail="the farm's log says what broke").response()

    def _operation(self, request: Request) -> Operation:
        operation = self._operations.get(request.method)
        if operation is None:
            allowed = ", ".join(sorted(self._operations))
            raise Problem(
                kind="method-not-allowed",
                detail=f"{request.method:.20} is not possible here; use {allowed}",
                headers={"allow": allowed},
            )
        return operation


async def answer(request: Request, operation: Operation) -> Response:
    """What an operation answers; raises Problem or FarmError."""
    visitor = LOCAL if operation.role is None else admit(request, operation.role)
    query = reading.query(operation.query, request.query_params.multi_items())
    body = None
    if operation.body is not None:
        reading.media_type(request, operation)
        if not operation.uploads:
            body = await reading.json_body(request, operation.body)
    call = Call(request=request, farm=farm_of(request), visitor=visitor, query=query, body=body)
    if inspect.iscoroutinefunction(operation.endpoint):
        made = await operation.endpoint(call)
    else:
        made = await run_in_threadpool(operation.endpoint, call)
    return made if isinstance(made, Response) else rendered(operation, made)


def rendered(operation: Operation, made: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A value as the JSON that the document promises."""
    content = adapter(operation.answer).dump_json(made)
    return Response(content, status_code=operation.status, media_type=JSON, headers=headers)


class Nowhere:
    """Every other path below the prefix."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"there is nothing at this address; see {PREFIX}/openapi.json for what there is"
        await Problem(kind="not-found", detail=detail).response()(scope, receive, send)


def routes(operations: Iterable[Operation]) -> tuple[BaseRoute, ...]:
    """A route for each path, in the order of the table, and one for all that is none of them."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    found = [Route(PREFIX + path, Resource(methods)) for path, methods in by_path.items()]
    return (*found, Route("/api/{rest:path}", Nowhere()), Route("/api", Nowhere()))
