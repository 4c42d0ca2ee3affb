"""What the span of a model call tells, by OpenTelemetry's conventions for generative AI. Pure.

See gen_ai.client.inference in their registry. Never told: prompts and answers, whatever
OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT says; they stand in the store.
"""

from collections.abc import Mapping
from typing import Any

from farm.models.answer import Usage
from farm.models.failures import Failure
from farm.models.reading import Said
from farm.redaction import Redact
from farm.tracing.tracer import Attributes, Value

# Whose endpoint it is, by the end of its host's name; any other speaks OpenAI's language for somebody.
PROVIDERS = {
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "amazonaws.com": "aws.bedrock",
    "anthropic.com": "anthropic",
    "deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "groq.com": "groq",
    "mistral.ai": "mistral_ai",
    "moonshot.ai": "moonshot_ai",
    "perplexity.ai": "perplexity",
    "x.ai": "x_ai",
}
DEFAULT_PORTS = {"http": 80, "https": 443}
# Settings of ours, and what they are called there.
REQUEST = {
    "temperature": "gen_ai.request.temperature",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "stream": "gen_ai.request.stream",
}


def name(model: str) -> str:
    """The span's name."""
    return f"chat {model}"


def request(model: str, *, scheme: str, host: str, port: int | None) -> Attributes:
    """What is known before the call, the same for all calls of a model."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider(host),
        "gen_ai.request.model": model,
        "server.address": host,
        "server.port": port or DEFAULT_PORTS.get(scheme, 0),
    }


def provider(host: str) -> str:
    """The convention's name for whose endpoint this is."""
    found = (known for end, known in PROVIDERS.items() if host == end or host.endswith(f".{end}"))
    return next(found, "openai")


def sent(parameters: Mapping[str, Any]) -> Attributes:
    """The parameters that went with the messages."""
    return {REQUEST[key]: value for key, value in parameters.items() if key in REQUEST}


def answered(said: Said, *, cost_usd: float | None, plain: Redact) -> Attributes:
    """What came back; `plain` makes the endpoint's words fit to be shown."""
    told: dict[str, Value] = {**tokens(said.usage)}
    if said.finish_reason:
        told["gen_ai.response.finish_reasons"] = (plain(said.finish_reason),)
    if said.model:
        told["gen_ai.response.model"] = plain(said.model)
    if cost_usd is not None:
        told["sqlfarm.call.cost_usd"] = cost_usd
    return told


def failed(failure: Failure) -> Attributes:
    """What a failed call took; its kind is told by `error.type`."""
    return tokens(failure.usage)


def tokens(usage: Usage | None) -> Attributes:
    """The tokens, where the endpoint counted them."""
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
    }
