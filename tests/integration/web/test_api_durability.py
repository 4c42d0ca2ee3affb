"""What 201 means: the batch is there, whatever becomes of the server; and what was not sent whole is not."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from urllib.parse import urlsplit

import pytest
from support.web import served

from farm.store.states import TaskState

WAIT_SECONDS = 30
ROW = b'{"question": "a?", "target": "shop"}\n'
STREAMED = "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close"


def enqueue(address: str, body: object, key: str) -> dict:
    request = urllib.request.Request(
        f"{address}/api/v1/batches",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": key},
    )
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
        assert answer.status == 201
        return json.load(answer)


@contextlib.contextmanager
def streaming(address: str):
    """A connection with the head of a request whose body comes in chunks."""
    at = urlsplit(address)
    with socket.create_connection((at.hostname, at.port), timeout=WAIT_SECONDS) as sent:
        sent.sendall(f"POST /api/v1/batches HTTP/1.1\r\nHost: {at.netloc}\r\n{STREAMED}\r\n\r\n".encode())
        yield sent


def send(sent: socket.socket, *pieces: bytes) -> None:
    for piece in pieces:
        sent.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")


@pytest.mark.skipif(sys.platform == "win32", reason="ends a process with a Unix signal")
def test_a_server_that_is_killed_has_lost_nothing_that_it_answered_and_kept_nothing_else(farm, farm_command):
    process, address = farm_command
    asked = [{"question": f"{number}?", "target": "shop"} for number in range(50)]
    made = [enqueue(address, asked, "a"), enqueue(address, asked[:2], "b")]
    with streaming(address) as sent:
        send(sent, *[ROW * 1000] * 20)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(WAIT_SECONDS)
    assert [farm.batch(one["id"]).progress().total for one in made] == [50, 2]
    assert len(farm.tasks(states=[TaskState.QUEUED])) == 50
    command = [sys.executable, "-m", "farm", "web", "--port", "0"]
    environment = {**os.environ, "FARM_HOME": str(farm.settings.home)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as again:
        assert again.stderr is not None
        try:
            address = again.stderr.readline().split(" at ")[1].split(";")[0]
            assert enqueue(address, asked, "a")["id"] == made[0]["id"], "a key outlives the server"
        finally:
            again.kill()


def test_of_a_body_that_its_client_breaks_off_nothing_is_enqueued(farm):
    with served(farm) as address:
        with streaming(address) as sent:
            send(sent, *[ROW * 1000] * 20)
        assert enqueue(address, {"question": "after?", "target": "shop"}, "c")["added"] == 1
    assert [task.question for task in farm.tasks(states=[TaskState.QUEUED])] == ["after?"]


def test_a_whole_body_that_is_streamed_is_enqueued(farm):
    rows = b"".join(b'{"question": "%d?", "target": "shop"}\n' % number for number in range(3000))
    with served(farm) as address, streaming(address) as sent:
        send(sent, *(rows[start : start + 10_000] for start in range(0, len(rows), 10_000)))
        sent.sendall(b"0\r\n\r\n")
        answer = b"".join(iter(lambda: sent.recv(65536), b""))
    assert b" 201 " in answer.splitlines()[0]
    assert farm.batch(1).progress().total == 3000
