"""The attributes of a model call."""

import pytest

from farm.models import spans
from farm.models.answer import Usage
from farm.models.reading import Said


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"),
        ("127.0.0.1", "openai"),
        ("reports.openai.azure.com", "azure.ai.openai"),
        ("api.groq.com", "groq"),
        ("groq.com.example.com", "openai"),
        ("notgroq.com", "openai"),
    ],
)
def test_the_provider_is_known_by_its_host(host, provider):
    assert spans.provider(host) == provider


def test_the_port_is_the_scheme_s_where_none_is_named():
    told = spans.request("m", scheme="https", host="api.openai.com", port=None)
    assert (told["server.address"], told["server.port"]) == ("api.openai.com", 443)
    assert spans.request("m", scheme="http", host="h", port=8080)["server.port"] == 8080


def test_what_the_endpoint_does_not_say_is_not_made_up():
    assert spans.answered(Said(text="SELECT 1"), cost_usd=None, plain=str) == {}


def test_what_it_says_is_made_fit_to_be_shown():
    said = Said(
        text="SELECT 1",
        finish_reason="stop",
        model="m-2026",
        usage=Usage(prompt_tokens=9, completion_tokens=3),
    )
    assert spans.answered(said, cost_usd=0.25, plain=str.upper) == {
        "gen_ai.response.finish_reasons": ("STOP",),
        "gen_ai.response.model": "M-2026",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 3,
        "sqlfarm.call.cost_usd": 0.25,
    }


def test_only_known_parameters_are_told():
    assert spans.sent({"max_completion_tokens": 5, "stream_options": {}, "grammar": "vllm"}) == {
        "gen_ai.request.max_tokens": 5
    }
