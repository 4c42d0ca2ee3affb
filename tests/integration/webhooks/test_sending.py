"""One attempt at a receiver that misbehaves: always an answer, in bounded time and without the address."""

import asyncio
from urllib.parse import urlsplit

import pytest
from support.rude import poured, response, rude
from support.tls import Authority

from farm.webhooks.address import Address
from farm.webhooks.sending import send


def attempt(script, *, tls=None, timeout_seconds=10.0):
    async def tried():
        async with rude(script, tls=tls) as url:
            found = urlsplit(url)
            address = Address(scheme=found.scheme, host="127.0.0.1", port=found.port, target="/c4nary")
            return await send(address, {}, b"{}", timeout_seconds=timeout_seconds)

    return asyncio.run(tried())


async def silent(reader, writer):
    await asyncio.sleep(30)


async def gone(reader, writer):
    writer.close()


@pytest.mark.parametrize(
    ("script", "options", "said"),
    [
        (gone, {}, "it closed the connection without an answer"),
        (silent, {"timeout_seconds": 0.1}, "no answer within 0.1 s"),
        (poured(b"nonsense\r\n\r\n", b"", times=1), {}, "no answer that could be read"),
        (poured(b"HTTP/1.1 200 -\r\nx: ", b"x" * 100_000, times=100), {}, "no answer that could be read"),
    ],
)
def test_whatever_a_receiver_does_is_an_answer(script, options, said):
    found = attempt(script, **options)
    assert found.status_code is None
    assert said in found.trouble
    assert "c4nary" not in found.trouble


def test_a_body_is_never_waited_for():
    assert attempt(poured(response(200, b"", length=10**9), b" ", times=1)).status_code == 200


def test_nothing_is_told_to_whom_no_authority_vouches_for(tmp_path):
    found = attempt(poured(response(204, b""), b"", times=1), tls=Authority(tmp_path).context("127.0.0.1"))
    assert found.status_code is None
    assert "certificate cannot be trusted: " in found.trouble


def test_who_does_not_listen_is_tried_again():
    address = Address(scheme="http", host="127.0.0.1", port=1, target="/")
    assert "it cannot be reached: " in asyncio.run(send(address, {}, b"{}")).trouble
