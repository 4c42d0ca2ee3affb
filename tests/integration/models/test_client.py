"""The model client against an endpoint that misbehaves: each failure classified, in time."""

import asyncio
import json
import logging
from base64 import b64encode

import pytest
from support.asking import DEADLINE_SECONDS, QUESTION, SHORT_SECONDS, asked, model
from support.asking import ask as asking
from support.llm import Fault, Reply
from support.rude import MB, completion, message, poured, response, rude, sent

from farm.errors import BadAnswer, GiveUp, StopRoute, Throttled, Unanswered, Unavailable
from farm.models.answer import Usage
from farm.models.health import LOST_CALLS


def ask(url, **options):
    """The answer or the error."""
    return asyncio.run(asking(url, **options))


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
    said = ask(llm.url, deadline_seconds=SHORT_SECONDS if "within 1 s" in words else DEADLINE_SECONDS)
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


# What a scripted stub cannot say: bytes that are no proper response at all.


async def ask_rudely(script, **options):
    """The answer or the error from a server that follows the script, and the address it had."""
    async with rude(script) as url:
        return await asking(url, **options), url


NONSENSE = [
    (sent(b"", close=True), Unanswered, "closed the connection"),
    (sent(b"\0\1 garbage\r\n\r\n"), Unanswered, "no HTTP"),
    (sent(b"SSH-2.0-OpenSSH_9.2\r\n"), Unanswered, "no HTTP"),
    (sent(b"HTTP/1.1 200 -\r\n" + b"X: y\r\n" * 5_000), Unanswered, "no HTTP"),
    (sent(b"HTTP/1.1 200 -\r\nContent-Len", close=True), Unanswered, "closed the connection"),
    (sent(response(200, b"{}", length=100), close=True), BadAnswer, "broke off"),
    (sent(response(200, b"{}", length=100)), BadAnswer, "no whole answer within 1 s"),
    (poured(response(200, b"", length=100), b" ", times=100, pause_seconds=0.1), BadAnswer, "within 1 s"),
    (poured(b"HTTP/1.1 200 -\r\n", b"X: y\r\n", times=100, pause_seconds=0.1), BadAnswer, "within 1 s"),
    (sent(response(200, b"[" * 20_000)), BadAnswer, "no JSON"),
    (sent(response(200, b"\xff\xfe\xfd")), BadAnswer, "no JSON"),
    (sent(response(200, b"[1, 2]")), BadAnswer, "a JSON list"),
    (sent(response(200, b"null")), BadAnswer, "a JSON NoneType"),
    (sent(response(204, b"")), BadAnswer, "sent nothing"),
    (sent(response(200, b" ")), BadAnswer, "sent nothing"),
    (sent(response(200, b"<html>Log in</html>", kind="text/html")), Unanswered, "a web page"),
    (sent(completion(choices=None)), BadAnswer, "without choices"),
    (sent(b"HTTP/1.1 200 -\r\nContent-Length: 2\r\n\r\n{}"), BadAnswer, "without choices"),
    (sent(completion(choices=[{"message": {"content": [1]}}])), BadAnswer, "empty answer"),
    (sent(completion(choices=[{"message": None}])), BadAnswer, "empty answer"),
    (sent(message(content=None, refusal="I cannot\nhelp")), GiveUp, "refuses: I cannot help"),
    (sent(message(content="I mu", finish_reason="content_filter")), GiveUp, "withheld"),
    (sent(message(content="", finish_reason="length")), GiveUp, "raise max_tokens"),
    (sent(response(200, b'{"error": {"code": 429, "message": "slow down"}}')), Throttled, "slow down"),
    (sent(response(200, b'{"error": {"message": "oops"}}')), BadAnswer, "oops"),
    (
        sent(response(302, b"", "Location: http://127.0.0.1:1/x")),
        StopRoute,
        "redirect to http://127.0.0.1:1/x",
    ),
    (sent(response(307, b"", "Location: https://else.invalid/")), StopRoute, "redirect to https://else.inv"),
    (sent(response(301, b"")), StopRoute, "redirect to nowhere"),
    (sent(response(401, b"")), StopRoute, "OPENAI_API_KEY"),
    (
        sent(response(402, b'{"error": {"message": "Insufficient balance"}}')),
        StopRoute,
        "Insufficient balance",
    ),
    (sent(response(403, b"<html>no</html>")), Unanswered, "shut by something before it"),
    (sent(response(404, b"")), StopRoute, "FARM_MODEL"),
    (sent(response(400, b'[{"message": "context length exceeded"}]')), GiveUp, "context length exceeded"),
    (sent(response(400, b"The plain HTTP request was sent to HTTPS port")), StopRoute, "wants https"),
    (sent(response(408, b"")), Unavailable, "try again"),
    (sent(response(429, b"", "Retry-After: soon")), Throttled, "limits the rate"),
    (sent(response(500, b" " * 8 * MB, length=1 << 40)), Unavailable, "failed with 500"),
    (sent(response(502, b"<html>bad gateway</html>")), Unavailable, "failed with 502"),
    (sent(response(503, b'{"error": {"message": "Loading model"}}')), Unavailable, "Loading model"),
    (sent(response(529, b'{"error": {"message": "Overloaded"}}')), Unavailable, "Overloaded"),
    (sent(response(504, b"")), Unanswered, "in time: 504"),
    (sent(response(200, b"packed", "Content-Encoding: br")), BadAnswer, "packed"),
]


def test_all_nonsense_is_classified_side_by_side_and_in_time():
    async def scene():
        ready = asyncio.Barrier(len(NONSENSE))  # a client takes a while to make, and the clock ticks

        async def one(script, words):
            seconds = SHORT_SECONDS if "within 1 s" in words else DEADLINE_SECONDS
            async with rude(script) as url, model(url, deadline_seconds=seconds) as client:
                await ready.wait()
                return await asked(client), url

        return await asyncio.gather(*(one(script, words) for script, _, words in NONSENSE))

    found = [(type(said), str(said).replace(url, "URL")) for said, url in asyncio.run(scene())]
    wrong = [
        (kind, words, *said)
        for (_, kind, words), said in zip(NONSENSE, found, strict=True)
        if said[0] is not kind or words not in said[1]
    ]
    assert wrong == []


def test_an_answer_of_any_content_type_is_read():
    said, _ = asyncio.run(ask_rudely(sent(completion().replace(b"application/json", b"text/html"))))
    assert said.text == "SELECT 1"


def test_the_answer_is_asked_for_unpacked_and_nothing_else_is_sent_along():
    heads = []

    async def scene():
        async with rude(sent(completion()), keep=heads) as url:
            await asking(url)

    asyncio.run(scene())
    head = heads[0].lower()
    assert b"accept-encoding: identity\r\n" in head
    assert b"cookie" not in head


def test_cookies_are_neither_kept_nor_sent():
    heads = []
    cookies = [f"Set-Cookie: c{n}=v; Path=/" for n in range(30)]

    async def scene():
        body = json.dumps({"choices": [{"message": {"content": "SELECT 1"}}]}).encode()
        async with (
            rude(sent(response(200, body, *cookies), close=True), keep=heads) as url,
            model(url.replace("127.0.0.1", "localhost")) as client,
        ):
            for _ in range(3):
                await client.ask(QUESTION)

    asyncio.run(scene())
    assert len(heads) == 3
    assert not any(b"cookie" in head.lower() for head in heads)


@pytest.mark.parametrize(
    "usage", [None, [1], "much", {"prompt_tokens": "x"}, {"prompt_tokens": 1e999}, {"prompt_tokens": -5}]
)
def test_nonsense_about_usage_is_no_reason_to_pay_again(usage):
    said, _ = asyncio.run(ask_rudely(sent(completion(usage=usage))))
    assert (said.text, said.prompt_tokens, said.completion_tokens) == ("SELECT 1", 0, 0)


# What a failure cost.


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (message(content=None), "empty"),
        (message(content=None, refusal="no"), "refusal"),
        (message(content="I mu", finish_reason="content_filter"), "content_filter"),
        (message(content=None, finish_reason="length"), "length"),
    ],
)
def test_a_failure_tells_what_it_cost(data, code):
    prices = {"prompt_usd_per_million": 1.0, "completion_usd_per_million": 2.0}
    said, _ = asyncio.run(ask_rudely(sent(data), **prices))
    failed = said.failed_call
    assert (failed.model, failed.code, failed.message) == ("stub-model", code, str(said))
    assert failed.usage == Usage(prompt_tokens=9, completion_tokens=3)
    assert failed.cost_usd == pytest.approx(15e-6)
    assert 0 < failed.latency_ms < 1_000


@pytest.mark.parametrize(
    ("fault", "noted"),
    [
        (Fault.HANG, True),
        (Fault.RESET, True),
        (Fault.TRUNCATED, True),
        (Fault.SERVER_ERROR, False),
        (Fault.RATE_LIMITED, False),
        (Fault.INVALID_KEY, False),
    ],
)
def test_what_may_have_been_paid_is_noted_without_its_tokens(llm, fault, noted):
    llm.default = fault
    failed = ask(llm.url, deadline_seconds=SHORT_SECONDS).failed_call
    assert (failed is not None) == noted
    assert failed is None or (failed.usage, failed.cost_usd) == (None, None)


# What the client learns.

TEMPERATURE = {
    "message": "'temperature' is not supported",
    "code": "unsupported_parameter",
    "param": "temperature",
}
TOKENS = {"message": "use 'max_completion_tokens'", "code": "unsupported_parameter", "param": "max_tokens"}


def refusing(*errors):
    """A server that refuses one request after the other for these reasons, then answers."""
    left = list(errors)

    async def script(reader, writer):
        error = left.pop(0) if left else None
        writer.write(response(400, json.dumps({"error": error}).encode()) if error else completion())

    return script


def test_a_parameter_that_is_refused_is_left_out_from_then_on(caplog):
    async def scene():
        async with rude(refusing(TEMPERATURE, TOKENS)) as url, model(url) as client:
            return [await asked(client) for _ in range(3)]

    said = asyncio.run(scene())
    assert [answer.parameters for answer in said] == [{"max_completion_tokens": 1024}] * 3
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [line.partition(",")[0] for line in warned] == [
        "stub-model takes no temperature",
        "stub-model takes no max_tokens",
    ]


def refusing_together(error, count):
    """A server that refuses the first requests at once, when all of them are there."""
    barrier = asyncio.Barrier(count)
    left = [error] * count

    async def script(reader, writer):
        if not left:
            writer.write(completion())
            return
        left.pop()
        await barrier.wait()
        writer.write(response(400, json.dumps({"error": error}).encode()))

    return script


def test_calls_side_by_side_learn_of_a_parameter_once(caplog):
    async def scene():
        async with rude(refusing_together(TEMPERATURE, 4)) as url, model(url) as client:
            return await asyncio.gather(*(asked(client) for _ in range(4)))

    assert [answer.parameters for answer in asyncio.run(scene())] == [{"max_tokens": 1024}] * 4
    assert len([record for record in caplog.records if "takes no" in record.getMessage()]) == 1


def test_an_endpoint_that_refuses_every_name_of_a_parameter_is_no_endless_loop():
    other = TOKENS | {"param": "max_completion_tokens"}
    said, _ = asyncio.run(ask_rudely(refusing(*[TOKENS, other] * 50)))
    assert type(said) is GiveUp


def test_that_an_endpoint_is_away_is_said_once_and_that_it_is_back(llm, caplog):
    llm.answer("How many orders?", *[Fault.SERVER_ERROR] * 3, "SELECT 1")

    async def scene():
        async with model(llm.url) as client:
            return [await asked(client) for _ in range(4)]

    assert asyncio.run(scene())[-1].text == "SELECT 1"
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 2
    assert "failed with 500" in warned[0]
    assert warned[1].endswith("answers again")


def test_a_route_on_which_nothing_is_answered_for_minutes_is_stopped(llm, monkeypatch):
    llm.default = Fault.RESET
    monkeypatch.setattr("farm.models.health.LOST_SECONDS", 0.0)

    async def scene():
        async with model(llm.url) as client:
            return [await asked(client) for _ in range(LOST_CALLS)]

    *before, last = asyncio.run(scene())
    assert {type(error) for error in before} == {Unanswered}
    assert type(last) is StopRoute
    assert "no call" in str(last)
    assert last.failed_call.code == "reset"


@pytest.mark.parametrize(("account", "key"), [("", "sk-secret"), ("me:sk-secret@", None)])
def test_no_secret_of_the_address_or_the_key_is_told(account, key):
    async def scene():
        body = json.dumps({"error": {"message": "there is no such key sk-secret"}}).encode()
        async with rude(sent(response(401, body))) as url:
            return await asking(url.replace("http://", f"http://{account}"), api_key=key)

    said = str(asyncio.run(scene()))
    assert "there is no such key ***" in said
    assert "sk-secret" not in said


def test_a_name_and_a_password_in_the_address_are_sent_in_place_of_a_key():
    heads = []

    async def scene():
        async with rude(sent(completion()), keep=heads) as url:
            return await asking(url.replace("http://", "http://me:pass%40word@"), api_key=None)

    assert asyncio.run(scene()).text == "SELECT 1"
    assert b"\r\nauthorization: Basic " + b64encode(b"me:pass@word") + b"\r\n" in heads[0]
    assert b"Bearer" not in heads[0]


def test_a_connection_that_the_endpoint_has_closed_costs_no_attempt(caplog):
    async def scene():
        async with rude(sent(completion(), close=True)) as url, model(url) as client:
            return [await asked(client) for _ in range(5)]

    assert [answer.text for answer in asyncio.run(scene())] == ["SELECT 1"] * 5
    assert caplog.records == []
