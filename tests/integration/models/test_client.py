"""The model client against an endpoint that misbehaves: each failure classified, in time, in little space."""

import asyncio
import gzip
import json
import socket
import time
import tracemalloc
from contextlib import asynccontextmanager, contextmanager

import pytest
from support.llm import Fault, Reply

from farm.errors import BadAnswer, GiveUp, StopRoute, Throttled, Unanswered, Unavailable
from farm.models.answer import Message
from farm.models.client import Model
from farm.settings import ModelSettings

QUESTION = [Message("user", "How many orders?")]
DEADLINE_SECONDS = 1.0
GROWTH_MB = 30


def model(url, *, api_key="key", **settings) -> Model:
    return Model(
        "stub-model",
        base_url=url,
        api_key=api_key,
        settings=ModelSettings(**({"deadline_seconds": DEADLINE_SECONDS} | settings)),
        max_connections=4,
    )


@contextmanager
def little_memory():
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < GROWTH_MB * 1_000_000
    finally:
        tracemalloc.stop()


def ask(url, **options):
    """The answer or the error, with an eye on time and memory."""

    async def scene():
        async with model(url, **options) as client:
            started = time.monotonic()
            try:
                return await client.ask(QUESTION)
            except Exception as error:
                return error
            finally:
                assert time.monotonic() - started < DEADLINE_SECONDS + 1

    with little_memory():
        return asyncio.run(scene())


def test_an_answer_comes_with_its_figures(llm):
    llm.answer("How many orders?", "SELECT count(*) FROM orders")
    said = ask(llm.url, temperature=0.5, seed=3, prompt_usd_per_million=1.0, completion_usd_per_million=2.0)
    assert said.text == "SELECT count(*) FROM orders"
    assert (said.model, said.finish_reason) == ("stub-model", "stop")
    assert said.prompt_tokens > 0
    assert said.cost_usd == pytest.approx((said.prompt_tokens + 2 * said.completion_tokens) / 1e6)
    assert 0 < said.latency_ms < 1000
    assert said.parameters == {"temperature": 0.5, "max_tokens": 1024, "seed": 3}
    (request,) = llm.requests
    assert {name: request[name] for name in said.parameters} == said.parameters
    assert "stream" not in request


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault.INVALID_KEY, StopRoute, "refuses the key .*OPENAI_API_KEY"),
        (Fault.MODEL_NOT_FOUND, StopRoute, "no model 'stub-model' .*FARM_MODEL"),
        (Fault.QUOTA, StopRoute, "quota"),
        (Fault.RATE_LIMITED, Throttled, "limits the rate"),
        (Fault.SERVER_ERROR, Unavailable, "failed with 500"),
        (Fault.RESET, Unanswered, "closed the connection without an answer"),
        (Fault.TRUNCATED, BadAnswer, "broke off"),
        (Fault.BAD_JSON, BadAnswer, "no chat completion"),
        (Fault.HTML, Unanswered, "a web page, which is no chat completion"),
        (Fault.EMPTY, BadAnswer, "no chat completion"),
        (Fault.EMPTY_CHOICES, BadAnswer, "no chat completion"),
        (Fault.NULL_CONTENT, BadAnswer, "empty answer"),
        (Fault.HANG, BadAnswer, "no whole answer within 1 s"),
        (Fault.SLOW, BadAnswer, "no whole answer within 1 s"),
        (Fault.TRICKLE, BadAnswer, "no whole answer within 1 s"),
        (Fault.ENDLESS, BadAnswer, "more bytes than one answer has"),
    ],
)
def test_each_fault_is_classified_after_a_single_call(llm, fault, kind, words):
    llm.default = fault
    said = ask(llm.url)
    assert type(said) is kind
    with pytest.raises(kind, match=words):
        raise said
    assert sum(llm.calls.values()) == 1


def test_every_fault_of_the_stub_is_tried():
    (mark,) = test_each_fault_is_classified_after_a_single_call.pytestmark
    assert {case[0] for case in mark.args[1]} == set(Fault)


def test_a_limit_says_how_long_to_wait(llm):
    llm.default = Reply(fault=Fault.RATE_LIMITED, retry_after_seconds=7.5)
    assert ask(llm.url).retry_after_seconds == 7.5


def test_a_filtered_answer_is_given_up(llm):
    llm.default = Reply(text="I must not", finish_reason="content_filter")
    assert type(ask(llm.url)) is GiveUp


def test_a_cut_answer_is_kept_with_its_reason(llm):
    llm.default = Reply(text="SELECT 1", finish_reason="length")
    assert ask(llm.url).finish_reason == "length"


def test_the_connection_is_reused(llm):
    async def scene():
        async with model(llm.url) as client:
            for _ in range(3):
                await client.ask(QUESTION)
            return len(llm._connections)

    assert asyncio.run(scene()) == 1


def test_a_call_after_a_failed_one_is_well(llm):
    llm.answer("How many orders?", Fault.RESET, Fault.TRUNCATED, "SELECT 1")

    async def scene():
        async with model(llm.url) as client:
            for kind in (Unanswered, BadAnswer):
                with pytest.raises(kind):
                    await client.ask(QUESTION)
            return await client.ask(QUESTION)

    assert asyncio.run(scene()).text == "SELECT 1"


def test_a_cancelled_call_leaves_nothing_behind(llm):
    llm.default = Fault.HANG

    async def scene():
        async with model(llm.url, deadline_seconds=60) as client:
            call = asyncio.create_task(client.ask(QUESTION))
            while not llm.calls:  # noqa: ASYNC110  the stub lives in another thread
                await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(scene()) == set()


def test_nobody_listening_is_unavailable():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    assert type(ask(f"http://127.0.0.1:{port}/v1")) is Unavailable


# What a scripted stub cannot say: bytes that are no proper response at all.

GOOD = {"choices": [{"message": {"content": "SELECT 1"}, "finish_reason": "stop"}]}
MB = b" " * 1_000_000
BOMB = gzip.compress(100 * MB)


def response(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def completion(**changes) -> bytes:
    return response(200, json.dumps(GOOD | changes).encode())


@asynccontextmanager
async def raw_server(data: bytes, *, close: bool):
    async def serve(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(data)
            await writer.drain()
            if not close:
                await reader.read()  # until the client goes
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


def ask_raw(data: bytes, *, close: bool = False):
    async def scene():
        async with raw_server(data, close=close) as url, model(url) as client:
            started = time.monotonic()
            try:
                return await client.ask(QUESTION)
            except Exception as error:
                return error
            finally:
                assert time.monotonic() - started < DEADLINE_SECONDS + 1

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\1 garbage\r\n\r\n", Unanswered),
        (b"HTTP/1.1 200 -\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 900) for n in range(500)), Unanswered),
        (response(200, b"[" * 1_000_000), BadAnswer),
        (response(200, b"\xff\xfe\xfd"), BadAnswer),
        (response(200, b"[1, 2]"), BadAnswer),
        (response(204, b""), BadAnswer),
        (completion(choices=None), BadAnswer),
        (completion(choices=[{"message": {"content": [1]}}]), BadAnswer),
        (completion(choices=[{"message": None}]), BadAnswer),
        (response(302, b"", "Location: http://127.0.0.1:1/"), StopRoute),
        (response(402, b'{"error": {"message": "Insufficient balance"}}'), StopRoute),
        (response(403, b"<html>no</html>"), Unanswered),
        (response(400, b'[{"message": "context length exceeded"}]'), GiveUp),
        (response(408, b""), Unavailable),
        (response(502, b"<html>bad gateway</html>"), Unavailable),
        (response(500, 8 * MB, length=1 << 40), Unavailable),
        (response(429, b"", "Retry-After: soon"), Throttled),
        (response(400, BOMB, "Content-Encoding: gzip"), GiveUp),
        (response(200, BOMB, "Content-Encoding: gzip"), BadAnswer),
    ],
)
def test_other_nonsense_is_classified(data, kind):
    with little_memory():
        assert type(ask_raw(data)) is kind


def test_a_server_that_hangs_up_at_once_has_not_answered():
    assert type(ask_raw(b"", close=True)) is Unanswered


@pytest.mark.parametrize(
    "usage", [None, [1], "much", {"prompt_tokens": "x"}, {"prompt_tokens": 1e999}, {"prompt_tokens": -5}]
)
def test_nonsense_about_usage_is_no_reason_to_pay_again(usage):
    said = ask_raw(completion(usage=usage))
    assert (said.text, said.prompt_tokens, said.completion_tokens) == ("SELECT 1", 0, 0)
