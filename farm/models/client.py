"""The only door to `openai`: one warm client per process, one attempt per call, every failure classified.

A call streams its response under our own total deadline and byte cap, follows no redirect, and never retries
by itself, so that what it costs is what the store says. `farm.models.retry` repeats what may be repeated.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Self

import aiohttp
import httpx2
import openai

from farm.errors import BadAnswer, BadSetting, FarmError, GiveUp, StopRoute, Throttled, Unavailable
from farm.models.answer import Answer, Message
from farm.settings import ModelSettings

MAX_BODY_BYTES = 2_000_000
MAX_ERROR_BYTES = 64_000
MAX_TOKENS = 2**31 - 1
CONNECT_TIMEOUT_SECONDS = 3.0
AFTER_DEADLINE_SECONDS = 5.0
NO_KEY = "none"
SAID_CHARS = 300


class Model:
    """One model behind one OpenAI-compatible endpoint. Build it inside the event loop that uses it."""

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None,
        api_key: str | None,
        settings: ModelSettings,
        max_connections: int,
    ) -> None:
        """Raises BadSetting for an address that no call can go to."""
        self.name = name
        self._settings = settings
        # The deadline is ours: a read time-out would look like a server that cannot be reached.
        timeout_seconds = settings.deadline_seconds + AFTER_DEADLINE_SECONDS
        self._client = openai.AsyncOpenAI(
            api_key=api_key or NO_KEY,
            base_url=_usable(base_url),
            max_retries=0,
            timeout=httpx2.Timeout(timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
            default_headers={"Accept-Encoding": "identity"},
            http_client=openai.DefaultAioHttpClient(
                follow_redirects=False,
                trust_env=False,
                event_hooks={"response": [_shorten_error]},
                limits=httpx2.Limits(
                    max_connections=max_connections, max_keepalive_connections=max_connections
                ),
            ),
        )

    @property
    def endpoint(self) -> str:
        """The address that calls go to."""
        return str(self._client.base_url)

    @property
    def parameters(self) -> dict[str, Any]:
        """What is sent beside the messages."""
        chosen = {
            "temperature": self._settings.temperature,
            "max_tokens": self._settings.max_tokens,
            "seed": self._settings.seed,
        }
        return {name: value for name, value in chosen.items() if value is not None}

    async def ask(self, messages: Sequence[Message]) -> Answer:
        """One paid attempt. Raises TryAgain, GiveUp or StopRoute (farm.errors)."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                body = await self._post(messages)
        except TimeoutError:
            raise BadAnswer(
                f"{self.name} gave no whole answer within {self._settings.deadline_seconds:g} s"
            ) from None
        except openai.APIStatusError as error:
            raise self._refused(error) from None
        except openai.APIConnectionError as error:
            raise Unavailable(f"{self.endpoint} cannot be reached ({_cause(error)})") from None
        except (httpx2.HTTPError, aiohttp.ClientError) as error:
            raise BadAnswer(f"{self.endpoint} broke off its answer ({_cause(error)})") from None
        return self._read(body, latency_ms=(time.perf_counter() - started) * 1000)

    async def _post(self, messages: Sequence[Message]) -> bytes:
        turns: Any = [{"role": message.role, "content": message.content} for message in messages]
        create = self._client.chat.completions.with_streaming_response.create
        async with create(model=self.name, messages=turns, **self.parameters) as response:
            body = bytearray()
            async for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise BadAnswer(f"{self.endpoint} sent more than {MAX_BODY_BYTES:,} bytes for one answer")
        return bytes(body)

    def _read(self, body: bytes, *, latency_ms: float) -> Answer:
        try:
            parsed = json.loads(body)
            choice = parsed["choices"][0]
            text = choice["message"].get("content") or ""
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise BadAnswer(f"{self.endpoint} sent something that is no chat completion") from None
        finish_reason = str(choice.get("finish_reason") or "")
        if finish_reason == "content_filter":
            raise GiveUp(f"{self.name}'s content filter withheld the answer")
        if not isinstance(text, str) or not text.strip():
            raise BadAnswer(f"{self.name} sent an empty answer")
        prompt_tokens = _tokens(parsed, "prompt_tokens")
        completion_tokens = _tokens(parsed, "completion_tokens")
        return Answer(
            text=text,
            model=self.name,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cost_usd=cost_usd(self._settings, prompt_tokens, completion_tokens),
            latency_ms=latency_ms,
            finish_reason=finish_reason,
            parameters=self.parameters,
        )

    def _refused(self, error: openai.APIStatusError) -> FarmError:
        said = _said(error)
        match error.status_code:
            case 401 | 403:
                return StopRoute(f"{self.endpoint} refuses the key ({said}); check OPENAI_API_KEY")
            case 404:
                mend = "check FARM_MODEL and OPENAI_BASE_URL"
                return StopRoute(f"{self.endpoint} has no model {self.name!r} ({said}); {mend}")
            case 402 | 429 if error.status_code == 402 or error.code == "insufficient_quota":
                return StopRoute(f"the quota at {self.endpoint} is used up ({said}); add credit, then go on")
            case 429:
                delay = retry_after_seconds(error.response.headers, time.time())
                return Throttled(f"{self.endpoint} limits the rate ({said})", retry_after_seconds=delay)
            case 408 | 409 | 425:
                return Unavailable(f"{self.endpoint} asks to try again ({said})")
            case status if status >= 500:
                return Unavailable(f"{self.endpoint} failed with {status} ({said})")
            case status if status >= 400:
                return GiveUp(f"{self.endpoint} refuses the request with {status} ({said})")
            case status:
                return StopRoute(
                    f"{self.endpoint} answers {status}, a redirect; set OPENAI_BASE_URL to its aim"
                )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def cost_usd(settings: ModelSettings, prompt_tokens: int, completion_tokens: int) -> float | None:
    """What an answer cost; None where a price is not set."""
    if settings.prompt_usd_per_million is None or settings.completion_usd_per_million is None:
        return None
    cost = prompt_tokens * settings.prompt_usd_per_million
    cost += completion_tokens * settings.completion_usd_per_million
    return cost / 1_000_000


def retry_after_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """The delay that `retry-after-ms` or `Retry-After` (seconds, a date) asks for; `now` is epoch seconds."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        if (value := headers.get("retry-after")) is None:
            return None
        if value.replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


class _Head(httpx2.AsyncByteStream):
    """The first bytes of a body; the rest is never read."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_ERROR_BYTES
        async for chunk in self._body:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return

    async def aclose(self) -> None:
        await self._body.aclose()


async def _shorten_error(response: httpx2.Response) -> None:
    """openai reads the body of an error response whole, and unpacked; leave it a piece that fits."""
    if not response.is_success and isinstance(response.stream, httpx2.AsyncByteStream):
        response.headers.pop("content-encoding", None)
        response.stream = _Head(response.stream)


def _usable(base_url: str | None) -> str | None:
    if base_url is None:
        return None
    try:
        url = httpx2.URL(base_url)
    except (httpx2.InvalidURL, TypeError):
        url = httpx2.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise BadSetting(
            f"OPENAI_BASE_URL {base_url!r} is no address; write http://host:port/v1 or https://…"
        )
    return base_url


def _tokens(parsed: Any, name: str) -> int:
    """A count from `usage`; 0 where the endpoint sends nonsense, which is no reason to pay again."""
    try:
        return min(max(int(parsed["usage"][name]), 0), MAX_TOKENS)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return 0


def _said(error: openai.APIStatusError) -> str:
    body = error.body
    said = body.get("message") if isinstance(body, Mapping) else None
    return " ".join(str(said or error.message).split())[:SAID_CHARS]


def _cause(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"[:SAID_CHARS]
