"""The bytes of a chat completion, read: what was said, why it ended, which tokens were counted. Pure.

Endpoints are not to be trusted: nothing here takes much more memory than the bytes given, nor long.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farm.models.answer import Usage

MAX_BODY_BYTES = 2_000_000
MAX_TOKENS = 2**31 - 1
# What parsing may take: some 200 bytes for a value; twice a byte for a character, or four where any needs it.
MAX_PARSED_BYTES = 6_000_000
VALUE_BYTES = 200
CHAR_BYTES = 2
WIDE_CHAR_BYTES = 8


class NoCompletion(ValueError):
    """The bytes are no chat completion; the message says what they are instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What an endpoint said; `model` is its own word. Some send an `error` object with status 200."""

    text: str = ""
    finish_reason: str = ""
    refusal: str = ""
    model: str = ""
    usage: Usage | None = None
    error: Any = None
    has_choice: bool = True


def said(body: bytes) -> Said:
    """The whole body of an answer that is not streamed. Raises NoCompletion."""
    completion = parsed(body)
    choice = first_choice(completion)
    message = choice.get("message") if choice else None
    message = message if isinstance(message, Mapping) else {}
    return Said(
        text=content(message),
        finish_reason=text_of(choice.get("finish_reason")) if choice else "",
        refusal=text_of(message.get("refusal")),
        model=text_of(completion.get("model")),
        usage=usage(completion),
        error=completion.get("error") or (choice.get("error") if choice else None),
        has_choice=choice is not None,
    )


def parsed(body: bytes) -> Mapping[str, Any]:
    """A JSON object. Raises NoCompletion for anything else, and for what would take too much memory."""
    if not body.strip():
        raise NoCompletion("nothing")
    if cost_bytes(body) > MAX_PARSED_BYTES:
        raise NoCompletion("more than an answer can hold")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NoCompletion("a web page" if looks_like_html(body) else "no JSON") from None
    if not isinstance(found, Mapping):
        raise NoCompletion(f"a JSON {type(found).__name__}")
    return found


def cost_bytes(body: bytes) -> int:
    """An upper bound of the memory that parsing takes."""
    values = body.count(b",") + body.count(b"[") + body.count(b"{")
    wide = not body.isascii() or b"\\u" in body
    return values * VALUE_BYTES + len(body) * (WIDE_CHAR_BYTES if wide else CHAR_BYTES)


def looks_like_html(body: bytes) -> bool:
    """Whether this is a web page: what a proxy or a login portal puts in place of an answer."""
    return re.match(rb"\s*<(!doctype|html|head|body)\b", body[:200], re.IGNORECASE) is not None


def first_choice(completion: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first of its choices; None where there is none."""
    choices = completion.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else None


def content(message: Mapping[str, Any]) -> str:
    """The text of a message or of a delta, also where it comes in typed parts or as the input of a tool."""
    found = message.get("content")
    if isinstance(found, list):
        parts = [part.get("text") for part in found if isinstance(part, Mapping)]
        return "".join(part for part in parts if isinstance(part, str))
    return text_of(found) or _tool_input(message.get("tool_calls"))


def _tool_input(calls: object) -> str:
    """What a custom tool was called with: the query, where the model is held to a grammar that way."""
    tools = (
        [call.get("custom") for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []
    )
    return "".join(text_of(tool.get("input")) for tool in tools if isinstance(tool, Mapping))


def text_of(value: object) -> str:
    """The value if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def usage(completion: Mapping[str, Any]) -> Usage | None:
    """The tokens counted; None where the endpoint says none, 0 for each that is nonsense."""
    counted = completion.get("usage")
    if not isinstance(counted, Mapping):
        return None
    return Usage(
        prompt_tokens=_tokens(counted.get("prompt_tokens")),
        completion_tokens=_tokens(counted.get("completion_tokens")),
    )


def _tokens(value: Any) -> int:
    try:
        return min(max(int(value), 0), MAX_TOKENS)
    except (TypeError, ValueError, OverflowError):
        return 0
