"""Connections to Redis or Valkey, with time-outs that fail early instead of hanging."""

from urllib.parse import urlsplit, urlunsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from farm.errors import BadSetting, Misuse, Unavailable

SOCKET_TIMEOUT_SECONDS = 5.0
BLOCK_SECONDS = 1.0


def connect(url: str, *, timeout_seconds: float = SOCKET_TIMEOUT_SECONDS) -> "redis.Redis":
    """A synchronous client; connects lazily. Raises BadSetting for a URL it cannot use."""
    try:
        return redis.Redis.from_url(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError:
        raise _bad_url() from None


def connect_async(url: str) -> "redis.asyncio.Redis":
    """An asynchronous client; its socket time-out lies well above the time a pop may block."""
    try:
        return redis.asyncio.Redis.from_url(
            url,
            socket_timeout=SOCKET_TIMEOUT_SECONDS + BLOCK_SECONDS,
            socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
            retry=AsyncRetry(NoBackoff(), 1),
        )
    except ValueError:
        raise _bad_url() from None


def require(connection: "redis.Redis", url: str) -> None:
    """Raise Unavailable or BadSetting unless the server answers."""
    try:
        connection.ping()
    except AuthenticationError as error:
        raise Misuse(f"Redis at {masked(url)} refuses the user or password ({error})") from None
    except RedisError as error:
        raise Unavailable(
            f"Redis at {masked(url)} does not answer ({error}); start it, or check FARM_REDIS_URL"
        ) from None


def masked(url: str) -> str:
    """The URL for people, without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


def _bad_url() -> BadSetting:
    return BadSetting(
        "FARM_REDIS_URL is no Redis URL; write redis://host:6379/0, rediss://… or unix:///path.sock"
    )
