"""Enqueueing over HTTP: one question, several, or a file of them as the body, all or none."""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Annotated, Any

from pydantic import Field, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from farm import intake
from farm.api import Farm, task_check
from farm.intake import BadRow
from farm.store import requests, targets
from farm.store.requests import Keyed
from farm.targets.describing import require_dialect
from farm.targets.target import DIALECTS
from farm.web.access import Role
from farm.web.api import reading
from farm.web.api.fields import Given, Maybe, Name, Truth
from farm.web.api.operation import CSV, JSON, JSONL, PREFIX, Call, Operation, adapter
from farm.web.api.problems import FAULTS_SHOWN, Fault, Problem
from farm.web.asking import Upload
from farm.webhooks.address import LIMIT_CHARS, BadWebhook
from farm.webhooks.asked import checked
from jobs.task import KEY_LIMIT_CHARS, QUESTION_LIMIT_CHARS, Task

KEY_HEADER = "Idempotency-Key"
KEY_PATTERN = r"^[!-~]{1,200}$"
JSON_LIMIT_BYTES = 8 << 20
IN_MEMORY_BYTES = 1 << 20
NO_NUL = r"^[^\u0000]*$"
Url = Annotated[str, Field(min_length=1, max_length=LIMIT_CHARS, json_schema_extra={"format": "uri"})]
DIALECT_SCHEMA = {"type": ["string", "null"], "enum": [*sorted(DIALECTS), "", None]}


class EnqueueQuery(Given):
    """What holds for the whole batch."""

    name: Maybe[Name] = None
    """A name for the batch."""
    target: Maybe[Name] = None
    """The target of tasks that name none."""
    dialect: Maybe[Annotated[str, Field(json_schema_extra={"enum": sorted(DIALECTS)})]] = None
    """In what other dialect queries are wanted, of tasks that name none."""
    keep_going: Truth = False
    """Enqueue the good rows beside bad ones."""
    webhook: tuple[Url, ...] = ()
    """An address that is told when the batch has ended; may be given again for others."""


def _text(most_chars: int | None = None) -> dict[str, Any]:
    bound = {} if most_chars is None else {"maxLength": most_chars}
    return {"type": ["string", "null"], "pattern": NO_NUL, **bound}


TASK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Task",
    "description": "A question; the same fields as a row of a file. It needs a target, here or as parameter.",
    "required": ["question"],
    "additionalProperties": False,
    "properties": {
        "question": {
            "type": "string",
            "maxLength": QUESTION_LIMIT_CHARS,
            "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$",
        },
        "target": _text(),
        "key": _text(KEY_LIMIT_CHARS),
        "model": _text(),
        "priority": {
            "anyOf": [
                {"type": "integer", "minimum": -100, "maximum": 100},
                {"type": "string", "pattern": r"^(-?([0-9]{1,2}|100))?$"},
                {"type": "null"},
            ]
        },
        "tags": {"anyOf": [{"type": "array", "items": {"type": "string", "pattern": NO_NUL}}, _text()]},
        "dialect": DIALECT_SCHEMA,
    },
}
TasksBody = Annotated[
    Any,
    WithJsonSchema({"anyOf": [TASK_SCHEMA, {"type": "array", "minItems": 1, "items": TASK_SCHEMA}]}),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRowAnswer:
    """A row that was left out: which one, counted from 1 (in a file: its line), and why."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Enqueued:
    """The batch, which is durable now: `added` tasks are new, `known` ones were there under their keys.

    `announced`: whether waiting workers were told at once (null: no queue server runs yet). `bad` are the
    first rows that were left out, of `bad_count`.
    """

    id: int
    added: int
    known: int
    announced: bool | None = None
    bad: list[BadRowAnswer]
    bad_count: int


async def create(call: Call[EnqueueQuery, None]) -> Response:
    """Enqueue a batch: one task, an array of tasks, or a file of them; all of them or none.

    The answer comes when the batch is durable. With an Idempotency-Key the same request can be sent again
    and makes no second batch.
    """
    request, farm = call.request, call.farm
    kind = reading.media_type(request, CREATE)
    limit_bytes = int(farm.settings.upload_limit_mib * (1 << 20))
    key = _key(request)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
        seen = hashlib.sha256(f"{kind}\n{sorted(request.query_params.multi_items())}\n".encode())
        await _spool(request, file, min(limit_bytes, JSON_LIMIT_BYTES) if kind == JSON else limit_bytes, seen)
        keyed = None if key is None else Keyed(key=key, digest=seen.hexdigest())
        return await run_in_threadpool(_enqueue, farm, call.query, kind, file, keyed)


def _key(request: Request) -> str | None:
    key = request.headers.get(KEY_HEADER)
    if key is not None and not re.fullmatch(KEY_PATTERN, key):
        detail = f"{KEY_HEADER} is 1 to 200 ASCII characters without spaces, such as a UUID"
        raise Problem(kind="bad-request", detail=detail, faults=[Fault(detail=detail, header=KEY_HEADER)])
    return key


async def _spool(request: Request, file: IO[bytes], limit_bytes: int, seen: "hashlib._Hash") -> None:
    """Take the whole body before anything is done; one that breaks off leaves nothing behind."""
    reading.require_room(request, limit_bytes)
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > limit_bytes:
            raise reading.too_large(limit_bytes)
        seen.update(chunk)
        await run_in_threadpool(file.write, chunk)
    file.seek(0)


def _enqueue(farm: Farm, query: EnqueueQuery, kind: str, file: IO[bytes], keyed: Keyed | None) -> Response:
    if keyed is not None:
        with farm.store.read() as connection:
            made = requests.find(connection, keyed)
        if made is not None:
            before = Enqueued(id=made.batch_id, added=made.added, known=made.known, bad=[], bad_count=0)
            return _created(before, {"idempotency-replayed": "true"})
    _require_webhooks(farm, query)
    bad: list[BadRow] = []
    good: list[Task] = []
    for row in _rows(farm, query, kind, file):
        bad.append(row) if isinstance(row, BadRow) else good.append(row)
    if bad and not (query.keep_going and good):
        raise _refusal(kind, bad)
    batch = farm.enqueue(good, name=query.name, request=keyed, webhook=query.webhook)
    shown = [BadRowAnswer(line=row.line, reason=row.reason) for row in bad[:FAULTS_SHOWN]]
    return _created(
        Enqueued(
            id=batch.id,
            added=batch.added or 0,
            known=batch.known or 0,
            announced=batch.announced,
            bad=shown,
            bad_count=len(bad),
        )
    )


def _require_webhooks(farm: Farm, query: EnqueueQuery) -> None:
    try:
        checked(farm.settings, query.webhook)
    except BadWebhook as error:
        fault = Fault(detail=str(error), parameter="webhook")
        raise Problem(kind="bad-input", detail=f"webhook: {error}", faults=[fault]) from None


def _rows(farm: Farm, query: EnqueueQuery, kind: str, file: IO[bytes]) -> Iterator[Task | BadRow]:
    """Every row as a task, or as what is wrong with it."""
    known = targets.names(farm.store)
    if query.target is not None and query.target not in known:
        raise targets.unknown(query.target, known)
    if query.dialect is not None:
        require_dialect(query.dialect)
    how: dict[str, Any] = {
        "default_target": query.target,
        "default_dialect": query.dialect,
        "check": task_check(farm, known),
    }
    if kind == JSON:
        value = _parsed(file.read())
        return intake.of_values(value if isinstance(value, list) else [value], **how)
    return intake.read(Upload(file, "the body"), "csv" if kind == CSV else "jsonl", **how)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Problem(kind="bad-request", detail=f"the body is no {JSON}: {error}") from None


def _refusal(kind: str, bad: list[BadRow]) -> Problem:
    count = "1 row is bad" if len(bad) == 1 else f"{len(bad):,} rows are bad"
    faults = [_fault(kind, row) for row in bad[:FAULTS_SHOWN]]
    detail = f"nothing was enqueued: {count}; mend them, or add keep_going=true where others are good"
    return Problem(kind="bad-rows", detail=detail, faults=faults, fault_count=len(bad))


def _fault(kind: str, row: BadRow) -> Fault:
    if kind == JSON:
        return Fault(detail=row.reason, pointer=reading.pointer([row.line - 1]))
    return Fault(detail=row.reason, line=row.line)


def _created(made: Enqueued, headers: dict[str, str] | None = None) -> Response:
    location = {"location": f"{PREFIX}/batches/{made.id}"}
    content = adapter(Enqueued).dump_json(made)
    return Response(content, status_code=CREATE.status, media_type=JSON, headers=location | (headers or {}))


CREATE = Operation(
    method="POST",
    path="/batches",
    endpoint=create,
    answer=Enqueued,
    tag="batches",
    status=201,
    role=Role.RUNNER,
    query=EnqueueQuery,
    body=TasksBody,
    uploads={
        JSONL: "A task as a JSON object on each line; see the JSON schema of a task.",
        CSV: "A line of column names (those of a task), then a task on each line.",
    },
    headers={KEY_HEADER: {"type": "string", "pattern": KEY_PATTERN}},
    answer_headers={
        "Location": {"required": True, "schema": {"type": "string"}},
        "Idempotency-Replayed": {"schema": {"type": "string", "enum": ["true"]}},
    },
)
OPERATIONS = (CREATE,)
