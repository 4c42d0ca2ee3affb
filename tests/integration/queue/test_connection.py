"""Connections say what is wrong, and never show a password."""

import pytest

from farm.errors import BadSetting, Misuse, Unavailable
from farm.queue.connection import connect, connect_async, require


@pytest.mark.parametrize("url", ["localhost:6379", "http://host", ""])
@pytest.mark.parametrize("make", [connect, connect_async])
def test_a_bad_url_is_refused(make, url):
    with pytest.raises(BadSetting, match="FARM_REDIS_URL"):
        make(url)


def test_a_server_that_answers_is_well(redis_url):
    with connect(redis_url) as client:
        require(client, redis_url)


def test_a_server_that_is_away_is_unavailable():
    url = "redis://:secret@127.0.0.1:1/0"
    with (
        connect(url) as client,
        pytest.raises(Unavailable, match=r"\*\*\*@127.0.0.1:1.*FARM_REDIS_URL") as caught,
    ):
        require(client, url)
    assert "secret" not in str(caught.value)


def test_a_password_that_is_refused_is_named(redis_url):
    with connect(redis_url) as admin:
        admin.config_set("requirepass", "right")
        try:
            path = redis_url.removeprefix("unix://")
            url = f"unix://:wrong@{path}"
            with connect(url) as client, pytest.raises(Misuse, match="refuses the user or password"):
                require(client, url)
        finally:
            admin.config_set("requirepass", "")
