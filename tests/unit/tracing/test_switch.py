"""When traces are wanted, what is missing for them, and that nothing is loaded for them otherwise."""

import subprocess
import sys

import pytest

from farm.errors import BadSetting
from farm.redaction import without_secrets
from farm.tracing import switch

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("environment", "exporter"),
    [
        ({}, None),
        ({"OTEL_TRACES_EXPORTER": "none", ENDPOINT: "http://c:4318"}, None),
        ({"OTEL_TRACES_EXPORTER": "", ENDPOINT: ""}, None),
        ({"OTEL_SERVICE_NAME": "farm", "OTEL_TRACES_SAMPLER": "always_on"}, None),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "nonsense"}, None),
        ({"OTEL_SDK_DISABLED": "false", ENDPOINT: "http://c:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": " OTLP "}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "console"),
    ],
)
def test_the_standard_variables_decide(environment, exporter):
    assert switch.wanted(environment) == exporter


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin: .* otlp or console"),
        (
            {ENDPOINT: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: .*http/protobuf only.*4318",
        ),
        (
            {
                ENDPOINT: "http://c:4317",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json",
        ),
    ],
)
def test_what_cannot_be_done_is_said(environment, words):
    with pytest.raises(BadSetting, match=words):
        switch.open_tracer(environment, instance="w1")


def test_what_spans_are_sent_with_is_secret():
    assert switch.secrets(
        {
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=plain-key,authorization=Bearer%20quoted-key, x = spaced",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=Basic bmFtZQ==",
            ENDPOINT: "https://name:pass%20word@c/",
            "OTEL_SERVICE_NAME": "farm",
        }
    ) >= {"plain-key", "quoted-key", "spaced", "bmFtZQ==", "pass%20word", "pass word"}
    assert switch.secrets({}) == frozenset()
    assert without_secrets({"OTEL_EXPORTER_OTLP_HEADERS": "api-key=k", "OTEL_SERVICE_NAME": "farm"}) == {
        "OTEL_SERVICE_NAME": "farm"
    }


def test_a_worker_without_the_extra_works_and_says_what_is_missing_only_when_asked_to_trace():
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"  # as where it is not installed
        "import farm.worker.process, farm.worker.warm\n"
        "from farm.errors import BadSetting\n"
        "from farm.tracing.switch import open_tracer\n"
        "open_tracer({'OTEL_SERVICE_NAME': 'farm'}, instance='w1')\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.', 'farm.tracing.otel'))])\n"
        "try: open_tracer({'OTEL_TRACES_EXPORTER': 'otlp'}, instance='w1')\n"
        "except BadSetting as error: print(error)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded, missing = shown.stdout.splitlines()
    assert loaded == "[]"
    assert "pip install 'sqlfarm[otel]'" in missing
