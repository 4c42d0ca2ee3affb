"""Server-sent events put together: in whichever pieces they come."""

import json

import pytest

from farm.models.answer import Usage
from farm.models.reading import NoCompletion
from farm.models.streamed import MAX_KEPT_BYTES, MAX_STREAM_BYTES, Deltas, TooLong


def event(value) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


def delta(text=None, reason=None, **fields) -> dict:
    return {"choices": [{"delta": {"content": text, **fields}, "finish_reason": reason}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
DONE = event(b"[DONE]")
ANSWER = b"".join(
    [
        event(delta("", role="assistant")),
        event(delta("SELECT ")),
        event(delta("'é😀'")),
        event(delta(reason="stop")),
    ]
)


def fed(data: bytes, size: int = 1 << 20) -> Deltas:
    deltas = Deltas()
    for start in range(0, len(data), size):
        deltas.feed(data[start : start + size])
    return deltas


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_an_answer_is_the_same_in_whichever_pieces_it_comes(size, line_end):
    data = (b": ping\n\n" + ANSWER + event(USAGE) + DONE).replace(b"\n", line_end)
    deltas = fed(data, size)
    found = deltas.said()
    assert (found.text, found.finish_reason) == ("SELECT 'é😀'", "stop")
    assert found.usage == Usage(prompt_tokens=9, completion_tokens=3)
    assert deltas.done
    assert deltas.is_whole


def test_what_follows_the_end_is_not_read():
    assert fed(ANSWER + DONE + event(delta(" more")) + b"data: garbage\n").said().text == "SELECT 'é😀'"


def test_an_end_without_its_last_event_counts_when_the_reason_is_there():
    assert fed(ANSWER).is_whole
    assert not fed(ANSWER).done


def test_a_stream_that_breaks_off_is_not_whole():
    assert not fed(event(delta("SELECT "))).is_whole
    assert not fed(b"").is_whole


def test_the_last_line_counts_without_its_line_end():
    assert fed(event(delta("SELECT 1", "stop")).rstrip()).said().text == "SELECT 1"


def test_refusals_errors_and_hidden_thoughts_are_told_apart():
    data = event(delta(refusal="I can", reasoning_content="hm")) + event(delta(refusal="not"))
    assert (fed(data).said().refusal, fed(data).said().text) == ("I cannot", "")
    failed = fed(event(delta("SELECT")) + event({"error": {"code": 502, "message": "down"}}))
    assert failed.said().error == {"code": 502, "message": "down"}
    assert failed.is_whole


@pytest.mark.parametrize("data", [b"{", b"[1]", b"7", b"<html>", b"\xff"])
def test_an_event_that_is_no_chunk_is_refused(data):
    with pytest.raises(NoCompletion):
        fed(event(delta("SELECT 1")) + event(data))


@pytest.mark.parametrize("value", [{}, {"choices": None}, {"choices": [{}]}, {"choices": [{"delta": None}]}])
def test_an_event_that_says_nothing_does_no_harm(value):
    assert fed(ANSWER + event(value) + DONE).said().text == "SELECT 'é😀'"


@pytest.mark.parametrize(
    ("piece", "limit_bytes"),
    [
        (b"x" * 50_000, MAX_KEPT_BYTES),
        (event(delta("x" * 50_000)), MAX_KEPT_BYTES),
        (event(delta(refusal="x" * 50_000)), MAX_KEPT_BYTES),
        ((b": " + b"x" * 5_000 + b"\n\n") * 100, MAX_STREAM_BYTES),
    ],
)
def test_nothing_goes_on_for_ever(piece, limit_bytes):
    deltas, passed = Deltas(), 0
    while passed < limit_bytes - len(piece):
        deltas.feed(piece)
        passed += len(piece)
    with pytest.raises(TooLong):
        fed(piece * (2 * limit_bytes // len(piece)))
