"""Endpoints that no connection can be made to, each told apart, in time."""

import asyncio
import datetime
import socket
import ssl
import time
from pathlib import Path

import pytest
import trustme
from support.asking import ask, asked, model
from support.late import LATE_SECONDS
from support.rude import completion, rude, sent
from support.tls import Authority

from farm.errors import BadAnswer, StopRoute, Unanswered, Unavailable
from farm.models.client import CONNECT_TIMEOUT_SECONDS

ANSWER = sent(completion())


def said(url: str, **options):
    return asyncio.run(ask(url, **options))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def ask_by_tls(context: ssl.SSLContext, *, scheme: str = "https", host: str = "localhost", **options):
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # handshakes that fail are the test
    async with rude(ANSWER, tls=context) as url:
        port = url.rpartition(":")[2]
        return await ask(f"{scheme}://{host}:{port}", **options)


def test_nobody_listening_is_unavailable():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    error = said(f"http://127.0.0.1:{port}/v1")
    assert type(error) is Unavailable
    assert error.failed_call is None


def test_a_name_that_nobody_has_is_unavailable_at_once():
    started = time.monotonic()
    error = said("http://model.invalid/v1", deadline_seconds=30.0)
    assert type(error) is Unavailable
    assert "model.invalid" in str(error)
    assert time.monotonic() - started < CONNECT_TIMEOUT_SECONDS + 1 + LATE_SECONDS


def test_an_ipv6_address_is_reached():
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")

    async def scene():
        async with rude(ANSWER, host="::1") as url:
            assert "[::1]" in url
            return await ask(url)

    try:
        assert asyncio.run(scene()).text == "SELECT 1"
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


def test_a_host_that_takes_no_connection_is_unavailable_after_three_seconds():
    async def scene():
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            waiting = [socket.socket() for _ in range(8)]
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(address)
            await asyncio.sleep(0.2)
            try:
                return await ask(f"http://127.0.0.1:{address[1]}/v1", deadline_seconds=20.0)
            finally:
                for each in waiting:
                    each.close()

    started = time.monotonic()
    error = asyncio.run(scene())
    elapsed = time.monotonic() - started
    assert type(error) is Unavailable
    assert elapsed < CONNECT_TIMEOUT_SECONDS + 1 + LATE_SECONDS


def test_a_certificate_that_nobody_vouches_for_stops_the_route(authority):
    error = asyncio.run(ask_by_tls(authority.context("localhost")))
    assert type(error) is StopRoute
    assert "certificate" in str(error)
    assert "SSL_CERT_FILE" in str(error)


def test_what_the_message_advises_helps(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    assert asyncio.run(ask_by_tls(authority.context("localhost"), trust_env=True)).text == "SELECT 1"


def test_the_environment_is_not_heeded_unless_asked(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    assert type(asyncio.run(ask_by_tls(authority.context("localhost")))) is StopRoute


def test_a_certificate_of_another_host_stops_the_route(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    error = asyncio.run(ask_by_tls(authority.context("elsewhere.example"), trust_env=True))
    assert type(error) is StopRoute
    assert "certificate" in str(error)


def test_a_certificate_that_has_run_out_stops_the_route(tmp_path, monkeypatch):
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", not_after=datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)).configure_cert(
        context
    )
    error = asyncio.run(ask_by_tls(context, trust_env=True))
    assert type(error) is StopRoute
    assert "expired" in str(error)


def test_https_of_a_server_that_speaks_http_stops_the_route():
    async def refuse(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        writer.close()

    async def scene():
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with server:
            return await ask(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")

    error = asyncio.run(scene())
    assert type(error) is StopRoute, error
    assert "speaks no TLS" in str(error)


def test_http_of_a_server_that_speaks_tls_is_not_answered(authority):
    error = asyncio.run(ask_by_tls(authority.context("localhost"), scheme="http"))
    assert type(error) in (Unanswered, BadAnswer)


def test_a_handshake_that_is_never_answered_ends_in_time():
    async def scene():
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen(8)
            return await ask(f"https://127.0.0.1:{mute.getsockname()[1]}/v1", deadline_seconds=30.0)

    started = time.monotonic()
    assert type(asyncio.run(scene())) is Unavailable
    assert time.monotonic() - started < CONNECT_TIMEOUT_SECONDS + 1 + LATE_SECONDS


def test_proxies_of_the_environment_are_not_used_unless_asked(monkeypatch):
    heads: list[bytes] = []

    async def scene(**options):
        async with rude(ANSWER) as url, rude(ANSWER, keep=heads) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.removesuffix("/v1"))
            monkeypatch.setenv("http_proxy", proxy.removesuffix("/v1"))
            monkeypatch.delenv("NO_PROXY", raising=False)
            async with model(url, **options) as client:
                return await asked(client)

    assert asyncio.run(scene()).text == "SELECT 1"
    assert heads == []
    assert asyncio.run(scene(trust_env=True)).text == "SELECT 1"
    assert heads[0].startswith(b"POST http://127.0.0.1:")
