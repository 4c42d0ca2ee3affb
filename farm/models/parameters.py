"""What is sent beside the messages, and what is left out once an endpoint has refused it. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from farm.models.failures import ErrorReply
from farm.settings import ModelSettings

REFUSED_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"}
REFUSED_WORDS = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|not permitted|not allowed|forbidden|deprecated",
    re.IGNORECASE,
)
# What bounds an answer has another name with some models; it is never left out, as it bounds the cost too.
RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


def chosen(settings: ModelSettings) -> dict[str, Any]:
    """The parameters that the settings ask for."""
    parameters: dict[str, Any] = {
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
        "seed": settings.seed,
    }
    if settings.stream:
        parameters |= {"stream": True, "stream_options": {"include_usage": True}}
    return {name: value for name, value in parameters.items() if value is not None}


def refused(reply: ErrorReply, sent: Mapping[str, Any]) -> str | None:
    """The parameter that a refusal is about, as some models take no temperature; None where it is another."""
    if reply.status not in (400, 422):
        return None
    told = f"{reply.message} {reply.error.get('detail', '')}"
    if not (reply.codes & REFUSED_CODES or REFUSED_WORDS.search(told)):
        return None
    if (named := reply.error.get("param")) in sent:
        return str(named)
    places = {name: found.start() for name in sent if (found := re.search(rf"\b{name}\b", told))}
    return min(places, key=places.__getitem__) if places else None


def without(name: str, parameters: Mapping[str, Any], *, renamed_before: bool) -> dict[str, Any] | None:
    """The parameters with `name` left out or renamed; None where that was tried or cannot be."""
    left = {key: value for key, value in parameters.items() if key != name}
    if name == "stream":
        left.pop("stream_options", None)
    if name in RENAMED:
        return None if renamed_before else {**left, RENAMED[name]: parameters[name]}
    return left
