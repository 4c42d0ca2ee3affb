"""The only door to `openai`: one warm client per process, one attempt per call, every failure classified.

A call reads its response under our own total deadline and limit of bytes, follows no redirect, and never
repeats by itself what may have been paid, so that what it costs is what the store says. What a failure means
is told in `farm.models.failures`; `farm.models.retry` repeats what may be repeated.
"""

import asyncio
import logging
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Self

import aiohttp
import httpx2
import openai

from farm.errors import BadAnswer, BadSetting, FarmError, GiveUp, StopRoute, Unavailable
from farm.models import failures, parameters, spans
from farm.models.answer import Answer, FailedCall, Message, Usage
from farm.models.breaks import break_of, cause_of
from farm.models.constraint import REFUSALS, Takes, Willing, constrained
from farm.models.failures import Break, ErrorReply, Failure, Route
from farm.models.health import Health
from farm.models.plain import answer_redactor, redactor
from farm.models.reading import MAX_BODY_BYTES, NoCompletion, Said, said
from farm.models.streamed import Deltas, TooLong
from farm.redaction import masked
from farm.settings import ModelSettings
from farm.tracing.tracer import OFF, Kind, Span, Tracer

MAX_ERROR_BYTES = 64_000
CONNECT_TIMEOUT_SECONDS = 3.0
AFTER_DEADLINE_SECONDS = 5.0
DRAIN_SECONDS = 0.1
NO_KEY = "none"
EVENTS = "text/event-stream"

log = logging.getLogger(__name__)


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
        tracer: Tracer = OFF,
    ) -> None:
        """Raises BadSetting for an address that no call can go to, and a key that none can carry."""
        address = _usable(base_url)
        key = _sendable(api_key)
        self.name = name
        self.parameters = parameters.chosen(settings)
        self._settings = settings
        self._health = Health()
        self._willing = Willing(settings.grammar if settings.grammar_when != "never" else None)
        self._renamed = self._away = False
        self._max_connections = max_connections
        # The deadline is ours: a read time-out would look like a server that cannot be reached.
        timeout_seconds = settings.deadline_seconds + AFTER_DEADLINE_SECONDS
        self._http = openai.DefaultAioHttpClient(
            follow_redirects=False,
            trust_env=settings.trust_env,
            event_hooks={"response": [_shorten_error, self._drop_cookies]},
            limits=httpx2.Limits(max_connections=max_connections, max_keepalive_connections=max_connections),
        )
        self._client = openai.AsyncOpenAI(
            api_key=key or NO_KEY,
            base_url=address.copy_with(query=None, userinfo=b"") if address else None,
            default_query=dict(address.params) if address else None,
            max_retries=0,
            timeout=httpx2.Timeout(timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
            default_headers={"Accept-Encoding": "identity", **_credentials(address, key)},
            http_client=self._http,
        )
        self._redact_answer = answer_redactor(key)
        redact = redactor(base_url, key)
        endpoint = redact(masked(str(address or self._client.base_url))).rstrip("/")
        self._route = Route(model=name, endpoint=endpoint, redact=redact)
        self._tracer = tracer
        called = self._client.base_url
        self._request = spans.request(name, scheme=called.scheme, host=called.host, port=called.port)

    @property
    def endpoint(self) -> str:
        """The address that calls go to, without its secrets."""
        return self._route.endpoint

    @property
    def deadline_seconds(self) -> float:
        """How long one call may take, from first byte to last."""
        return self._settings.deadline_seconds

    @property
    def answered(self) -> int:
        """How many calls were answered so far."""
        return self._health.answered

    async def ask(self, messages: Sequence[Message], grammar: str | None = None) -> Answer:
        """One paid attempt, held to the grammar if one is given and the endpoint takes it.

        Raises TryAgain, GiveUp or StopRoute (farm.errors).
        """
        with self._tracer.span(spans.name(self.name), self._request, kind=Kind.CLIENT) as span:
            return await self._ask(messages, grammar, span)

    async def _ask(self, messages: Sequence[Message], grammar: str | None, span: Span) -> Answer:
        started = time.perf_counter()
        sent = self.parameters
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                found, sent = await self._attempt(messages, grammar)
        except TimeoutError:
            message = f"{self.name} gave no whole answer within {self._settings.deadline_seconds:g} s"
            found = Failure("deadline", BadAnswer(message))
        latency_ms = (time.perf_counter() - started) * 1000
        span.set(spans.sent(sent))
        if isinstance(found, Failure):
            span.set(spans.failed(found))
            span.fail(found.code)
            raise self._failed(found, latency_ms)
        self._health.answer()
        self._tell_that_it_is_back()
        usage = found.usage or Usage(prompt_tokens=0, completion_tokens=0)
        paid_usd = cost_usd(self._settings, usage)
        span.set(spans.answered(found, cost_usd=paid_usd, plain=self._route.plain))
        return Answer(
            text=self._redact_answer(found.text),
            model=self.name,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cost_usd=paid_usd,
            latency_ms=latency_ms,
            finish_reason=self._redact_answer(found.finish_reason),
            parameters=sent,
        )

    async def _attempt(
        self, messages: Sequence[Message], grammar: str | None
    ) -> tuple[Said | Failure, dict[str, Any]]:
        """What came back, and what was sent; of a grammar only how.

        Begins anew at once where that is free: without a parameter or a grammar that was refused, and on
        another connection where the endpoint had closed the one kept open.
        """
        stale = 0
        takes = self._willing.takes if grammar else None
        refusal: ErrorReply | None = None
        while True:
            sent = self.parameters
            found = await self._post(
                messages, constrained(sent, takes, grammar) if takes and grammar else sent
            )
            if isinstance(found, ErrorReply):
                if self._mended(found, sent):
                    continue
                if not takes or found.status not in REFUSALS:
                    return failures.of_status(found, self._route, now=time.time()), sent
                refusal, takes = found, None
            elif isinstance(found, Failure) and found.code == Break.STALE and stale < self._max_connections:
                stale += 1
            else:
                if isinstance(found, Said):
                    self._note_willing(takes, refusal)
                return found, {**sent, "grammar": takes} if takes else sent

    def _note_willing(self, takes: Takes | None, refusal: ErrorReply | None) -> None:
        """After an answer: only where that came without a grammar was it the grammar that had been refused.

        Says so the first time.
        """
        if takes:
            self._willing.take()
        elif refusal is not None and self._willing.refuse():
            status, said = refusal.status, self._route.plain(refusal.message)
            log.warning("%s refuses a grammar, asking without it (%s: %s)", self.endpoint, status, said)

    async def _post(self, messages: Sequence[Message], sent: dict[str, Any]) -> Said | Failure | ErrorReply:
        turns: Any = [{"role": message.role, "content": message.content} for message in messages]
        create = self._client.chat.completions.with_streaming_response.create
        begun = False
        try:
            async with create(model=self.name, messages=turns, **sent) as response:
                begun = True
                found = await self._read(response.http_response)
        except openai.APIStatusError as error:
            return ErrorReply(status=error.status_code, headers=error.response.headers, body=_body(error))
        except (openai.APIConnectionError, httpx2.HTTPError, aiohttp.ClientError, OSError) as error:
            how = Break.CUT_OFF if begun else break_of(error)
            return failures.of_break(how, cause_of(error), self._route)
        if isinstance(found, Failure):
            return found
        return failures.of_said(found, self._route, now=time.time()) or found

    async def _read(self, response: httpx2.Response) -> Said | Failure:
        encoding = response.headers.get("content-encoding", "identity")
        if encoding != "identity":
            message = f"{self.endpoint} sent its answer packed ({self._route.plain(encoding)}), unasked"
            return Failure("packed", BadAnswer(message))
        try:
            if response.headers.get("content-type", "").startswith(EVENTS):
                return await self._read_events(response)
            return said(await _whole(response))
        except TooLong:
            return Failure("too_long", BadAnswer(f"{self.endpoint} sent more bytes than one answer has"))
        except NoCompletion as why:
            return failures.of_body(why, self._route)

    async def _read_events(self, response: httpx2.Response) -> Said | Failure:
        """A streamed answer; raises TimeoutError only for the deadline, as a gap is told by itself."""
        deltas, gap_seconds = Deltas(), self._settings.gap_seconds
        chunks = aiter(response.aiter_raw())
        chunk: bytes | None = await anext(chunks, b"")  # the model may think before its first word
        while chunk:
            deltas.feed(chunk)
            chunk = await _next(chunks, DRAIN_SECONDS if deltas.done else gap_seconds)
        found = deltas.said()
        if deltas.is_whole:
            return found
        what = "broke off its answer" if chunk == b"" else f"paused for {gap_seconds:g} s within its answer"
        return Failure("cut_off", BadAnswer(f"{self.endpoint} {what}"), found.usage)

    async def _drop_cookies(self, _: httpx2.Response) -> None:
        """Both httpx2 and aiohttp would keep and send them, until no server takes such long headers."""
        self._http.cookies.clear()
        session = getattr(self._http._transport, "client", None)
        if isinstance(session, aiohttp.ClientSession):
            session.cookie_jar.clear()

    def _mended(self, reply: ErrorReply, sent: dict[str, Any]) -> bool:
        """Leave out, or rename, the parameter that a reply refuses. True: the call can be repeated."""
        name = parameters.refused(reply, sent)
        if name is None:
            return False
        if sent is self.parameters:  # else another call has mended them since
            left = parameters.without(name, sent, renamed_before=self._renamed)
            if left is None:
                return False
            self._renamed |= name in parameters.RENAMED
            self.parameters = left
            said = self._route.plain(reply.message)
            log.warning("%s takes no %s, sending it without from now on (%s)", self.name, name, said)
        return True

    def _failed(self, failure: Failure, latency_ms: float) -> FarmError:
        """The error to raise, with what the call may have cost; tells once that the endpoint is away."""
        error = failure.error
        if isinstance(error, BadAnswer):
            if self._health.lose(time.monotonic()):
                error = StopRoute(f"no call to {self.endpoint} was answered for minutes; the last: {error}")
        elif isinstance(error, GiveUp):
            self._health.answer()
        else:
            self._health.ask_for_patience()
        if isinstance(error, Unavailable) and not self._away:
            self._away = True
            log.warning("%s; calls wait for it", error)
        if failure.may_be_paid:
            cost = cost_usd(self._settings, failure.usage) if failure.usage else None
            error.failed_call = FailedCall(
                model=self.name,
                code=failure.code,
                message=str(error),
                latency_ms=latency_ms,
                usage=failure.usage,
                cost_usd=cost,
            )
        return error

    def _tell_that_it_is_back(self) -> None:
        if self._away:
            self._away = False
            log.warning("%s answers again", self.endpoint)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def cost_usd(settings: ModelSettings, usage: Usage) -> float | None:
    """What these tokens cost; None where a price is not set."""
    if settings.prompt_usd_per_million is None or settings.completion_usd_per_million is None:
        return None
    cost = usage.prompt_tokens * settings.prompt_usd_per_million
    cost += usage.completion_tokens * settings.completion_usd_per_million
    return cost / 1_000_000


async def _whole(response: httpx2.Response) -> bytes:
    """The body, as it came. Raises TooLong past the limit."""
    if int(response.headers.get("content-length") or 0) > MAX_BODY_BYTES:
        raise TooLong
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TooLong
    return bytes(body)


async def _next(chunks: AsyncIterator[bytes], seconds: float) -> bytes | None:
    """The next bytes; b"" at the end, None where none came in time."""
    try:
        async with asyncio.timeout(seconds):
            return await anext(chunks, b"")
    except TimeoutError:
        return None


class _Head(httpx2.AsyncByteStream):
    """The first bytes of a body; the rest is never read."""

    def __init__(self, body: httpx2.AsyncByteStream, max_bytes: int) -> None:
        self._body = body
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._max_bytes
        async for chunk in self._body:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return

    async def aclose(self) -> None:
        await self._body.aclose()


async def _shorten_error(response: httpx2.Response) -> None:
    """openai reads the body of an error response whole, and unpacked; leave it a piece that fits, or none."""
    if not response.is_success and isinstance(response.stream, httpx2.AsyncByteStream):
        packed = response.headers.pop("content-encoding", "identity") != "identity"
        response.stream = _Head(response.stream, 0 if packed else MAX_ERROR_BYTES)


def _body(error: openai.APIStatusError) -> Any:
    """The body of an error response: its JSON where it is some, else its text."""
    with suppress(ValueError, RecursionError):
        return error.response.json()
    return error.response.text


def _sendable(api_key: str | None) -> str | None:
    """The key without the line end of the file it came from."""
    key = api_key.strip() if api_key else None
    if key and not (key.isascii() and key.isprintable()):
        raise BadSetting("OPENAI_API_KEY holds characters that no key has; copy it again")
    return key


def _credentials(address: httpx2.URL | None, api_key: str | None) -> dict[str, str]:
    """The header for a name and a password that stand in the address."""
    if address is None or not address.userinfo:
        return {}
    if api_key:
        raise BadSetting("OPENAI_BASE_URL holds a password and OPENAI_API_KEY a key; only one can be sent")
    account = f"{address.username}:{address.password}".encode()
    return {"Authorization": f"Basic {b64encode(account).decode()}"}


def _usable(base_url: str | None) -> httpx2.URL | None:
    if base_url is None:
        return None
    try:
        url = httpx2.URL(base_url)
    except (httpx2.InvalidURL, TypeError):
        url = httpx2.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise BadSetting(
            f"OPENAI_BASE_URL {masked(base_url)!r} is no address; write http://host:port/v1 or https://…"
        )
    return url
