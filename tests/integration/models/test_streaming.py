"""Answers that are sent as they are written: put together, and given up when they stop coming."""

import asyncio
import json

import pytest
from support.asking import ask, asked, model
from support.llm import Reply
from support.rude import chunked, completion, event, response, rude, sent

from farm.errors import BadAnswer, GiveUp, StopRoute, Throttled, Unanswered

EVENTS = "text/event-stream"
ANSWER = "SELECT count(*)\n  FROM orders -- é😀"


def said(url, **options):
    return asyncio.run(ask(url, stream=True, **options))


def test_a_streamed_answer_is_that_which_comes_whole(llm):
    llm.answer("How many orders?", ANSWER)
    prices = {"prompt_usd_per_million": 1.0, "completion_usd_per_million": 2.0}
    streamed = said(llm.url, **prices)
    whole = asyncio.run(ask(llm.url, **prices))
    assert streamed.text == whole.text == ANSWER
    assert (streamed.prompt_tokens, streamed.cost_usd) == (whole.prompt_tokens, whole.cost_usd)
    assert streamed.finish_reason == "stop"
    assert llm.requests[0]["stream_options"] == {"include_usage": True}


def test_the_connection_is_reused(llm):
    async def scene():
        async with model(llm.url, stream=True) as client:
            for _ in range(3):
                assert (await asked(client)).text == "SELECT 1"
            return len(llm._connections)

    assert asyncio.run(scene()) == 1


def test_an_endpoint_that_does_not_stream_is_understood():
    async def scene():
        async with rude(sent(completion())) as url:
            return await ask(url, stream=True)

    assert asyncio.run(scene()).text == "SELECT 1"


def test_an_endpoint_that_refuses_to_stream_is_asked_for_the_whole():
    async def script(reader, writer):
        refusal = {"error": {"message": "stream is not supported", "param": "stream"}}
        writer.write(response(400, json.dumps(refusal).encode()) if not asked_before else completion())
        asked_before.append(True)

    asked_before: list[bool] = []

    async def scene():
        async with rude(script) as url:
            return await ask(url, stream=True)

    answer = asyncio.run(scene())
    assert answer.text == "SELECT 1"
    assert "stream" not in answer.parameters


@pytest.mark.parametrize(("reason", "kind"), [("content_filter", GiveUp), ("length", None)])
def test_why_it_ended_counts(llm, reason, kind):
    llm.default = Reply(text="SELECT 1", finish_reason=reason)
    found = said(llm.url)
    assert type(found) is kind if kind else found.finish_reason == reason


def delta(text) -> bytes:
    return event(json.dumps({"choices": [{"delta": {"content": text}}]}).encode())


END = event(b'{"choices":[{"delta":{},"finish_reason":"stop"}]}')
DONE = event(b"[DONE]")
LAST = b"0\r\n\r\n"


def slowly(*pieces, pause_seconds, close=False):
    """Send these pieces with pauses between them; then stay silent, or hang up."""

    async def script(reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_seconds)
        if not close:
            await reader.read()

    return script


HEAD = chunked(EVENTS)
GAP = {"gap_seconds": 1.0}
SCENES = {
    "comes with pauses": (
        slowly(HEAD, delta("SELECT"), delta(" 1"), END + DONE + LAST, pause_seconds=0.3),
        None,
    ),
    "stays open after its end": (slowly(HEAD + delta("SELECT 1") + END + DONE, pause_seconds=0), None),
    "ends without its last event": (slowly(HEAD + delta("SELECT 1") + END + LAST, pause_seconds=0), None),
    "thinks for long before its first word": (
        slowly(HEAD, delta("SELECT 1") + END + DONE + LAST, pause_seconds=1.5),
        None,
    ),
    "keeps the connection alive": (
        slowly(HEAD, *[b"7\r\n: ping\n\r\n"] * 12, delta("SELECT 1") + END + DONE + LAST, pause_seconds=0.1),
        None,
    ),
    "falls silent": (slowly(HEAD, delta("SELECT"), pause_seconds=0), "paused for 1 s"),
    "ends too early": (slowly(HEAD, delta("SELECT"), LAST, pause_seconds=0), "broke off"),
    "is cut off": (slowly(HEAD, delta("SELECT"), pause_seconds=0, close=True), "broke off"),
    "is cut off within an event": (
        slowly(HEAD, delta("SELECT")[:-9], pause_seconds=0, close=True),
        "broke off",
    ),
    "says nothing": (slowly(HEAD, DONE, LAST, pause_seconds=0), "without choices"),
    "has an event of garbage": (slowly(HEAD, delta("SELECT"), event(b"{garb"), pause_seconds=0), "no JSON"),
}


def test_streams_of_every_kind_side_by_side():
    async def scene():
        ready = asyncio.Barrier(len(SCENES))

        async def one(script):
            async with rude(script) as url, model(url, stream=True, **GAP) as client:
                await ready.wait()
                return await asked(client)

        return await asyncio.gather(*(one(script) for script, _ in SCENES.values()))

    for (name, (_, words)), found in zip(SCENES.items(), asyncio.run(scene()), strict=True):
        if words is None:
            assert getattr(found, "text", found) == "SELECT 1", name
        else:
            assert type(found) is BadAnswer, (name, found)
            assert words in str(found), name


def test_words_that_drop_for_ever_end_at_the_deadline():
    async def scene():
        async with rude(slowly(HEAD, *[delta("x")] * 100, pause_seconds=0.1)) as url:
            return await ask(url, stream=True, deadline_seconds=1.0)

    assert "no whole answer within 1 s" in str(asyncio.run(scene()))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "slow down", "code": 429}, Throttled),
        ({"message": "late", "code": 504}, Unanswered),
        ({"message": "no credit", "code": 402}, StopRoute),
        ({"message": "oops"}, BadAnswer),
    ],
)
def test_an_error_within_the_stream_is_classified(error, kind):
    events = delta("SELECT") + event(json.dumps({"error": error}).encode()) + LAST

    async def scene():
        async with rude(sent(HEAD + events)) as url:
            return await ask(url, stream=True)

    assert type(asyncio.run(scene())) is kind
