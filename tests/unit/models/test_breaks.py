"""What the transport's exceptions say about how far a call came."""

import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from farm.models.breaks import break_of, cause_of
from farm.models.failures import Break

KEY = ConnectionKey("host", 443, True, True, None, None, None)


def caused(outer: BaseException, *inner: BaseException) -> BaseException:
    """`outer` from the first of `inner` from the next …"""
    error = outer
    for cause in inner:
        error.__cause__ = cause
        error = cause
    return outer


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (aiohttp.ClientConnectorError(KEY, OSError(111, "refused")), Break.UNREACHABLE),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "no such name")), Break.UNREACHABLE),
        (aiohttp.ConnectionTimeoutError("slow"), Break.UNREACHABLE),
        (aiohttp.ClientProxyConnectionError(KEY, OSError(111, "refused")), Break.UNREACHABLE),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLEOFError("early end")), Break.UNREACHABLE),
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("self-signed")),
            Break.CERTIFICATE,
        ),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("wrong version")), Break.NO_TLS),
        (aiohttp.ClientConnectionResetError("cannot write"), Break.STALE),
        (aiohttp.ServerDisconnectedError(), Break.RESET),
        (aiohttp.ClientOSError(104, "reset"), Break.RESET),
        (aiohttp.ServerTimeoutError(), Break.RESET),
        (ConnectionResetError(104, "reset"), Break.RESET),
        (aiohttp.ClientResponseError(None, (), message="bad status line"), Break.NO_HTTP),  # type: ignore[arg-type]
        (RuntimeError("something new"), Break.RESET),
    ],
)
def test_an_error_is_known_through_its_wrappings(error, how):
    assert break_of(error) is how
    assert break_of(caused(RuntimeError("wrapped"), RuntimeError("twice"), error)) is how


def test_what_is_told_is_the_innermost_reason():
    error = caused(RuntimeError("outer"), ValueError("inner"), KeyError())
    assert cause_of(error) == "ValueError: inner"
    assert cause_of(KeyError()) == "KeyError: "


def test_a_ring_of_causes_ends():
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert break_of(one) is Break.RESET
