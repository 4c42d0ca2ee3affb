import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.tiny_gguf import write_tiny_gguf

from farm.services.llama import command, environment, ready
from farm.sql.assess import assess
from farm.sql.grammar import grammar_of
from farm.sql.schema import Schema

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="xllamacpp has no build for Windows")

START_SECONDS = 60
END_SECONDS = 2


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_tiny_gguf(path)
    return path


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def server(model: Path, port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(
            command(model, "127.0.0.1", port, 2),
            env=os.environ | environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until(lambda: ready(url(port)), START_SECONDS)
        yield child
    finally:
        child.kill()
        child.wait()


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def chat(port: int, content: str, max_tokens: int = 4, **more: Any) -> dict[str, Any]:
    asked = [{"role": "user", "content": content}]
    body = {"messages": asked, "max_tokens": max_tokens, "temperature": 0, **more}
    request = urllib.request.Request(
        f"{url(port)}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def test_it_answers_like_an_openai_endpoint(server: subprocess.Popen[bytes], port: int) -> None:
    answer = chat(port, "hello")

    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["model"] == "tiny"
    assert answer["usage"]["completion_tokens"] == 4


def test_a_prefix_that_was_read_before_is_not_read_again(server: subprocess.Popen[bytes], port: int) -> None:
    prefix = "CREATE TABLE orders (order_id INTEGER); " * 20
    first = chat(port, f"{prefix} how many orders?")
    second = chat(port, f"{prefix} how many customers?")

    assert first["timings"]["cache_n"] == 0
    assert second["timings"]["cache_n"] > 0.9 * len(prefix)


def test_held_to_a_grammar_even_a_model_that_knows_nothing_writes_valid_queries(
    server: subprocess.Popen[bytes], port: int
) -> None:
    tables = (
        "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, total REAL); CREATE TABLE items (order_id INT)"
    )
    schema = Schema.from_ddl(tables, "sqlite")
    grammar = grammar_of(schema)
    assert grammar is not None
    choices = [
        chat(port, "hello", 1500, grammar=grammar.gbnf(), temperature=1.0, seed=seed)["choices"][0]
        for seed in range(6)
    ]

    ended = [choice["message"]["content"] for choice in choices if choice["finish_reason"] == "stop"]
    assert ended
    assert [text for text in ended if not assess(text, schema)[-1].verdict.accepted] == []


def test_sigterm_ends_it_even_in_the_middle_of_an_answer(server: subprocess.Popen[bytes], port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        body = json.dumps({"messages": [{"role": "user", "content": "x"}], "max_tokens": 4000}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        time.sleep(0.2)
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=END_SECONDS)


def test_it_ends_with_its_parent(model: Path, port: int) -> None:
    starter = (
        "import os, subprocess, sys, time; "
        "child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    arguments = [sys.executable, "-c", starter, *command(model, "127.0.0.1", port, 1)]
    parent = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=os.environ | environment())
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    try:
        wait_until(lambda: ready(url(port)), START_SECONDS)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()

    gone, _ = psutil.wait_procs([child], timeout=END_SECONDS)
    assert gone == [child]


def test_a_missing_model_is_refused_in_words(tmp_path: Path, port: int) -> None:
    run = subprocess.run(
        command(tmp_path / "none.gguf", "127.0.0.1", port, 1),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 2
    assert "--model names a GGUF file" in run.stderr


def test_a_file_that_is_no_model_is_refused_in_words(tmp_path: Path, port: int) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + bytes(100))
    run = subprocess.run(
        command(damaged, "127.0.0.1", port, 1), check=False, capture_output=True, text=True, timeout=60
    )

    assert run.returncode == 1
    assert f"cannot serve {damaged}" in run.stderr


def test_nothing_is_ready_where_nothing_listens(port: int) -> None:
    assert not ready(url(port))
