"""A model call as its span tells it, against an endpoint that answers, refuses and breaks off."""

import asyncio

import pytest
from support.asking import DEADLINE_SECONDS, QUESTION
from support.llm import Fault, Reply
from support.traced import Traced

from farm.errors import FarmError
from farm.models.client import Model
from farm.settings import ModelSettings

KEY = "sk-key-of-the-test-0123456789"


def ask(llm, **settings):
    """The spans of one call, and the error that it raised."""
    traced = Traced()

    async def call():
        model = Model(
            "stub-model",
            base_url=llm.url,
            api_key=KEY,
            settings=ModelSettings(deadline_seconds=DEADLINE_SECONDS, **settings),
            max_connections=1,
            tracer=traced.tracer,
        )
        async with model:
            try:
                await model.ask(QUESTION)
            except FarmError as error:
                return error

    return traced, asyncio.run(call())


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_told_by_the_conventions_for_generative_ai(llm, stream):
    llm.default = "SELECT count(*) FROM orders"
    traced, _ = ask(llm, seed=3, stream=stream, prompt_usd_per_million=1e6, completion_usd_per_million=1e6)
    span = traced.named("chat stub-model")
    assert (span.kind.name, span.status.is_ok) == ("CLIENT", True)
    told = dict(span.attributes)
    tokens = told.pop("gen_ai.usage.input_tokens"), told.pop("gen_ai.usage.output_tokens")
    assert min(tokens) > 0
    assert told.pop("gen_ai.request.stream", False) == stream
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "stub-model",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.request.seed": 3,
        "gen_ai.response.model": "stub-model",
        "gen_ai.response.finish_reasons": ("stop",),
        "server.address": "127.0.0.1",
        "server.port": llm.port,
        "sqlfarm.call.cost_usd": float(sum(tokens)),
    }


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Fault.RATE_LIMITED, "rate_limit"),
        (Fault.INVALID_KEY, "key"),
        (Fault.TRUNCATED, "cut_off"),
        (Reply(text="no", finish_reason="content_filter"), "content_filter"),
    ],
)
def test_a_failed_call_is_told_by_the_word_that_the_store_keeps(llm, reply, kind):
    llm.default = reply
    traced, error = ask(llm)
    assert isinstance(error, FarmError)
    span = traced.named("chat stub-model")
    assert (span.attributes["error.type"], span.status.is_ok) == (kind, False)
    assert ("gen_ai.usage.input_tokens" in span.attributes) == (kind == "content_filter")


def test_no_word_of_question_answer_or_key_is_told_even_where_the_endpoint_echoes_them(llm, monkeypatch):
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    llm.default = Reply(text=f"SELECT '{KEY}'", finish_reason=f"stop {KEY} {'x' * 5000}")
    traced, _ = ask(llm)
    told = traced.named("chat stub-model").to_json()
    assert [word for word in (KEY, "SELECT", QUESTION[0].content) if word in told] == []
    assert len(told) < 3000
