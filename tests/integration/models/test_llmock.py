"""A judge from outside: llmock, a server that breaks on demand and then says how its client took it.

It runs as a program of its own, since its fixture would set the environment of the tests. It knows HTTP
errors and broken streams; what it cannot send (no HTTP, resets, hostile sizes) support/rude.py does.
"""

import asyncio
import json
import os
import socket
import sys
import urllib.request
from pathlib import Path

import pytest
from support.asking import QUESTION, model
from support.child import running

from farm.errors import FarmError, GiveUp, StopRoute
from farm.models.retry import patiently


class Judge:
    """A running llmock."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def answers(self) -> bool:
        try:
            return self.tell("scenario") is not None
        except OSError:
            return False

    def tell(self, path: str, data: object = None) -> dict:
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_llmock/{path}", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=5) as response:
            return json.load(response)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    judge = Judge(port)
    script = Path(sys.executable).parent / ("llmock.exe" if os.name == "nt" else "llmock")
    command = [str(script), "serve", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, ready=judge.answers, log=tmp_path_factory.mktemp("llmock") / "log"):
        yield judge


def asked(judge: Judge, behavior: dict, **settings) -> str | FarmError:
    """What a patient call came to while the judge misbehaved in this way."""
    judge.tell("reset", {})
    judge.tell("scenario", {"behaviors": [behavior]})

    async def scene():
        async with model(f"{judge.url}/v1", **settings) as client:
            try:
                return (await patiently(lambda: client.ask(QUESTION))).text
            except FarmError as error:
                return error

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("behavior", "stream", "attempts", "kind"),
    [
        ({"type": "fail", "status": 429, "retry_after": 1, "times": 2}, False, 3, None),
        ({"type": "fail", "status": 500, "times": 2}, False, 3, None),
        ({"type": "fail", "status": 503, "times": 2}, True, 3, None),
        ({"type": "fail", "status": 400, "times": None}, False, 1, GiveUp),
        ({"type": "fail", "status": 401, "times": None}, False, 1, StopRoute),
        ({"type": "fail", "status": 404, "times": None}, True, 1, StopRoute),
        ({"type": "fail", "status": 422, "times": None}, False, 1, GiveUp),
        ({"type": "stream_fault", "kind": "disconnect", "after_chunks": 2, "times": 2}, True, 3, None),
        ({"type": "stream_fault", "kind": "truncate", "after_chunks": 2, "times": 2}, True, 3, None),
        ({"type": "stream_fault", "kind": "malformed", "after_chunks": 2, "times": 1}, True, 2, None),
        ({"type": "stream_fault", "kind": "stall", "after_chunks": 2, "times": 1}, True, 2, None),
        ({"type": "slow_first_token", "seconds": 1.5}, True, 1, None),
    ],
)
def test_the_judge_finds_no_fault_with_the_client(judge, behavior, stream, attempts, kind):
    said = asked(judge, behavior, stream=stream, gap_seconds=1.0)
    assert type(said) is (kind or str), said
    verdict = judge.tell("verdict")
    assert [finding for finding in verdict["findings"] if finding["severity"] == "error"] == []
    assert verdict["attempts"] == attempts
