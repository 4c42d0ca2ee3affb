"""Grammars on the wire, and endpoints that will not have them."""

import asyncio
import logging

import pytest
from support.asking import QUESTION, model

from farm.errors import GiveUp

GRAMMAR = 'root ::= "SELECT 1"'
WIRE = {
    "llama.cpp": ("grammar", GRAMMAR),
    "vllm": ("structured_outputs", {"grammar": GRAMMAR}),
    "sglang": ("ebnf", GRAMMAR),
    "fireworks": ("response_format", {"type": "grammar", "grammar": GRAMMAR}),
}


def ask(llm, text=GRAMMAR, *, times=1, **settings):
    """The answers to so many calls of one client, one after the other."""

    async def answers():
        async with model(llm.url, **settings) as client:
            return [await client.ask(QUESTION, text) for _ in range(times)]

    return asyncio.run(answers())


@pytest.mark.parametrize("takes", WIRE)
def test_a_grammar_is_sent_as_the_endpoint_wants_it(llm, takes):
    (answer,) = ask(llm, grammar=takes)
    (request,) = llm.requests
    name, value = WIRE[takes]
    assert request[name] == value
    assert request["temperature"] == 0.0
    assert answer.parameters == {"temperature": 0.0, "max_tokens": 1024, "grammar": takes}


@pytest.mark.parametrize("stream", [False, True])
def test_openai_answers_through_a_tool(llm, stream):
    llm.default = "SELECT 1"
    (answer,) = ask(llm, grammar="openai", stream=stream)
    (request,) = llm.requests
    (tool,) = request["tools"]
    assert tool["custom"]["format"]["grammar"] == {"syntax": "lark", "definition": GRAMMAR}
    assert request["tool_choice"] == {"type": "custom", "custom": {"name": tool["custom"]["name"]}}
    assert answer.text == "SELECT 1"


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (None, {"grammar": "vllm"}),
        (GRAMMAR, {}),
        (GRAMMAR, {"grammar": "vllm", "grammar_when": "never"}),
    ],
)
def test_without_a_grammar_or_the_capability_none_is_sent(llm, text, settings):
    (answer,) = ask(llm, text, **settings)
    (request,) = llm.requests
    assert "structured_outputs" not in request
    assert "grammar" not in answer.parameters


def test_a_grammar_that_is_refused_costs_the_task_nothing(llm, caplog):
    llm.refused_fields = ("structured_outputs",)
    with caplog.at_level(logging.WARNING):
        answers = ask(llm, times=5, grammar="vllm")
    assert [answer.text for answer in answers] == ["SELECT 1"] * 5
    assert all("grammar" not in answer.parameters for answer in answers)
    (said,) = [record.getMessage() for record in caplog.records]
    assert "refuses a grammar, asking without it" in said
    # Three were tried with it, and none after that.
    assert ["structured_outputs" in request for request in llm.requests] == [True, False] * 3 + [False] * 2


def test_a_refusal_that_is_not_the_grammars_doing_stays_one(llm):
    llm.refused_fields = ("messages",)
    with pytest.raises(GiveUp, match="refuses the request with 400"):
        ask(llm, grammar="sglang")


def test_a_server_in_trouble_has_refused_no_grammar(llm, caplog):
    async def answers():
        async with model(llm.url, grammar="vllm") as client:
            for _ in range(4):
                llm.refused_fields = ("messages",)
                with pytest.raises(GiveUp):
                    await client.ask(QUESTION, GRAMMAR)
            llm.refused_fields = ()
            return await client.ask(QUESTION, GRAMMAR)

    with caplog.at_level(logging.WARNING):
        answer = asyncio.run(answers())
    assert answer.parameters["grammar"] == "vllm"
    assert "refuses a grammar" not in caplog.text
