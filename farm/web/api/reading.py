"""What a request says: its parameters and its body, held to what the operation takes."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from farm.sql.nearest import nearest
from farm.web.api.fields import Given
from farm.web.api.operation import BODY_LIMIT_BYTES, JSON, Operation, adapter
from farm.web.api.problems import Fault, Problem

Q = TypeVar("Q", bound=Given)


def query(model: type[Q], items: Iterable[tuple[str, str]]) -> Q:
    """The parameters of an address; raises Problem, with what an unknown one resembles."""
    given: dict[str, Any] = {}
    for name, value in items:
        if name not in model.model_fields:
            raise _unknown(name, list(model.model_fields))
        if _is_list(model, name):
            given.setdefault(name, []).append(value)
        elif name in given:
            raise _bad(f"the parameter {name!r} stands there twice; leave one of them out", name)
        else:
            given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = [Fault(detail=_said(one), parameter=str(one["loc"][0])) for one in _errors(error)]
        raise Problem(kind="bad-request", detail=_told(faults, "parameter"), faults=faults) from None


def _is_list(model: type[Given], name: str) -> bool:
    return get_origin(model.model_fields[name].annotation) is tuple


def _unknown(name: str, known: Sequence[str]) -> Problem:
    close = nearest(name, known)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known) or 'none'}"
    return _bad(f"there is no parameter {name!r:.80}; {hint}", name)


def _bad(detail: str, parameter: str) -> Problem:
    return Problem(kind="bad-request", detail=detail, faults=[Fault(detail=detail, parameter=parameter[:80])])


def media_type(request: Request, operation: Operation) -> str:
    """The kind of body; raises Problem for one that the operation does not take."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    takes = operation.media_types
    if kind not in takes:
        raise Problem(
            kind="unsupported-media-type",
            detail=f"send the body as {' or '.join(takes)} (Content-Type), {_instead(kind)}",
            headers={"accept-post": ", ".join(takes)},
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(kind="unsupported-media-type", detail="send the body as it is, not compressed")
    return kind


def _instead(kind: str) -> str:
    return f"not as {kind!r:.80}" if kind else "where there is nothing to say as {}"


async def json_body(request: Request, kind: Any, *, limit_bytes: int = BODY_LIMIT_BYTES) -> Any:
    """A JSON body as a value of that type; raises Problem with a pointer to each fault."""
    raw = bytearray()
    require_room(request, limit_bytes)
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit_bytes:
            raise too_large(limit_bytes)
    try:
        return adapter(kind).validate_json(bytes(raw), strict=True)
    except ValidationError as error:
        found = _errors(error)
        if found[0]["type"] == "json_invalid":
            raise Problem(kind="bad-request", detail=f"the body is no {JSON}: {_said(found[0])}") from None
        faults = [Fault(detail=_said(one), pointer=pointer(one["loc"])) for one in found]
        raise Problem(kind="bad-input", detail=_told(faults, "pointer"), faults=faults) from None


def require_room(request: Request, limit_bytes: int) -> None:
    """Refuse a body that says itself that it is too large, before it is sent."""
    said = request.headers.get("content-length", "0")
    if said.isascii() and said.isdigit() and int(said[:20]) > limit_bytes:
        raise too_large(limit_bytes)


def too_large(limit_bytes: int) -> Problem:
    """What a body beyond the limit is refused with."""
    return Problem(kind="too-large", detail=f"the body has more than {limit_bytes / (1 << 20):,g} MiB")


def pointer(place: Iterable[int | str]) -> str:
    """A place in a document as a JSON pointer in a fragment (RFC 6901)."""
    return "#" + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)


def _errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False, include_context=False)


def _said(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    if error["type"] == "string_pattern_mismatch":
        return "this is blank; write a name or leave it out"
    return error["msg"].removeprefix("Value error, ")


def _told(faults: Sequence[Fault], where: str) -> str:
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{getattr(first, where)}: {first.detail}{more}"
