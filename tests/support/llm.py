"""One misbehaving model server for all tests: OpenAI's chat completions, scripted per question.

    with StubLLM({"How many orders?": "SELECT count(*) FROM orders"}) as llm:
        ...OPENAI_BASE_URL = llm.url...
        assert llm.calls["How many orders?"] == 1

    python tests/support/llm.py --port 8399 --delay-ms 200 [--script answers.json]

A script maps a question to a reply or to a list of replies, one for each call, the last of them for ever.
A reply is the answer's text, a Fault (in JSON `{"fault": "rate_limited"}`) or a Reply. A callable script is
given the question and the number of the call, from 1. `GET /calls` shows what was asked:
`{"calls": {question: n}, "answered": {question: n}}`; answered are those that got a whole answer.
It uses nothing but asyncio, as the throughput benchmark drives hundreds of requests a second through it.
"""

import argparse
import asyncio
import json
import re
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, cast

MODELS = ("stub-model",)
ASKED = (re.compile(r"<question>(.*?)</question>", re.DOTALL), re.compile(r"Question:([^\n]*)"))


class Fault(StrEnum):
    """The ways in which an endpoint misbehaves."""

    INVALID_KEY = "invalid_key"
    MODEL_NOT_FOUND = "model_not_found"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    SERVER_ERROR = "server_error"
    RESET = "reset"
    TRUNCATED = "truncated"
    BAD_JSON = "bad_json"
    HTML = "html"
    EMPTY = "empty"
    EMPTY_CHOICES = "empty_choices"
    NULL_CONTENT = "null_content"
    HANG = "hang"
    SLOW = "slow"
    TRICKLE = "trickle"
    ENDLESS = "endless"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One scripted reply. `delay_seconds` None: the server's own delay."""

    text: str = "SELECT 1"
    fault: Fault | None = None
    delay_seconds: float | None = None
    finish_reason: str = "stop"
    retry_after_seconds: float = 0.1


Scripted = str | Fault | Reply
Script = Mapping[str, Scripted | Sequence[Scripted]] | Callable[[str, int], Scripted]

ERRORS: dict[Fault, tuple[int, dict[str, Any]]] = {
    Fault.INVALID_KEY: (
        401,
        {"message": "Incorrect API key.", "type": "invalid_request_error", "code": "invalid_api_key"},
    ),
    Fault.MODEL_NOT_FOUND: (
        404,
        {"message": "No such model.", "type": "invalid_request_error", "code": "model_not_found"},
    ),
    Fault.RATE_LIMITED: (
        429,
        {"message": "Rate limit reached.", "type": "requests", "code": "rate_limit_exceeded"},
    ),
    Fault.QUOTA: (
        429,
        {"message": "Quota exceeded.", "type": "insufficient_quota", "code": "insufficient_quota"},
    ),
    Fault.SERVER_ERROR: (500, {"message": "The server had an error.", "type": "server_error", "code": None}),
}
BODIES: dict[Fault, bytes] = {
    Fault.BAD_JSON: b'{"choices": [{"mess',
    Fault.HTML: b"<html><body>Welcome to the proxy</body></html>",
    Fault.EMPTY: b"",
}


class StubLLM:
    """The server in a thread of its own; `url` ends in /v1, as OPENAI_BASE_URL does.

    `default` answers what the script does not name. With `api_key` set, any other key is refused; a request
    with one of the `refused_fields` always is. Where a custom tool is offered the answer is its input.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        default: Scripted = "SELECT 1",
        delay_seconds: float = 0.0,
        api_key: str | None = None,
        port: int = 0,
    ) -> None:
        self.script: Script = {} if script is None else script
        self.default = default
        self.delay_seconds = delay_seconds
        self.api_key = api_key
        self.refused_fields: tuple[str, ...] = ()
        self.port = port
        self.calls: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.requests: list[dict[str, Any]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.keep_requests = True
        self.on_ready: Callable[[], object] = lambda: None
        self._connections: set[_Connection] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def answer(self, question: str, *replies: Scripted) -> None:
        """Script one question: one reply for each call, the last of them for ever."""
        self.script = {**(self.script if isinstance(self.script, Mapping) else {}), question: replies}

    def reply_to(self, messages: list[dict[str, Any]]) -> tuple[str, Reply]:
        """The question found in the messages, counted, and what the script says to it."""
        question = self.question_in(messages)
        self.calls[question] += 1
        call = self.calls[question]
        if not isinstance(self.script, Mapping):
            return question, as_reply(self.script(question, call))
        scripted = self.script.get(question, self.default)
        if isinstance(scripted, Sequence) and not isinstance(scripted, str):
            scripted = scripted[min(call, len(scripted)) - 1]
        return question, as_reply(scripted)

    def question_in(self, messages: list[dict[str, Any]]) -> str:
        """What stands in question tags or after `Question:`, else a scripted question, else the last line."""
        said = [str(m.get("content") or "") for m in messages if m.get("role") == "user"]
        for pattern in ASKED:
            for text in said:
                if asked := pattern.search(text):
                    return asked[1].strip()
        if isinstance(self.script, Mapping):
            for text in said:
                if known := [question for question in self.script if question in text]:
                    return max(known, key=lambda question: (text.rfind(question), len(question)))
        lines = said[0].strip().splitlines() if said else []
        return lines[-1].strip() if lines else ""

    async def serve(self) -> None:
        """Listen until cancelled."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self.on_ready()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            for connection in tuple(self._connections):
                connection.transport.abort()
            await asyncio.sleep(0)

    def __enter__(self) -> Self:
        started = threading.Event()
        self.on_ready = started.set
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self.serve())
        self._thread = threading.Thread(target=self._run, name="stub-llm", daemon=True)
        self._thread.start()
        if not started.wait(10):
            raise RuntimeError(f"the stub model server did not start on port {self.port}")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.close()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, one request after the other."""

    transport: asyncio.Transport

    def __init__(self, llm: StubLLM) -> None:
        self.llm = llm
        self.received = bytearray()
        self.pending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.llm._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.llm._connections.discard(self)
        if self.pending:
            self.pending.cancel()
            self.llm.in_flight -= 1

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.received[:end])
            body_end = end + 4 + content_length(head)
            if len(self.received) < body_end:
                return
            body = bytes(self.received[end + 4 : body_end])
            del self.received[:body_end]
            self.handle(head, body)

    def handle(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
        if path == b"/calls":
            self.send(200, {"calls": self.llm.calls, "answered": self.llm.answered})
        elif self.llm.api_key and f"authorization: bearer {self.llm.api_key}".encode() not in lowered(head):
            self.fail(Fault.INVALID_KEY)
        elif path.endswith(b"/models"):
            self.send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})
        elif method == b"POST" and path.endswith(b"/chat/completions"):
            self.complete(json.loads(body))
        else:
            self.send(404, {"error": {"message": f"no {path.decode()} here", "code": None}})

    def complete(self, request: dict[str, Any]) -> None:
        if self.llm.keep_requests:
            self.llm.requests.append(request)
        if named := [name for name in self.llm.refused_fields if name in request]:
            self.send(400, {"error": {"message": f"no {named[0]} here", "code": "unsupported"}})
            return
        question, reply = self.llm.reply_to(request["messages"])
        delay = self.llm.delay_seconds if reply.delay_seconds is None else reply.delay_seconds
        if reply.fault is Fault.SLOW:
            delay = reply.delay_seconds or 3.0
        self.llm.in_flight += 1
        self.llm.most_in_flight = max(self.llm.most_in_flight, self.llm.in_flight)
        loop = asyncio.get_running_loop()
        self.pending = loop.call_later(delay, self.finish, question, request, reply)

    def finish(self, question: str, request: dict[str, Any], reply: Reply) -> None:
        self.pending = None
        self.llm.in_flight -= 1
        if reply.fault in (None, Fault.SLOW):
            self.llm.answered[question] += 1
            self.answer(request, reply)
        else:
            self.misbehave(request, reply)

    def answer(self, request: dict[str, Any], reply: Reply) -> None:
        if not request.get("stream"):
            self.send(200, completion(request, reply))
            return
        body = b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks(request, reply))
        body += b"data: [DONE]\n\n"
        self.transport.write(header(200, len(body), "text/event-stream") + body)

    def misbehave(self, request: dict[str, Any], reply: Reply) -> None:
        fault = reply.fault
        if fault in ERRORS:
            self.fail(fault, retry_after_seconds=reply.retry_after_seconds)
        elif fault in BODIES:
            kind = "text/html" if fault is Fault.HTML else "application/json"
            self.transport.write(header(200, len(BODIES[fault]), kind) + BODIES[fault])
        elif fault is Fault.EMPTY_CHOICES:
            self.send(200, {**completion(request, reply), "choices": []})
        elif fault is Fault.NULL_CONTENT:
            answer = completion(request, reply)
            answer["choices"][0]["message"]["content"] = None
            self.send(200, answer)
        elif fault is Fault.RESET:
            reset(self.transport)
        elif fault is Fault.TRUNCATED:
            payload = json.dumps(completion(request, reply)).encode()
            self.transport.write(header(200, len(payload)) + payload[: len(payload) // 2])
            self.transport.close()
        elif fault is Fault.TRICKLE:
            payload = json.dumps(completion(request, reply)).encode()
            self.transport.write(header(200, len(payload)))
            self.trickle(payload)
        elif fault is Fault.ENDLESS:
            self.transport.write(header(200, 1 << 40))
            self.pour()
        # Fault.HANG: nothing is ever sent.

    def trickle(self, payload: bytes) -> None:
        if payload and not self.transport.is_closing():
            self.transport.write(payload[:1])
            asyncio.get_running_loop().call_later(0.2, self.trickle, payload[1:])

    def pour(self) -> None:
        if not self.transport.is_closing():
            if self.transport.get_write_buffer_size() < 1 << 20:
                self.transport.write(b" " * (1 << 18))
            asyncio.get_running_loop().call_later(0.001, self.pour)

    def fail(self, fault: Fault, *, retry_after_seconds: float = 0.1) -> None:
        status, error = ERRORS[fault]
        extra = f"Retry-After: {retry_after_seconds}\r\n".encode() if status == 429 else b""
        self.send(status, {"error": error}, extra)

    def send(self, status: int, value: Mapping[str, Any], extra: bytes = b"") -> None:
        body = json.dumps(value).encode()
        self.transport.write(header(status, len(body), extra=extra) + body)


def as_reply(scripted: object) -> Reply:
    """Any of the forms of a scripted reply, also as JSON spells them, as a Reply."""
    match scripted:
        case Reply():
            return scripted
        case Fault():
            return Reply(fault=scripted)
        case str():
            return Reply(text=scripted)
        case dict():
            reply = Reply(**scripted)
            return replace(reply, fault=Fault(reply.fault)) if reply.fault else reply
    raise TypeError(f"{scripted!r} is no scripted reply")


def completion(request: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """A chat completion; tokens are counted as four characters each."""
    prompt_tokens = sum(len(str(m.get("content") or "")) for m in request["messages"]) // 4 + 1
    completion_tokens = len(reply.text) // 4 + 1
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    if request.get("tools"):
        tool = {"name": request["tools"][0]["custom"]["name"], "input": reply.text}
        message |= {"content": None, "tool_calls": [{"id": "call-1", "type": "custom", "custom": tool}]}
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.get("model", MODELS[0]),
        "choices": [{"index": 0, "finish_reason": reply.finish_reason, "message": message, "logprobs": None}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def chunks(request: dict[str, Any], reply: Reply) -> list[dict[str, Any]]:
    """A chat completion as it is streamed: a word in each chunk, the reason, then the usage if asked for."""
    whole = completion(request, reply)
    words = re.findall(r"\s*\S+", reply.text) or [""]
    said = [{"content": word} for word in words]
    if request.get("tools"):
        said = [{"tool_calls": [{"index": 0, "custom": {"input": word}}]} for word in words]
    deltas = [(delta, None) for delta in said] + [({}, reply.finish_reason)]
    chunk = whole | {"object": "chat.completion.chunk", "usage": None}
    found = [
        chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in deltas
    ]
    if (request.get("stream_options") or {}).get("include_usage"):
        found.append(chunk | {"choices": [], "usage": whole["usage"]})
    return found


def header(status: int, length: int, kind: str = "application/json", *, extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d -\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (
        status,
        kind.encode(),
        length,
        extra,
    )


def content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


def lowered(head: bytes) -> bytes:
    """The head with the header names and the scheme of Authorization in lower case, the key as it is."""
    lines = [line.partition(b" ") for line in head.split(b"\r\n")]
    return b"\r\n".join(
        name.lower() + b" " + value.replace(b"Bearer ", b"bearer ", 1) for name, _, value in lines
    )


def reset(transport: asyncio.Transport) -> None:
    """Close with a TCP reset instead of a polite end."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def main() -> None:
    parser = argparse.ArgumentParser(description="A stub of OpenAI's chat completions.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before each answer")
    parser.add_argument("--script", type=Path, help='JSON file: {"question": "SQL" or [reply, …]}')
    parser.add_argument("--default", default="SELECT 1", help="the answer to every other question")
    options = parser.parse_args()
    script = json.loads(options.script.read_text("utf-8")) if options.script else {}
    llm = StubLLM(script, default=options.default, delay_seconds=options.delay_ms / 1000, port=options.port)
    llm.keep_requests = False
    llm.on_ready = lambda: print(llm.url, flush=True)
    try:
        asyncio.run(llm.serve())
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
