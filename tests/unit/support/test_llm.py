"""The stub model server does to the real client what an endpoint would."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import openai
import pytest
from support import llm as stub
from support.llm import Fault, Reply, StubLLM

from farm.prompt import prompt
from farm.targets.target import Target

QUESTION = "How many orders?"


@pytest.fixture
def client(llm: StubLLM) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="sk-test", base_url=llm.url, max_retries=0, timeout=0.5) as client:
        yield client


def ask(client: openai.OpenAI, text: str = QUESTION) -> str | None:
    messages = [{"role": "system", "content": "Schema"}, {"role": "user", "content": f"Question: {text}"}]
    answer = client.chat.completions.create(model="m", messages=messages)  # type: ignore[arg-type]
    return answer.choices[0].message.content


def test_it_answers_each_question_by_its_script_and_counts_the_calls(
    llm: StubLLM, client: openai.OpenAI
) -> None:
    llm.answer(QUESTION, "SELECT count(*) FROM orders")
    assert [ask(client), ask(client), ask(client, "Another?")] == ["SELECT count(*) FROM orders"] * 2 + [
        "SELECT 1"
    ]
    assert llm.calls == {QUESTION: 2, "Another?": 1}
    with urllib.request.urlopen(f"{llm.url.removesuffix('/v1')}/calls") as response:
        assert json.load(response) == {"calls": llm.calls, "answered": llm.answered}


def test_a_callable_script_is_given_the_question_and_the_number_of_the_call(
    llm: StubLLM, client: openai.OpenAI
) -> None:
    llm.script = lambda question, call: f"{question} {call}"
    assert [ask(client), ask(client)] == [f"{QUESTION} 1", f"{QUESTION} 2"]


def test_a_repair_round_counts_for_the_question_of_the_conversation(llm: StubLLM) -> None:
    llm.answer(QUESTION, "SELECT 1")
    said = [
        {"role": "user", "content": f"Schema …\n{QUESTION}"},
        {"role": "assistant", "content": "SELECT nope"},
        {"role": "user", "content": "no such column: nope"},
    ]
    assert llm.question_in(said) == QUESTION


def test_the_farms_own_prompt_is_understood(llm: StubLLM) -> None:
    question = "Revenue per month?\nIn euros."
    target = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE t (a); -- Question: no")
    messages = prompt.repair(prompt.first(question, target), None, 1)
    assert llm.question_in([{"role": m.role, "content": m.content} for m in messages]) == question


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.INVALID_KEY, openai.AuthenticationError),
        (Fault.MODEL_NOT_FOUND, openai.NotFoundError),
        (Fault.RATE_LIMITED, openai.RateLimitError),
        (Fault.QUOTA, openai.RateLimitError),
        (Fault.SERVER_ERROR, openai.InternalServerError),
        (Fault.RESET, openai.APIConnectionError),
        (Fault.TRUNCATED, openai.APIConnectionError),
        (Fault.BAD_JSON, ValueError),
        (Fault.HTML, AttributeError),
        (Fault.EMPTY, ValueError),
        (Fault.EMPTY_CHOICES, IndexError),
        (Fault.HANG, openai.APITimeoutError),
        (Fault.SLOW, openai.APITimeoutError),
    ],
)
def test_it_misbehaves_once_and_then_answers(
    llm: StubLLM, client: openai.OpenAI, fault: Fault, error: type[Exception]
) -> None:
    llm.answer(QUESTION, fault, "SELECT 2")
    with pytest.raises(error):
        ask(client)
    assert ask(client) == "SELECT 2"
    assert llm.answered == {QUESTION: 1}


def test_a_rate_limit_says_how_long_to_wait(llm: StubLLM, client: openai.OpenAI) -> None:
    llm.answer(QUESTION, Reply(fault=Fault.RATE_LIMITED, retry_after_seconds=7))
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
    assert caught.value.response.headers["Retry-After"] == "7"


def test_a_wrong_key_is_refused_when_the_server_has_one(llm: StubLLM, client: openai.OpenAI) -> None:
    llm.api_key = "sk-other"
    with pytest.raises(openai.AuthenticationError):
        ask(client)
    llm.api_key = "sk-test"
    assert ask(client) == "SELECT 1"


def test_it_runs_as_a_program_of_its_own() -> None:
    program = [sys.executable, stub.__file__, "--delay-ms", "50", "--default", "SELECT 3"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            with openai.OpenAI(api_key="x", base_url=url, max_retries=0) as client:
                assert ask(client) == "SELECT 3"
                assert [model.id for model in client.models.list()] == ["stub-model"]
        finally:
            server.terminate()
