"""Errors of the HTTP API as RFC 9457 has them: what is wrong, where, and how to mend it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from farm.errors import FarmError, Misuse, NotFound, StoreTrouble, TargetTrouble, TryAgain
from farm.store.requests import KeyReused

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:sqlfarm:problem:"
RETRY_SECONDS = 5.0
FAULTS_SHOWN = 100

KINDS: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request cannot be read"),
    "unauthorized": (401, "A token is needed"),
    "forbidden": (403, "That is not for you"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "That cannot be done here"),
    "conflict": (409, "That is not possible as things stand"),
    "too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "Bodies of this kind are not taken"),
    "bad-input": (422, "What the request asks for cannot be done"),
    "bad-rows": (422, "Some rows are no tasks"),
    "key-reused": (422, "The idempotency key belongs to another request"),
    "broken": (500, "Something broke on our side"),
    "target-failed": (502, "The target's database failed"),
    "unavailable": (503, "Not now"),
}
"""Each kind of problem: its status and title; the type is the kind behind TYPE_PREFIX."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is wrong, and where: a place in the JSON, a line, a parameter, or a header."""

    detail: str
    pointer: str | None = None
    line: int | None = None
    parameter: str | None = None
    header: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """What is known of it."""
        named = {name: getattr(self, name) for name in ("detail", "pointer", "line", "parameter", "header")}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(kw_only=True, eq=False)
class Problem(Exception):
    """What a request is refused with; `fault_count` counts all faults where not all are shown."""

    kind: str
    detail: str
    faults: Sequence[Fault] = ()
    fault_count: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The answer's status."""
        return KINDS[self.kind][0]

    def to_dict(self) -> dict[str, Any]:
        """The body of the answer."""
        status, title = KINDS[self.kind]
        said = {"type": TYPE_PREFIX + self.kind, "title": title, "status": status, "detail": self.detail}
        if not self.faults:
            return said
        count = len(self.faults) if self.fault_count is None else self.fault_count
        shown = [fault.to_dict() for fault in self.faults[:FAULTS_SHOWN]]
        return {**said, "errors": shown, "error_count": count}

    def response(self) -> Response:
        """The answer."""
        return Response(
            json.dumps(self.to_dict(), ensure_ascii=False).encode("utf-8", "replace"),
            status_code=self.status,
            media_type=MEDIA_TYPE,
            headers=dict(self.headers),
        )


def of_error(error: FarmError) -> Problem:
    """What the farm refuses, in its own words."""
    said = str(error)
    if isinstance(error, TryAgain | StoreTrouble):
        given = error.retry_after_seconds if isinstance(error, TryAgain) else None
        return Problem(kind="unavailable", detail=said, headers=retry_after(given))
    if isinstance(error, TargetTrouble):
        return Problem(kind="target-failed", detail=said)
    if isinstance(error, NotFound):
        return Problem(kind="not-found", detail=said)
    if isinstance(error, KeyReused):
        return Problem(kind="key-reused", detail=said)
    return Problem(kind="bad-input" if isinstance(error, Misuse) else "broken", detail=said)


def kind_of(status: int) -> str:
    """The first kind of problem with this status."""
    return next((kind for kind, (own, _) in KINDS.items() if own == status), "broken")


def retry_after(seconds: float | None) -> dict[str, str]:
    """The header that says when to come again; at least a second from now."""
    return {"retry-after": str(max(1, round(RETRY_SECONDS if seconds is None else seconds)))}


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [TYPE_PREFIX + kind for kind in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, where, and how to mend it."},
        "errors": {
            "type": "array",
            "description": f"Each fault, {FAULTS_SHOWN} at most.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "A JSON pointer into the body."},
                    "line": {"type": "integer", "description": "A line of a CSV or JSONL body, from 1."},
                    "parameter": {"type": "string"},
                    "header": {"type": "string"},
                },
            },
        },
        "error_count": {"type": "integer", "description": "How many faults there are in all."},
    },
}
