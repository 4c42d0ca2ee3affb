"""Connections say what is wrong, and never show a password."""

import pytest
from support.tls import Authority, Door

from farm.errors import BadSetting, Misuse, Unavailable
from farm.queue.connection import connect, connect_async, require


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://host",
        "",
        "redis://host?no_such_parameter=1",
        "redis://host?ssl_ca_certs=/ca.pem",
        "rediss://host?ssl_cert_reqs=perhaps",
    ],
)
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


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def door(redis_url, authority):
    """The queue server by TLS, under the name 127.0.0.1."""
    with Door(redis_url.removeprefix("unix://"), authority.context("127.0.0.1")) as door:
        yield door


def test_a_server_by_tls_is_trusted_by_its_authority(door, authority):
    url = f"rediss://127.0.0.1:{door.port}?ssl_ca_certs={authority.path}"
    with connect(url) as client:
        require(client, url)


@pytest.mark.parametrize("wrong", ["another", "none", "no file", "other name"])
def test_a_server_by_tls_that_cannot_be_trusted_is_named_with_what_to_do(door, authority, tmp_path, wrong):
    path = {
        "another": Authority(tmp_path, "another").path,
        "none": None,
        "no file": tmp_path / "no.pem",
        "other name": authority.path,
    }[wrong]
    host = "localhost" if wrong == "other name" else "127.0.0.1"
    url = f"rediss://farm:secret@{host}:{door.port}" + (f"?ssl_ca_certs={path}" if path else "")
    said = r"rediss://farm:\*\*\*@.* gives no trusted connection by TLS .*ssl_ca_certs"
    with connect(url) as client, pytest.raises(Misuse, match=said) as caught:
        require(client, url)
    assert "secret" not in str(caught.value)


def test_a_server_that_speaks_tls_does_not_answer_without(door):
    url = f"redis://127.0.0.1:{door.port}"
    with connect(url) as client, pytest.raises(Unavailable, match="does not answer"):
        require(client, url)
