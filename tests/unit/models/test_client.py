"""The pure parts of the model client: prices, addresses, keys."""

import asyncio

import pytest

from farm.errors import BadSetting
from farm.models.answer import Usage
from farm.models.client import Model, cost_usd
from farm.settings import ModelSettings


def model(*, base_url: str = "http://host/v1", api_key: str | None = None) -> Model:
    return Model("m", base_url=base_url, api_key=api_key, settings=ModelSettings(), max_connections=1)


@pytest.mark.parametrize(
    ("prices", "usd"),
    [
        ((2.0, 8.0), 0.0028),
        ((0.0, 0.0), 0.0),
        ((None, 8.0), None),
        ((2.0, None), None),
        ((None, None), None),
    ],
)
def test_the_cost_follows_from_the_prices(prices, usd):
    settings = ModelSettings(prompt_usd_per_million=prices[0], completion_usd_per_million=prices[1])
    assert cost_usd(settings, Usage(prompt_tokens=1_000, completion_tokens=100)) == usd


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "ftp://host/v1", "/v1", "http://", "http://[::1", "not an address"]
)
def test_an_address_that_no_call_can_go_to_is_refused_at_once(url):
    with pytest.raises(BadSetting, match="OPENAI_BASE_URL"):
        model(base_url=url)


def test_a_refused_address_keeps_its_password():
    with pytest.raises(BadSetting) as refused:
        model(base_url="htp://me:s3cret@host/v1?key=s3cret")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("key", ["sk-\u200btest", "sk-test\nsk-other", "\x00"])
def test_a_key_that_no_call_can_carry_is_refused_unseen(key):
    with pytest.raises(BadSetting, match="OPENAI_API_KEY") as refused:
        model(api_key=key)
    assert "sk-" not in str(refused.value)


def test_the_address_is_shown_without_its_secrets():
    async def endpoint():
        async with model(base_url="https://me:s3cret@host/v1?api-version=1&sig_token=s3cret") as client:
            return client.endpoint

    assert asyncio.run(endpoint()) == "https://me:***@host/v1?api-version=1&sig_token=***"
