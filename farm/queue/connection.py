"""Connections to Redis or Valkey, with time-outs that fail early instead of hanging."""

import ssl
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.retry import Retry

from farm.errors import BadSetting, FarmError, Misuse, Unavailable
from farm.redaction import masked, scrubbed

SOCKET_TIMEOUT_SECONDS = 5.0
BLOCK_SECONDS = 1.0
PROBE_KEY = "farm:probe"
PROBE_MS = 1000
OUR_KEYS = ("rq:queues", "farm:reconciler")


def connect(url: str, *, timeout_seconds: float = SOCKET_TIMEOUT_SECONDS) -> "redis.Redis":
    """A synchronous client; connects lazily. Raises BadSetting for a URL it cannot use."""
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 1),
        )
        _try_parameters(client.connection_pool)
    except (ValueError, TypeError, RedisError) as error:
        raise _bad_url(url, error) from None
    return client


def connect_async(url: str) -> "redis.asyncio.Redis":
    """An asynchronous client; its socket time-out lies well above the time a pop may block."""
    try:
        client = redis.asyncio.Redis.from_url(
            url,
            socket_timeout=SOCKET_TIMEOUT_SECONDS + BLOCK_SECONDS,
            socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
            retry=AsyncRetry(NoBackoff(), 1),
        )
        _try_parameters(client.connection_pool)
    except (ValueError, TypeError, RedisError) as error:
        raise _bad_url(url, error) from None
    return client


def require(connection: "redis.Redis", url: str) -> None:
    """Raise Unavailable or Misuse unless the server answers, and lets its user at the farm's keys."""
    try:
        connection.ping()
        connection.exists(*OUR_KEYS)
    except (RedisError, OSError, TypeError) as error:  # the latter for files of certificates
        raise _explained(error, url) from None


def require_writable(connection: "redis.Redis", url: str) -> None:
    """Raise Unavailable or Misuse unless the server takes a small write: it may be full, or a replica."""
    try:
        connection.set(PROBE_KEY, "1", px=PROBE_MS)
    except (OutOfMemoryError, ReadOnlyError) as error:
        raise Unavailable(
            f"Redis at {masked(url)} takes no writes ({error}); free memory or raise its maxmemory, "
            "or set FARM_REDIS_URL to the primary"
        ) from None
    except RedisError as error:
        raise _explained(error, url) from None


def _explained(error: Exception, url: str) -> FarmError:
    where, said = f"Redis at {masked(url)}", scrubbed(str(error), url)
    if isinstance(error, AuthenticationError):
        return Misuse(f"{where} refuses the user or password ({said})")
    if isinstance(error, NoPermissionError):
        return Misuse(f"{where} does not allow its user what the farm needs ({said}); docs/redis.md lists it")
    of_tls = isinstance(error.__context__, ssl.SSLError | FileNotFoundError)
    if (of_tls or not isinstance(error, RedisError)) and url.startswith("rediss:"):
        mend = "name the file of its CA: rediss://…?ssl_ca_certs=/path/ca.pem"
        return Misuse(f"{where} gives no trusted connection by TLS ({said}); {mend}")
    return Unavailable(f"{where} does not answer ({said}); start it, or check FARM_REDIS_URL")


def _try_parameters(pool: Any) -> None:
    """Make a connection without opening it: redis-py looks at the URL's parameters no earlier."""
    pool.connection_class(**pool.connection_kwargs)


def _bad_url(url: str, error: Exception) -> BadSetting:
    forms = "write redis://host:6379/0, rediss://… or unix:///path.sock"
    if isinstance(error, ValueError):
        return BadSetting(f"FARM_REDIS_URL is no Redis URL; {forms}")
    said = scrubbed(str(error), url).rpartition("__init__() ")[2]
    tls = "; ssl_… needs rediss://" if "ssl_" in said and not url.startswith("rediss:") else ""
    return BadSetting(f"FARM_REDIS_URL has a parameter that cannot be used ({said}){tls}")
