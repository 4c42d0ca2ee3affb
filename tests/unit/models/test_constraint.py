"""A grammar goes where each kind of endpoint looks for it."""

import pytest

from farm.models.constraint import MOST_REFUSALS, TOOL, Willing, constrained, form_of

SENT = {"temperature": 0.0, "max_tokens": 9}


@pytest.mark.parametrize(
    ("takes", "added"),
    [
        ("llama.cpp", {"extra_body": {"grammar": "G"}}),
        ("vllm", {"extra_body": {"structured_outputs": {"grammar": "G"}}}),
        ("sglang", {"extra_body": {"ebnf": "G"}}),
        ("fireworks", {"response_format": {"type": "grammar", "grammar": "G"}}),
    ],
)
def test_a_grammar_is_added_to_what_is_sent(takes, added):
    assert constrained(SENT, takes, "G") == {**SENT, **added}
    assert form_of(takes) == "gbnf"


def test_openai_gets_a_tool_that_takes_nothing_else():
    found = constrained(SENT, "openai", "G")
    (tool,) = found["tools"]
    assert tool["custom"]["format"] == {"type": "grammar", "grammar": {"syntax": "lark", "definition": "G"}}
    assert tool["custom"]["name"] == found["tool_choice"]["custom"]["name"] == TOOL
    assert form_of("openai") == "lark"


def test_what_else_is_in_the_body_stays():
    sent = {"extra_body": {"cache_prompt": True}}
    assert constrained(sent, "sglang", "G") == {"extra_body": {"cache_prompt": True, "ebnf": "G"}}
    assert sent == {"extra_body": {"cache_prompt": True}}


def test_an_endpoint_that_refuses_is_told_of_once_and_left_alone_after_some_refusals():
    willing = Willing("vllm")
    told = []
    for _ in range(MOST_REFUSALS):
        assert willing.takes == "vllm"
        told.append(willing.refuse())
    assert told == [True, False, False]
    assert willing.takes is None


def test_a_grammar_that_is_taken_forgives_those_that_were_not():
    willing = Willing("vllm")
    for _ in range(2 * MOST_REFUSALS):
        willing.refuse()
        willing.take()
    assert willing.takes == "vllm"
    assert Willing(None).takes is None
