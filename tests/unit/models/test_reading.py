"""The bytes of an answer: what is read from them, and which are no answer."""

import json

import pytest

from farm.models.answer import Usage
from farm.models.reading import MAX_PARSED_BYTES, MAX_TOKENS, NoCompletion, cost_bytes, parsed, said


def body(message=None, **changes) -> bytes:
    choice = {"message": {"content": "SELECT 1"} if message is None else message, "finish_reason": "stop"}
    return json.dumps({"choices": [choice]} | changes).encode()


def test_an_answer_is_read_whole():
    found = said(body(usage={"prompt_tokens": 9, "completion_tokens": 3}))
    assert (found.text, found.finish_reason, found.refusal, found.error) == ("SELECT 1", "stop", "", None)
    assert found.usage == Usage(prompt_tokens=9, completion_tokens=3)
    assert found.has_choice


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing"),
        (b" \r\n ", "nothing"),
        (b"{", "no JSON"),
        (b"\xff\xfe\xfd", "no JSON"),
        (b'{"choices": [{"mess', "no JSON"),
        (b"[" * 10_000, "no JSON"),
        (b'{"a":' * 5_000, "no JSON"),
        (b"9" * 10_000, "no JSON"),
        (b"data: {}", "no JSON"),
        (b"<html><body>Log in</body></html>", "a web page"),
        (b"\n <!DOCTYPE html>\n<title>Welcome</title>", "a web page"),
        (b"[1, 2]", "a JSON list"),
        (b'"text"', "a JSON str"),
        (b"null", "a JSON NoneType"),
        (b"[" + b"[]," * 50_000 + b"1]", "more than an answer can hold"),
    ],
)
def test_what_is_no_completion_is_named(data, why):
    with pytest.raises(NoCompletion, match=f"^{why}$"):
        said(data)


@pytest.mark.parametrize("choices", [None, [], {}, "text", [None], ["text"], [[]], 7])
def test_an_answer_without_a_choice_keeps_its_usage(choices):
    found = said(body(choices=choices, usage={"prompt_tokens": 9, "completion_tokens": 3}))
    assert (found.has_choice, found.text) == (False, "")
    assert found.usage is not None


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({}, ""),
        ({"content": None}, ""),
        ({"content": 7}, ""),
        ({"content": [1]}, ""),
        ({"content": [{"type": "text", "text": "SELECT"}, {"type": "text", "text": " 1"}]}, "SELECT 1"),
        (
            {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "SELECT 1"}]},
            "SELECT 1",
        ),
        ({"content": "SELECT '\ud800'"}, "SELECT '\ud800'"),
        ([], ""),
        ("SELECT 1", ""),
    ],
)
def test_the_text_is_found_in_every_form(message, text):
    assert said(body(message)).text == text


def test_a_refusal_and_an_error_are_found():
    assert said(body({"content": None, "refusal": "I cannot"})).refusal == "I cannot"
    assert said(b'{"error": {"code": 502}}').error == {"code": 502}
    choices = [{"error": {"code": 502}, "finish_reason": "error", "message": {"content": ""}}]
    assert said(body(choices=choices)).error == {"code": 502}


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, None),
        ([1], None),
        ("much", None),
        ({}, (0, 0)),
        ({"prompt_tokens": "x", "completion_tokens": None}, (0, 0)),
        ({"prompt_tokens": 1e999, "completion_tokens": -5}, (0, 0)),
        ({"prompt_tokens": 10**30, "completion_tokens": 2.9}, (MAX_TOKENS, 2)),
        ({"prompt_tokens": "12", "completion_tokens": True}, (12, 1)),
    ],
)
def test_nonsense_about_usage_does_no_harm(usage, tokens):
    found = said(body(usage=usage)).usage
    assert (found and (found.prompt_tokens, found.completion_tokens)) == tokens


def test_what_an_answer_would_take_is_known_before_it_is_parsed():
    plain, wide = b'{"a": "%s"}' % (b"x" * 1_990_000), '{"a": "%s😀"}' % ("x" * 1_990_000)
    assert cost_bytes(plain) < MAX_PARSED_BYTES < cost_bytes(wide.encode())
    parsed(plain)
    for heavy in (wide.encode(), json.dumps(json.loads(wide)).encode()):
        with pytest.raises(NoCompletion):
            parsed(heavy)
