"""Whether traces are wanted: OpenTelemetry's own variables decide, and nothing is imported before they do."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Literal
from urllib.parse import unquote

from farm.errors import BadSetting
from farm.redaction import secrets_in
from farm.tracing.tracer import OFF, Tracer

Exporter = Literal["otlp", "console"]
EXPORTER = "OTEL_TRACES_EXPORTER"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
PROTOCOL = "http/protobuf"
DEFAULT_ENDPOINT = "http://localhost:4318"
MODULES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


def wanted(environment: Mapping[str, str]) -> Exporter | None:
    """Where spans go: `otlp` where that exporter is named, or an address to send to; None: nowhere.

    Raises BadSetting for an exporter or a protocol that there is not.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    named = environment.get(EXPORTER, "").strip().lower()
    if not named:
        named = "otlp" if any(environment.get(name) for name in ENDPOINTS) else "none"
    match named:
        case "none":
            return None
        case "console":
            return "console"
        case "otlp":
            _require_protocol(environment)
            return "otlp"
        case _:
            raise BadSetting(f"{EXPORTER}={named}: spans are sent by otlp or console, or none are")


def is_off(environment: Mapping[str, str]) -> bool:
    """Whether no trace is asked for; a variable that cannot be understood asks for some."""
    try:
        return wanted(environment) is None
    except BadSetting:
        return False


def address(environment: Mapping[str, str]) -> str:
    """Where spans are sent to, as OTLP over HTTP has it; it may hold a password."""
    traces, base = (environment.get(name) for name in ENDPOINTS)
    return traces or f"{(base or DEFAULT_ENDPOINT).removesuffix('/')}/v1/traces"


def _require_protocol(environment: Mapping[str, str]) -> None:
    name, protocol = next(((name, value) for name in PROTOCOLS if (value := environment.get(name))), ("", ""))
    if protocol and protocol.strip().lower() != PROTOCOL:
        raise BadSetting(
            f"{name}={protocol}: spans are sent as {PROTOCOL} only; set it so, and a port of the collector "
            "that takes that (4318 with most)"
        )


def require(environment: Mapping[str, str]) -> None:
    """Raise BadSetting where traces are asked for and cannot be made."""
    if wanted(environment) is not None and not all(_is_installed(module) for module in MODULES):
        raise BadSetting(
            "traces are asked for by OTEL_… variables, and OpenTelemetry is not installed here; install it "
            f"with: pip install 'sqlfarm[otel]', or set {EXPORTER}=none"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package above it
        return False


def open_tracer(environment: Mapping[str, str], *, instance: str) -> Tracer:
    """The tracer of this process: OFF unless traces are wanted. Close it in the end. Raises BadSetting.

    `instance` tells the processes of one service apart. The rest OpenTelemetry reads from the variables of
    this process itself: where to send to, what to sample, how much to keep.
    """
    require(environment)
    exporter = wanted(environment)
    if exporter is None:
        return OFF
    from farm.tracing.otel import sending

    return sending(exporter, instance)


def secrets(environment: Mapping[str, str]) -> frozenset[str]:
    """The keys that spans are sent with, which no log may show."""
    headers = [pair for name in HEADERS for pair in environment.get(name, "").split(",")]
    values = {pair.partition("=")[2].strip() for pair in headers}
    values |= {unquote(value) for value in values}
    values |= {value.split()[-1] for value in values if value.strip()}  # what stands behind Bearer or Basic
    urls = {secret for name in ENDPOINTS for secret in secrets_in(environment.get(name, ""))}
    return frozenset((values | urls) - {""})
