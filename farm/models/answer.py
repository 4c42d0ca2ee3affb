"""What goes to a model and what comes back."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """The tokens that an endpoint says it counted."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One raw model response. `cost_usd` is None where the model's prices are not set."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    latency_ms: float
    finish_reason: str
    cost_usd: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedCall:
    """A call that gave no answer and may have been paid; `usage` is None where the endpoint did not say it.

    `code` is one word for what happened, `message` a line for people; `cost_usd` is None where tokens or
    prices are not known.
    """

    model: str
    code: str
    message: str
    latency_ms: float
    usage: Usage | None = None
    cost_usd: float | None = None
