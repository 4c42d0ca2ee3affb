"""What is wrong with a call, and what to do about it: the table of all failures. Pure.

| do                  | error       | when                                                                  |
|---------------------|-------------|-----------------------------------------------------------------------|
| wait, for ever      | Throttled   | 429                                                                   |
| wait                | Unavailable | 5xx, 408, 409, 425; nobody listens, no such name, a handshake breaks  |
| a few times         | Unanswered  | a reset after the request was sent; 504, 524; a web page; no HTTP     |
|                     | BadAnswer   | past the deadline, cut off, too long, no completion, empty            |
| give up on the task | GiveUp      | 400, 413, 422 …; refused, filtered, no token left for the answer      |
| stop the route      | StopRoute   | key, quota, model, redirect; a certificate, no TLS where it is asked  |

5xx and what fails before the request is sent cost nothing in practice, so patience there ends only where it
is plainly one call's doing. Where
the request went out and no answer came, it may have been charged: that is repeated a few times only. An
Unanswered call is not held against its task while nothing else on the route is answered (farm.models.retry).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from farm.errors import BadAnswer, FarmError, GiveUp, StopRoute, Throttled, Unanswered, Unavailable
from farm.models.answer import Usage
from farm.models.plain import plain
from farm.models.reading import NoCompletion, Said
from farm.redaction import Redact, masked

QUOTA_CODES = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_balance",
}
QUOTA_WORDS = ("credit balance", "insufficient balance", "exceeded your current quota")
MODEL_CODES = {"model_not_found", "invalid_model", "model_not_available"}
KEY_CODES = {"invalid_api_key", "account_deactivated"}
KEY_WORDS = ("api key not valid", "invalid api key")
TOO_LARGE_WORDS = ("request too large", "context length", "maximum context")
MODERATED_WORDS = ("flagged", "moderation")
HTTPS_WORDS = ("https port", "https server")
GATEWAY_TIMEOUTS = (504, 524)


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """What messages name: the model, and its address without secrets (which no message may show)."""

    model: str
    endpoint: str
    redact: Redact

    def plain(self, text: str) -> str:
        """Words of the endpoint, fit for a message."""
        return plain(text, self.redact)


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorReply:
    """An error response. `body` is its JSON, or its text where it is none."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def error(self) -> Mapping[str, Any]:
        """The error object, in whichever wrapping endpoints send it; empty where there is none."""
        body = self.body[0] if isinstance(self.body, list) and self.body else self.body
        inner = body.get("error", body) if isinstance(body, Mapping) else None
        if isinstance(inner, str):
            return {"message": inner}
        return inner if isinstance(inner, Mapping) else {}

    @property
    def message(self) -> str:
        """What it says."""
        said = self.error.get("message") or self.error.get("detail")
        if said is None and isinstance(self.body, str):
            said = self.body.strip()
        return str(said or "it says no more")

    @property
    def codes(self) -> set[str]:
        """Its code and type, either of which names the trouble."""
        return {str(self.error[name]) for name in ("code", "type") if self.error.get(name) is not None}

    def says(self, words: Collection[str]) -> bool:
        """Whether its message holds one of these words (given in small letters)."""
        said = self.message.lower()
        return any(word in said for word in words)


class Break(StrEnum):
    """How a connection failed, by what was sent before it did."""

    STALE = "stale"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    NO_TLS = "no_tls"
    RESET = "reset"
    NO_HTTP = "no_http"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call: one word for the store, the error to raise, the tokens it took if they were said."""

    code: str
    error: FarmError
    usage: Usage | None = None

    @property
    def may_be_paid(self) -> bool:
        """Whether it belongs into the books."""
        return self.usage is not None or isinstance(self.error, BadAnswer)


def of_status(reply: ErrorReply, route: Route, *, now: float) -> Failure:
    """An error response; `now` is epoch seconds, for a `Retry-After` that is a date."""
    at, said = route.endpoint, route.plain(reply.message)
    wait = retry_after_seconds(reply.headers, now)
    error: FarmError
    if stop := _of_route(reply, route, said):
        return stop
    match reply.status:
        case 429 if reply.says(TOO_LARGE_WORDS):
            return Failure("too_large", GiveUp(f"{at} takes no request of this size ({said})"))
        case 429:
            return Failure(
                "rate_limit", Throttled(f"{at} limits the rate ({said})", retry_after_seconds=wait)
            )
        case 403 if reply.error:
            return Failure("moderated", GiveUp(f"{at} refuses the question ({said})"))
        case 403:
            return Failure("firewall", Unanswered(f"{at} is shut by something before it: 403 ({said})"))
        case 408 | 409 | 425:
            error = Unavailable(f"{at} asks to try again ({said})", retry_after_seconds=wait)
            return Failure("try_again", error)
        case status if status in GATEWAY_TIMEOUTS:
            error = Unanswered(f"{at} gave no answer in time: {status} ({said})", retry_after_seconds=wait)
            return Failure("gateway_timeout", error)
        case status if status >= 500:
            error = Unavailable(f"{at} failed with {status} ({said})", retry_after_seconds=wait)
            return Failure("server_error", error)
        case status:
            return Failure("refused", GiveUp(f"{at} refuses the request with {status} ({said})"))


def _of_route(reply: ErrorReply, route: Route, said: str) -> Failure | None:
    """What would fail every other call as well; None where it would not."""
    at, status = route.endpoint, reply.status
    if status == 402 or reply.codes & QUOTA_CODES or (400 <= status < 500 and reply.says(QUOTA_WORDS)):
        return Failure(
            "quota", StopRoute(f"the quota at {at} is used up ({said}); add credit, then start again")
        )
    if status == 401 or reply.codes & KEY_CODES or (status == 400 and reply.says(KEY_WORDS)):
        return Failure("key", StopRoute(f"{at} refuses the key ({said}); check OPENAI_API_KEY"))
    if status == 403 and reply.error and not reply.says(MODERATED_WORDS):
        return Failure("key", StopRoute(f"{at} refuses the key ({said}); check OPENAI_API_KEY"))
    if status in (404, 405) or reply.codes & MODEL_CODES:
        mend = "check FARM_MODEL and OPENAI_BASE_URL"
        return Failure("model", StopRoute(f"{at} has no model {route.model!r} ({said}); {mend}"))
    if status == 400 and reply.says(HTTPS_WORDS):
        return Failure("no_tls", StopRoute(f"{at} wants https ({said}); mend OPENAI_BASE_URL"))
    if status < 400:
        aim = route.plain(masked(reply.headers.get("location", "nowhere")))
        what = f"answers {status}, a redirect to {aim}, which is not followed"
        return Failure("redirect", StopRoute(f"{at} {what}; set OPENAI_BASE_URL to its aim"))
    return None


def of_break(how: Break, cause: str, route: Route) -> Failure:
    """A connection that failed; `cause` is the error's own words."""
    at, said = route.endpoint, route.plain(cause)
    error: FarmError
    match how:
        case Break.STALE | Break.UNREACHABLE:
            error = Unavailable(f"{at} cannot be reached ({said})")
        case Break.CERTIFICATE:
            mend = "mend it there, or name its authority in SSL_CERT_FILE and set trust_env in FARM_MODELS"
            error = StopRoute(f"the certificate of {at} is not trusted ({said}); {mend}")
        case Break.NO_TLS:
            error = StopRoute(f"{at} speaks no TLS that is known here ({said}); check OPENAI_BASE_URL")
        case Break.RESET:
            error = Unanswered(f"{at} closed the connection without an answer ({said})")
        case Break.NO_HTTP:
            error = Unanswered(f"{at} sent something that is no HTTP ({said})")
        case Break.CUT_OFF:
            error = BadAnswer(f"{at} broke off its answer ({said})")
    return Failure(how.value, error)


def of_body(why: NoCompletion, route: Route) -> Failure:
    """A response of status 200 that is no chat completion; a web page comes from something in between."""
    message = f"{route.endpoint} sent {why}, which is no chat completion"
    if str(why) == "a web page":
        return Failure("web_page", Unanswered(message))
    return Failure("no_completion", BadAnswer(message))


def of_said(said: Said, route: Route, *, now: float) -> Failure | None:
    """What is wrong with a chat completion; None where it holds an answer, be it one that was cut off."""
    model, usage = route.model, said.usage
    if said.error:
        return _of_error_inside(said, route, now=now)
    if not said.has_choice:
        message = f"{route.endpoint} sent something without choices, which is no chat completion"
        return Failure("no_completion", BadAnswer(message), usage)
    if said.finish_reason == "content_filter":
        return Failure("content_filter", GiveUp(f"{model}'s content filter withheld the answer"), usage)
    if said.text.strip():
        return None
    if said.refusal.strip():
        return Failure("refusal", GiveUp(f"{model} refuses: {route.plain(said.refusal)}"), usage)
    if said.finish_reason == "length":
        spent = f"{model} spent all its tokens before it answered; raise max_tokens in FARM_MODELS"
        return Failure("length", GiveUp(spent), usage)
    return Failure("empty", BadAnswer(f"{model} sent an empty answer"), usage)


def _of_error_inside(said: Said, route: Route, *, now: float) -> Failure:
    """An error object that came with status 200; its code is a status with some endpoints."""
    inner = said.error if isinstance(said.error, Mapping) else {"message": str(said.error)}
    code = inner.get("code")
    if isinstance(code, int) and 400 <= code < 600:
        found = of_status(ErrorReply(status=code, body={"error": inner}), route, now=now)
        return Failure(found.code, found.error, said.usage)
    told = route.plain(ErrorReply(status=200, body={"error": inner}).message)
    return Failure("error", BadAnswer(f"{route.endpoint} sent an error for an answer ({told})"), said.usage)


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
    except (ValueError, OverflowError):
        return None
