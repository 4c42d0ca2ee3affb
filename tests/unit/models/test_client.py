"""The pure parts of the model client: delays asked for, prices, addresses."""

from email.utils import formatdate

import pytest

from farm.errors import BadSetting
from farm.models.client import Model, cost_usd, retry_after_seconds
from farm.settings import ModelSettings

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "60"}, 1.5),
        ({"retry-after-ms": "-5"}, 0.0),
        ({"retry-after-ms": "soon"}, None),
        ({"retry-after-ms": "nan"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "Fri, 99 Foo 2026 00:00:00 GMT"}, None),
    ],
)
def test_the_delay_asked_for_is_read_from_the_headers(headers, seconds):
    assert retry_after_seconds(headers, NOW) == seconds


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
    assert cost_usd(settings, 1_000, 100) == usd


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "ftp://host/v1", "/v1", "http://", "http://[::1", "not an address"]
)
def test_an_address_that_no_call_can_go_to_is_refused_at_once(url):
    with pytest.raises(BadSetting, match="OPENAI_BASE_URL"):
        Model("m", base_url=url, api_key=None, settings=ModelSettings(), max_connections=1)
