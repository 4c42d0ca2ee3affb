"""What is sent, and what is left out once an endpoint refuses it."""

import pytest

from farm.models.failures import ErrorReply
from farm.models.parameters import chosen, refused, without
from farm.settings import ModelSettings

SENT = {"temperature": 0.0, "max_tokens": 1024, "seed": 1, "stream": True, "stream_options": {}}


def test_only_what_is_set_is_sent():
    assert chosen(ModelSettings()) == {"temperature": 0.0, "max_tokens": 1024}
    assert chosen(ModelSettings(temperature=None, seed=3)) == {"max_tokens": 1024, "seed": 3}
    streamed = chosen(ModelSettings(stream=True))
    assert (streamed["stream"], streamed["stream_options"]) == (True, {"include_usage": True})


def reply(status=400, **error) -> ErrorReply:
    return ErrorReply(status=status, body={"error": error})


MAX_TOKENS = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
TEMPERATURE = "'temperature' does not support 0 with this model. Only the default (1) value is supported."


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (reply(message=MAX_TOKENS, code="unsupported_parameter", param="max_tokens"), "max_tokens"),
        (reply(message=MAX_TOKENS, code="invalid_request_body"), "max_tokens"),
        (reply(message=TEMPERATURE, code="unsupported_value", param="temperature"), "temperature"),
        (reply(message="Unrecognized request argument supplied: seed"), "seed"),
        (reply(message="stream_options is not supported"), "stream_options"),
        (reply(message="stream is not supported"), "stream"),
        (reply(422, detail=[{"type": "extra_forbidden", "loc": ["body", "seed"]}]), "seed"),
        (reply(message="no", code="unsupported_parameter", param="top_p"), None),
        (reply(message="This model's maximum context length is 8192 tokens, max_tokens is 1024"), None),
        (reply(message="temperature must be below 1"), None),
        (reply(500, message=MAX_TOKENS), None),
        (reply(message="The model `seedling` is not supported"), None),
        (ErrorReply(status=400, body="Unsupported"), None),
    ],
)
def test_the_refused_parameter_is_known_by_its_name(said, name):
    assert refused(said, SENT) == name


def test_a_refused_parameter_is_left_out():
    assert without("seed", SENT, renamed_before=False) == {k: v for k, v in SENT.items() if k != "seed"}
    assert "stream_options" not in without("stream", SENT, renamed_before=False)


def test_what_bounds_an_answer_is_renamed_once_and_never_left_out():
    first = without("max_tokens", {"max_tokens": 7}, renamed_before=False)
    assert first == {"max_completion_tokens": 7}
    assert without("max_completion_tokens", first, renamed_before=True) is None
