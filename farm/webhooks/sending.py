"""One attempt over HTTP: nothing of the surroundings is heeded, no redirect is followed, no body is read."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from farm.models.failures import retry_after_seconds
from farm.webhooks.address import Address, forbidden
from farm.webhooks.schedule import Answered

TIMEOUT_SECONDS = 10.0
REASON_LIMIT_CHARS = 300


class Forbidden(Exception):
    """The host stands for an address where nothing is sent to."""


async def send(
    address: Address, headers: Mapping[str, str], body: bytes, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Answered:
    """POST a message and say what came of it; whatever goes wrong is an answer, too."""
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _post(address, headers, body)
    except TimeoutError:
        return Answered(trouble=f"no answer within {timeout_seconds:g} s")
    except Forbidden as error:
        return Answered(trouble=str(error))
    except Exception as error:
        return Answered(trouble=_said(error)[:REASON_LIMIT_CHARS])


async def _post(address: Address, headers: Mapping[str, str], body: bytes) -> Answered:
    # Put together from the parts that were checked: another parser might read the text differently.
    path, _, query = address.target.partition("?")
    url = URL.build(
        scheme=address.scheme,
        host=address.host,
        port=address.port,
        path=path,
        query_string=query,
        encoded=True,
    )
    _require_allowed(address.host)
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=_Resolver(), force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        ) as session,
        session.post(url, data=body, headers=headers, allow_redirects=False) as response,
    ):
        response.close()
        asked_seconds = retry_after_seconds(response.headers, time.time())
        return Answered(status_code=response.status, retry_after_seconds=asked_seconds)


class _Resolver(AbstractResolver):
    """Looks a name up, and takes none of the addresses that it must not stand for."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            if reason := forbidden(one["host"], host=host):
                raise Forbidden(reason)
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _require_allowed(host: str) -> None:
    """Refuse a host that is an address itself, which is not looked up."""
    try:
        reason = forbidden(host, host=host)
    except ValueError:
        return
    if reason:
        raise Forbidden(reason)


def _said(error: Exception) -> str:
    """What is wrong, without the address that may hold a secret."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate cannot be trusted: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"it cannot be reached: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    return f"it gave no answer that could be read ({type(error).__name__})"
