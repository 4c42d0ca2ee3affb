"""The table of failures: what each reply, break and body is taken for."""

import re
from email.utils import formatdate
from pathlib import Path

import pytest

from farm.errors import BadAnswer, GiveUp, StopRoute, Throttled, Unanswered, Unavailable
from farm.models import failures
from farm.models.answer import Usage
from farm.models.failures import Break, ErrorReply, Route
from farm.models.plain import redactor
from farm.models.reading import NoCompletion, Said

NOW = 1_800_000_000.0
ROUTE = Route(model="m", endpoint="http://host/v1", redact=redactor(None, "sk-secret"))
SPENT = Usage(prompt_tokens=9, completion_tokens=3)


def reply(status, message="no", *, headers=None, **error) -> ErrorReply:
    return ErrorReply(status=status, headers=headers or {}, body={"error": {"message": message, **error}})


REPLIES = [
    (reply(429), Throttled, "rate_limit"),
    (reply(429, code="insufficient_quota"), StopRoute, "quota"),
    (reply(429, type="insufficient_quota"), StopRoute, "quota"),
    (reply(429, "You exceeded your current quota, check your plan"), StopRoute, "quota"),
    (reply(429, "Request too large for m on tokens per minute"), GiveUp, "too_large"),
    (reply(402), StopRoute, "quota"),
    (reply(400, "Your credit balance is too low"), StopRoute, "quota"),
    (reply(401), StopRoute, "key"),
    (reply(403), StopRoute, "key"),
    (reply(400, "API key not valid. Please pass a valid API key."), StopRoute, "key"),
    (reply(403, "Your input was flagged"), GiveUp, "moderated"),
    (ErrorReply(status=403, body="<html>blocked</html>"), Unanswered, "firewall"),
    (reply(404), StopRoute, "model"),
    (reply(405), StopRoute, "model"),
    (reply(400, code="model_not_found"), StopRoute, "model"),
    (reply(400), GiveUp, "refused"),
    (reply(413), GiveUp, "refused"),
    (reply(422), GiveUp, "refused"),
    (reply(451), GiveUp, "refused"),
    (ErrorReply(status=400, body="The plain HTTP request was sent to HTTPS port"), StopRoute, "no_tls"),
    (ErrorReply(status=400, body="Client sent an HTTP request to an HTTPS server."), StopRoute, "no_tls"),
    (reply(408), Unavailable, "try_again"),
    (reply(409), Unavailable, "try_again"),
    (reply(425), Unavailable, "try_again"),
    (reply(500), Unavailable, "server_error"),
    (reply(501), Unavailable, "server_error"),
    (reply(502), Unavailable, "server_error"),
    (reply(503), Unavailable, "server_error"),
    (reply(529), Unavailable, "server_error"),
    (reply(599), Unavailable, "server_error"),
    (reply(504), Unanswered, "gateway_timeout"),
    (reply(524), Unanswered, "gateway_timeout"),
    (reply(301), StopRoute, "redirect"),
    (reply(304), StopRoute, "redirect"),
]


@pytest.mark.parametrize(("said", "kind", "code"), REPLIES)
def test_each_error_reply_has_its_kind(said, kind, code):
    failure = failures.of_status(said, ROUTE, now=NOW)
    assert (type(failure.error), failure.code) == (kind, code)
    assert "http://host/v1" in str(failure.error)


@pytest.mark.parametrize("status", range(300, 600))
def test_every_status_has_a_kind(status):
    for body in (None, "", "text", [], {}, {"error": None}, {"error": "text"}, [{"error": {"message": 1}}]):
        failure = failures.of_status(ErrorReply(status=status, body=body), ROUTE, now=NOW)
        assert isinstance(failure.error, Throttled | Unavailable | Unanswered | GiveUp | StopRoute)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "too long"}},
        {"error": "too long"},
        {"message": "too long"},
        {"detail": "too long"},
        [{"error": {"message": "too long"}}],
        "too long",
    ],
)
def test_the_message_is_found_in_every_wrapping(body):
    failure = failures.of_status(ErrorReply(status=400, body=body), ROUTE, now=NOW)
    assert "(too long)" in str(failure.error)


@pytest.mark.parametrize(("status", "kind"), [(429, Throttled), (503, Unavailable), (504, Unanswered)])
def test_the_delay_asked_for_is_carried(status, kind):
    error = failures.of_status(reply(status, headers={"retry-after": "7"}), ROUTE, now=NOW).error
    assert isinstance(error, kind)
    assert error.retry_after_seconds == 7.0


def test_a_redirect_says_where_to_without_its_secrets():
    said = reply(307, headers={"location": "https://u:p@else/v1?token=t&a=1"})
    assert "to https://u:***@else/v1?token=***&a=1," in str(failures.of_status(said, ROUTE, now=NOW).error)


@pytest.mark.parametrize(
    ("how", "kind", "paid"),
    [
        (Break.STALE, Unavailable, False),
        (Break.UNREACHABLE, Unavailable, False),
        (Break.CERTIFICATE, StopRoute, False),
        (Break.NO_TLS, StopRoute, False),
        (Break.RESET, Unanswered, True),
        (Break.NO_HTTP, Unanswered, True),
        (Break.CUT_OFF, BadAnswer, True),
    ],
)
def test_a_break_is_paid_for_only_after_the_request_was_sent(how, kind, paid):
    failure = failures.of_break(how, "OSError: nobody", ROUTE)
    assert (type(failure.error), failure.may_be_paid) == (kind, paid)
    assert "OSError: nobody" in str(failure.error)


def test_every_break_has_a_kind():
    assert {failures.of_break(how, "", ROUTE).code for how in Break} == {how.value for how in Break}


SAYINGS = [
    (Said(text="SELECT 1", finish_reason="stop"), None, None),
    (Said(text="SELECT 1", finish_reason="length"), None, None),
    (Said(text="SELECT 1", finish_reason="an invention"), None, None),
    (Said(text="I mu", finish_reason="content_filter"), GiveUp, "content_filter"),
    (Said(refusal="I cannot"), GiveUp, "refusal"),
    (Said(finish_reason="length"), GiveUp, "length"),
    (Said(finish_reason="stop"), BadAnswer, "empty"),
    (Said(text=" \n"), BadAnswer, "empty"),
    (Said(has_choice=False), BadAnswer, "no_completion"),
    (Said(error={"message": "oops"}), BadAnswer, "error"),
    (Said(error="oops"), BadAnswer, "error"),
    (Said(error={"code": 429, "message": "slow down"}), Throttled, "rate_limit"),
    (Said(error={"code": 502, "message": "down"}), Unavailable, "server_error"),
    (Said(error={"code": 200, "message": "oops"}), BadAnswer, "error"),
]


@pytest.mark.parametrize(("said", "kind", "code"), SAYINGS)
def test_each_completion_has_its_kind(said, kind, code):
    failure = failures.of_said(said, ROUTE, now=NOW)
    assert (failure and type(failure.error), failure and failure.code) == (kind, code)


@pytest.mark.parametrize("said", [said for said, kind, _ in SAYINGS if kind])
def test_tokens_that_were_said_are_always_paid(said):
    from dataclasses import replace

    failure = failures.of_said(replace(said, usage=SPENT), ROUTE, now=NOW)
    assert failure.usage == SPENT
    assert failure.may_be_paid


def test_a_refusal_is_told_in_its_own_words():
    failure = failures.of_said(Said(refusal="I'm sorry,\nI can't."), ROUTE, now=NOW)
    assert str(failure.error) == "m refuses: I'm sorry, I can't."


@pytest.mark.parametrize(
    ("why", "kind"), [("a web page", Unanswered), ("no JSON", BadAnswer), ("nothing", BadAnswer)]
)
def test_a_web_page_is_not_the_models_doing(why, kind):
    assert type(failures.of_body(NoCompletion(why), ROUTE).error) is kind


HOSTILE = "key sk-secret\x1b[2J\r\n\x00\u202e" + "x" * 5_000


@pytest.mark.parametrize(
    "failure",
    [
        *(failures.of_status(reply(status, HOSTILE), ROUTE, now=NOW) for status in range(300, 600, 7)),
        *(
            failures.of_status(ErrorReply(status=s, body=HOSTILE), ROUTE, now=NOW)
            for s in (307, 400, 403, 500)
        ),
        failures.of_status(reply(302, headers={"location": HOSTILE}), ROUTE, now=NOW),
        *(failures.of_break(how, HOSTILE, ROUTE) for how in Break),
        failures.of_said(Said(refusal=HOSTILE), ROUTE, now=NOW),
        failures.of_said(Said(error={"message": HOSTILE}), ROUTE, now=NOW),
        failures.of_said(Said(error=HOSTILE), ROUTE, now=NOW),
    ],
)
def test_every_message_is_one_short_printable_line_without_secrets(failure):
    message = str(failure.error)
    assert message.isprintable()
    assert len(message) < 600
    assert "sk-secret" not in message
    assert re.search(r"key \*\*\*|nowhere", message)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "60"}, 1.5),
        ({"retry-after-ms": "-5"}, 0.0),
        ({"retry-after-ms": "soon"}, None),
        ({"retry-after-ms": "nan"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "Fri, 99 Foo 2026 00:00:00 GMT"}, None),
        ({"retry-after": "Fri, 01 Jan 99999999999 00:00:00 GMT"}, None),
    ],
)
def test_the_delay_asked_for_is_read_from_the_headers(headers, seconds):
    assert failures.retry_after_seconds(headers, NOW) == seconds


def test_every_code_that_the_docs_tell_is_one_and_every_one_that_may_be_paid_is_told():
    root = Path(__file__).parents[3]
    table = (root / "docs" / "models.md").read_text("utf-8").partition("| code |")[2]
    told = {
        code for line in table.splitlines() for code in re.findall(r"`(\w+)`", line.partition("|")[2][:70])
    }
    source = "".join(
        (root / "farm" / "models" / f"{name}.py").read_text("utf-8") for name in ("failures", "client")
    )
    codes = {*re.findall(r'Failure\(\s*"(\w+)"', source), *(how.value for how in Break)}
    paid = [failures.of_status(said, ROUTE, now=NOW) for said, _, _ in REPLIES]
    paid += [failures.of_break(how, "", ROUTE) for how in Break]
    paid += [failures.of_said(said, ROUTE, now=NOW) for said, kind, _ in SAYINGS if kind and not said.error]
    assert told <= codes | {"max_tokens"}
    assert told >= {failure.code for failure in paid if failure.may_be_paid}
