"""What an exception of the transport says about a call: how far it came before it broke. Pure."""

import ssl
from collections.abc import Iterator

import aiohttp

from farm.models.failures import Break

DEEPEST = 8
# In order, as the kinds overlap. A handshake that merely ends may well succeed next time.
KINDS: tuple[tuple[type[BaseException], Break], ...] = (
    (ssl.SSLCertVerificationError, Break.CERTIFICATE),
    (aiohttp.ClientConnectorCertificateError, Break.CERTIFICATE),
    (ssl.SSLEOFError, Break.UNREACHABLE),
    (ssl.SSLZeroReturnError, Break.UNREACHABLE),
    (ssl.SSLSyscallError, Break.UNREACHABLE),
    (ssl.SSLError, Break.NO_TLS),
    (aiohttp.ClientConnectorError, Break.UNREACHABLE),
    (aiohttp.ConnectionTimeoutError, Break.UNREACHABLE),
    (aiohttp.ClientHttpProxyError, Break.UNREACHABLE),
    (aiohttp.ClientResponseError, Break.NO_HTTP),
    (aiohttp.ClientConnectionResetError, Break.STALE),  # found closed before a byte was written
    (aiohttp.ClientConnectionError, Break.RESET),
    (ConnectionError, Break.RESET),
)


def break_of(error: BaseException) -> Break:
    """How the connection of a call that brought no response failed."""
    causes = list(_causes(error))
    for kind, how in KINDS:
        if any(isinstance(cause, kind) for cause in causes):
            return how
    return Break.RESET


def cause_of(error: BaseException) -> str:
    """The innermost error that says something, with its kind."""
    said = [cause for cause in _causes(error) if str(cause)] or [error]
    return f"{type(said[-1]).__name__}: {said[-1]}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, outermost first."""
    cause: BaseException | None = error
    for _ in range(DEEPEST):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or getattr(cause, "os_error", None)
