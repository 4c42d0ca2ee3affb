"""Secrets that can be told wherever they turn up, and an endpoint that repeats all it is told."""

import base64
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import psutil
import redis
from sqlalchemy import MetaData, create_engine, select

CANARY = "c4nary"
SETTLED_SECONDS = 5.0
"""Every planted secret contains this word, and nothing else does."""
NEEDLES = (
    CANARY.encode(),
    CANARY.encode().hex().encode(),
    # in the middle of something encoded by base64, at each of the three places where it may begin
    base64.b64encode(CANARY.encode()),
    base64.b64encode(f".{CANARY}..".encode())[2:9],
    base64.b64encode(f"..{CANARY}.".encode())[3:10],
)
READING = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "list": ("LRANGE", 0, -1),
    "set": ("SMEMBERS",),
    "zset": ("ZRANGE", 0, -1),
    "stream": ("XRANGE", "-", "+"),
}


def found_in(texts: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where a canary is: the place with what stands around it."""
    return [
        f"{place}: …{text[max(0, at - 120) : at + 60]!r}…"
        for place, text in texts
        for needle in NEEDLES
        if (at := text.find(needle)) >= 0
    ]


def in_files(folder: Path, *, but: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, with its name; `but` are those where secrets are meant to stand."""
    left_out = set(but)
    for path in folder.rglob("*"):
        if path.is_file() and path not in left_out:
            yield str(path), path.name.encode() + b"\n" + path.read_bytes()


def in_redis(client: redis.Redis) -> Iterator[tuple[str, bytes]]:
    """Every key with its value, whatever its type."""
    for key in client.scan_iter("*"):
        command, *limits = READING[client.type(key).decode()]
        value = client.execute_command(command, key, *limits)
        yield f"redis {key.decode()}", repr((key, value)).encode()


def in_store(url: str) -> Iterator[tuple[str, bytes]]:
    """Every row of every table and view."""
    engine = create_engine(url)
    tables = MetaData()
    tables.reflect(engine, views=True)
    with engine.connect() as connection:
        for table in tables.tables.values():
            for row in connection.execute(select(table)):
                yield f"table {table.name}", repr(tuple(row)).encode()
    engine.dispose()


class CommandLines:
    """The command lines, as `ps` shows them, of all processes that carry a mark in their environment."""

    def __init__(self, name: str, mark: str) -> None:
        self._name, self._mark = name, mark
        self.seen: set[bytes] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def _watch(self) -> None:
        strangers: set[int] = set()  # looked at once, after they have become what they are
        while not self._ended.wait(0.3):
            pids = set(psutil.pids())
            strangers &= pids
            for pid in pids - strangers:
                try:
                    process = psutil.Process(pid)
                    if process.environ().get(self._name) == self._mark:
                        self.seen.add(" ".join(process.cmdline()).encode())
                    elif process.create_time() < time.time() - SETTLED_SECONDS:
                        strangers.add(pid)
                except psutil.Error:
                    continue


class Parrot:
    """A chat endpoint that repeats all headers it got: in errors, in its own headers, and in answers.

    The first word of the question says how: a status, or `garbage`; `hang` never answers.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked = 0
        self.hanging = threading.Event()


@contextmanager
def parrot() -> Iterator[Parrot]:
    """A Parrot that listens."""
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bird.asked += 1
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard = " ".join(f"{name}: {value}" for name, value in self.headers.items())
            said = str(request["messages"])
            how = said.partition("How? ")[2].split()[0].rstrip(".") if "How? " in said else "200"
            if how == "hang":
                bird.hanging.set()
                ended.wait(60)
                return
            status = int(how) if how.isdecimal() else 200
            body = self._body(status, how, heard)
            self.send_response(status, heard[:200])
            for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.send_header("X-Heard", heard)
            self.send_header("Location", f"/elsewhere?{heard.split()[-1]}")
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body)

        def _body(self, status: int, how: str, heard: str) -> bytes:
            if how == "garbage":
                return heard.encode()
            if status == 200:
                text = f"```sql\nSELECT count(*) FROM orders\n```\n{heard}"
                message = {"role": "assistant", "content": text}
                return json.dumps({"choices": [{"message": message, "finish_reason": heard}]}).encode()
            error = {"message": heard, "type": heard, "code": heard, "param": heard}
            return json.dumps({"error": error}).encode()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        bird = Parrot(server.server_port)
        try:
            yield bird
        finally:
            ended.set()
            server.shutdown()
            serving.join()


def leak_everything() -> None:
    """An initializer that fails and tells its whole environment."""
    told = {name: value for name, value in os.environ.items() if name.startswith(("FARM_", "OPENAI_"))}
    try:
        raise KeyError(told)
    except KeyError as error:
        raise RuntimeError(f"cannot start with {told}") from error
