"""The model: an OpenAI-compatible endpoint that takes its time and notes every request that reaches it.

It runs in a thread of the harness, apart from all that the faults befall.
"""

import asyncio
import json
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Self, cast

from benchmarks.harness import script
from benchmarks.harness.evidence import Payment
from benchmarks.harness.sockets import process_at

START_SECONDS = 10.0
PIDS_KEPT = 16

WasStored = Callable[[int, int], bool | None]


@dataclass(kw_only=True)
class _Call:
    """A payment in the making."""

    number: int
    call_no: int
    received_at: float
    pid: int | None
    was_stored: bool | None
    answered_at: float | None = None


class Endpoint:
    """Serves inside the block; `url` ends in /v1. `was_stored(number, call_no)` looks an answer up."""

    def __init__(self, seed: int, *, was_stored: WasStored) -> None:
        self.seed = seed
        self._was_stored = was_stored
        self._chance = Random(seed)
        self._paid: Counter[tuple[int, int]] = Counter()
        self._calls: list[_Call] = []
        self._open: Counter[int] = Counter()
        self._pids: OrderedDict[int, None] = OrderedDict()
        self._connections: set[_Connection] = set()
        self._started = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def payments(self) -> tuple[Payment, ...]:
        """Every request so far."""
        return tuple(
            Payment(
                number=call.number,
                call_no=call.call_no,
                received_at=call.received_at,
                answered_at=call.answered_at,
                pid=call.pid,
                was_stored=call.was_stored,
            )
            for call in tuple(self._calls)
        )

    @property
    def paid(self) -> int:
        """How many requests so far."""
        return len(self._calls)

    def asking(self) -> list[int]:
        """The processes that wait for an answer now."""
        return sorted(self._open)

    def receive(self, request: dict[str, Any], pid: int | None) -> tuple[_Call, bytes, float]:
        """Note a request; returns it with the body of its answer and after how many seconds that goes out."""
        received_at = time.time()
        said = request["messages"]
        number = script.number_in(said[1]["content"])
        if number is None:
            raise ValueError(f"a prompt without a question of the script: {said[1]['content']!r}")
        call_no = 1 + sum(message["role"] == "assistant" for message in said)
        self._paid[number, call_no] += 1
        again = self._paid[number, call_no] > 1
        was_stored = self._was_stored(number, call_no) if again else False
        call = _Call(number=number, call_no=call_no, received_at=received_at, pid=pid, was_stored=was_stored)
        self._calls.append(call)
        text = script.question(self.seed, number).reply(call_no)
        return call, completion(request, text), self._chance.uniform(*script.LATENCY_SECONDS)

    def opened(self, pid: int | None) -> None:
        if pid is not None:
            self._open[pid] += 1

    def closed(self, pid: int | None) -> None:
        if pid is not None:
            self._open[pid] -= 1
            self._open += Counter()  # drops those that wait no more

    def caller(self, port: int) -> int | None:
        """The process behind a connection."""
        pid = process_at(port, self.port, reversed(self._pids))
        if pid is not None:
            self._pids[pid] = None
            self._pids.move_to_end(pid)
            if len(self._pids) > PIDS_KEPT:
                self._pids.popitem(last=False)
        return pid

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self._serve())
        self._thread = threading.Thread(target=self._run, name="endpoint", daemon=True)
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise RuntimeError("the stub endpoint does not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(START_SECONDS)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            for connection in tuple(self._connections):
                connection.transport.abort()
            await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, one request after the other."""

    transport: asyncio.Transport

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._received = bytearray()
        self._pending: asyncio.TimerHandle | None = None
        self._pid: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._endpoint._connections.add(self)
        self._pid = self._endpoint.caller(transport.get_extra_info("peername")[1])

    def connection_lost(self, error: Exception | None) -> None:
        self._endpoint._connections.discard(self)
        if self._pending is not None:
            self._pending.cancel()
            self._endpoint.closed(self._pid)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            body_end = end + 4 + _content_length(head)
            if len(self._received) < body_end:
                return
            body = bytes(self._received[end + 4 : body_end])
            del self._received[:body_end]
            self._handle(head, body)

    def _handle(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
        if method != b"POST" or not path.endswith(b"/chat/completions"):
            self.transport.write(response(404, b"{}"))
            return
        call, answer, delay_seconds = self._endpoint.receive(json.loads(body), self._pid)
        self._endpoint.opened(self._pid)
        loop = asyncio.get_running_loop()
        self._pending = loop.call_later(delay_seconds, self._finish, call, answer)

    def _finish(self, call: _Call, answer: bytes) -> None:
        self._pending = None
        self._endpoint.closed(self._pid)
        self.transport.write(response(200, answer))
        call.answered_at = time.time()


def completion(request: dict[str, Any], text: str) -> bytes:
    """The body of a chat completion."""
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    value = {
        "id": "chatcmpl-chaos",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.get("model"),
        "choices": [choice],
        "usage": usage,
    }
    return json.dumps(value).encode()


def response(status: int, body: bytes) -> bytes:
    """An HTTP response with a JSON body."""
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0] or 0)
