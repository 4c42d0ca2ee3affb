"""A server that sends whatever bytes it is told to: what no proper endpoint would, and nothing can script.

    async with rude(poured(response(200, b""), b" " * 1000, times=1000)) as url: ...

A script is a coroutine function over (reader, writer), begun once a request's head has been read; what it has
sent, it closes. The server runs in the event loop of whoever asks.

    python tests/support/rude.py

plays each of the HOSTILE answers to the model client, each in a process of its own, and prints a JSON object:
{name: [error, seconds, megabytes by which the process grew at its peak]}. For Unix.
"""

import asyncio
import gzip
import json
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

MB = 1_000_000
SPACES = b" " * 100_000


def response(
    status: int, body: bytes, *headers: str, length: int | None = None, kind: str = "application/json"
) -> bytes:
    """A whole response; `length` claims another one than the body has."""
    lines = [
        f"HTTP/1.1 {status} -",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(kind: str = "application/json", status: int = 200) -> bytes:
    """The head of a response whose body comes in chunks."""
    head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode()


def completion(**changes: Any) -> bytes:
    """A chat completion, with some of its fields changed."""
    good = {"choices": [{"message": {"content": "SELECT 1"}, "finish_reason": "stop"}]}
    return response(200, json.dumps(good | changes).encode())


def message(**changes: Any) -> bytes:
    """A chat completion whose message is changed; `finish_reason` may be among the changes."""
    reason = changes.pop("finish_reason", "stop")
    usage = {"prompt_tokens": 9, "completion_tokens": 3}
    return completion(choices=[{"message": changes, "finish_reason": reason}], usage=usage)


def sent(data: bytes, *, close: bool = False) -> Script:
    """Send these bytes; then hang up, or stay silent until the client goes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if not close:
            await reader.read()

    return script


def poured(head: bytes, piece: bytes, *, times: int, pause_seconds: float = 0.0) -> Script:
    """Send `head`, then `piece` again and again."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
            if pause_seconds:
                await asyncio.sleep(pause_seconds)
        await reader.read()

    return script


@asynccontextmanager
async def rude(
    script: Script,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    keep: list[bytes] | None = None,
) -> AsyncIterator[str]:
    """The address of a server that treats everyone to `script`; `keep` is given the heads of requests."""

    serving: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if keep is not None:
                keep.append(head)
            await script(reader, writer)
            await writer.drain()
            writer.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):  # the client or the test goes
            writer.transport.abort()
        finally:
            serving.discard(task)

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    name = f"[{host}]" if ":" in host else host
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://{name}:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for task in tuple(serving):
            task.cancel()
        await asyncio.gather(*serving)
        await asyncio.sleep(0)


def padded(text: bytes, size: int = 1_990_000) -> bytes:
    """A chat completion of nearly the largest size, whose text ends in `text` as it stands in JSON."""
    before, after = b'{"choices": [{"message": {"content": "', b'"}, "finish_reason": "stop"}]}'
    return before + b"x" * (size - len(before) - len(after) - len(text)) + text + after


def event(data: bytes) -> bytes:
    """A chunk of HTTP that holds one server-sent event."""
    line = b"data: " + data + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(line), line)


DELTA = b'{"choices":[{"delta":{"content":"%s"}}]}'
EVENTS = "text/event-stream"
FOR_EVER = 1 << 30


def bomb(status: int, *headers: str) -> Script:
    """A response of 100 kB that unpacks to 100 MB."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packed = gzip.compress(b" " * (100 * MB), compresslevel=1)
        await sent(response(status, packed, "Content-Encoding: gzip", *headers))(reader, writer)

    return script


# What would fill the memory of a client that believes it.
HOSTILE: dict[str, Script] = {
    "an answer of 200 MB": poured(response(200, b"", length=200 * MB), SPACES, times=2000),
    "an answer of 200 MB in chunks": poured(chunked(), b"186a0\r\n" + SPACES + b"\r\n", times=2000),
    "an error of 200 MB": poured(response(500, b"", length=200 * MB), SPACES, times=2000),
    "a refusal of 200 MB": poured(response(400, b"", length=200 * MB), SPACES, times=2000),
    "a bomb": bomb(200),
    "a bomb in an error": bomb(500),
    "a bomb in a redirect": bomb(302, "Location: http://127.0.0.1:1/"),
    "100 MB of headers": poured(b"HTTP/1.1 200 -\r\n", b"X-A: " + b"y" * 990 + b"\r\n", times=100_000),
    "100 MB in one header": poured(b"HTTP/1.1 200 -\r\nX-A: ", SPACES, times=1000),
    "a status line of 100 MB": poured(b"HTTP/1.1 200 ", SPACES, times=1000),
    "no end of interim responses": poured(
        b"", b"HTTP/1.1 103 -\r\n\r\n" * 100, times=FOR_EVER, pause_seconds=0.001
    ),
    "tiny chunks for ever": poured(chunked(), b"1\r\n \r\n" * 1000, times=FOR_EVER, pause_seconds=0.001),
    "tiny pieces for ever": poured(
        response(200, b"", length=FOR_EVER), b" ", times=FOR_EVER, pause_seconds=0.001
    ),
    "a chunk with a long extension": poured(chunked() + b"1;", SPACES, times=1000),
    "2 MB of nesting": sent(response(200, b'{"choices":' * 180_000)),
    "2 MB of lists": sent(response(200, b'{"choices": [' + b"[]," * 650_000 + b"[]]}")),
    "2 MB of keys": sent(response(200, b"{%s}" % b",".join(b'"%d":1' % n for n in range(170_000)))),
    "an integer of 1.9 MB": sent(response(200, b'{"usage": {"prompt_tokens": ' + b"9" * 1_900_000 + b"}}")),
    "a fraction of 1.9 MB": sent(response(200, b'{"usage": {"prompt_tokens": 0.' + b"9" * 1_900_000 + b"}}")),
    "2 MB of half surrogates": sent(response(200, padded(b"\\ud800" * 330_000))),
    "2 MB that end in an emoji": sent(response(200, padded("😀".encode()))),
    "2 MB that end in an escaped emoji": sent(response(200, padded(b"\\ud83d\\ude00"))),
    "2 MB of plain text": sent(response(200, padded(b"x"))),
    "events for ever": poured(
        chunked(EVENTS), event(DELTA % b"xxxx") * 100, times=FOR_EVER, pause_seconds=0.001
    ),
    "empty events for ever": poured(chunked(EVENTS), event(b"{}") * 100, times=FOR_EVER, pause_seconds=0.001),
    "tiny events for ever": poured(
        chunked(EVENTS), b"1\r\n:\r\n1\r\n\n\r\n" * 500, times=FOR_EVER, pause_seconds=0.001
    ),
    "an event without end": poured(
        chunked(EVENTS) + b"6\r\ndata: \r\n", b"186a0\r\n" + SPACES + b"\r\n", times=FOR_EVER
    ),
    "a million events of an emoji": poured(
        chunked(EVENTS), event(DELTA % "😀".encode()) * 100, times=10_000, pause_seconds=0.001
    ),
}


DEADLINE_SECONDS = 0.7
SIDE_BY_SIDE = 3


def peak_mb() -> float:
    """The most memory that this process ever held."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


async def _serve(name: str, port_to: int) -> None:
    async with rude(HOSTILE[name]) as url:
        os.write(port_to, url.encode())
        await asyncio.sleep(3600)


async def _ask(name: str, url: str) -> list[Any]:
    """Ask a well-behaved server first, so that only what the answer does is measured."""
    async with rude(sent(completion())) as good:
        await _one_call(good, name)
    before, started = peak_mb(), time.monotonic()
    error = await _one_call(url, name)
    return [error, round(time.monotonic() - started, 2), round(peak_mb() - before, 1)]


async def _one_call(url: str, name: str) -> str:
    settings = ModelSettings(deadline_seconds=DEADLINE_SECONDS, stream="event" in name)
    async with Model("m", base_url=url, api_key="k", settings=settings, max_connections=1) as model:
        try:
            await model.ask([Message("user", "How many?")])
        except FarmError as error:
            return type(error).__name__
    return "answered"


def _start(name: str) -> tuple[int, int, int]:
    """A server and a client in processes of their own, copies of this one, and where the client reports."""
    url_from, url_to = os.pipe()
    result_from, result_to = os.pipe()
    if (server := os.fork()) == 0:
        asyncio.run(_serve(name, url_to))
    if (client := os.fork()) == 0:
        result = asyncio.run(_ask(name, os.read(url_from, 1000).decode()))
        os.write(result_to, json.dumps(result).encode())
        os._exit(0)
    for pipe in (url_from, url_to, result_to):
        os.close(pipe)
    return server, client, result_from


def _end(server: int, client: int, result_from: int) -> list[Any]:
    try:
        return cast(list[Any], json.loads(os.read(result_from, 10_000)))
    finally:
        os.kill(server, signal.SIGKILL)
        for process in (server, client):
            os.waitpid(process, 0)
        os.close(result_from)


def _play(names: list[str]) -> dict[str, list[Any]]:
    """A few at a time, as most of them only wait for their deadline."""
    results = {}
    for first in range(0, len(names), SIDE_BY_SIDE):
        started = {name: _start(name) for name in names[first : first + SIDE_BY_SIDE]}
        results |= {name: _end(*processes) for name, processes in started.items()}
    return results


if __name__ == "__main__":
    from farm.errors import FarmError
    from farm.models.answer import Message
    from farm.models.client import Model
    from farm.settings import ModelSettings

    print(json.dumps(_play(sys.argv[1:] or list(HOSTILE))))
