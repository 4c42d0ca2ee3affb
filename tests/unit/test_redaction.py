"""Secrets are hidden wherever they stand, and however they are spelled there."""

import json

import pytest

from farm.health.sources import variable
from farm.redaction import masked, redactor, scrubbed, secrets_in, without_secrets
from farm.settings import Settings


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:secret@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://user:secret@host/1?db=2", "rediss://user:***@host/1?db=2"),
        ("redis://host/0?username=u&password=secret&db=1", "redis://host/0?username=u&password=***&db=1"),
        ("unix:///tmp/x.sock", "unix:///tmp/x.sock"),
        ("postgresql://u:p@host:5432/db", "postgresql://u:***@host:5432/db"),
        ("postgresql://u:p@ss/w@host/db", "postgresql://u:***@host/db"),
        ("postgresql://u:a://b@host/db", "postgresql://u:***@host/db"),
        ("postgresql://u:p?q@host/db?a=b", "postgresql://u:***@host/db?a=b"),
        ("redis://host:6379/0?a=b@c", "redis://host:6379/0?a=b@c"),
        (
            "postgresql:///db?user=u&password=p&sslpassword=q",
            "postgresql:///db?user=u&password=***&sslpassword=***",
        ),
        ("https://host/v1?api-version=2&api-key=secret", "https://host/v1?api-version=2&api-key=***"),
        ("https://host/v1?sig=1&Token=secret", "https://host/v1?sig=1&Token=***"),
        ("user:secret@host/db", "user:***@host/db"),
        ("host=h password=secret dbname=d", "host=h password=*** dbname=d"),
        ("host=h password = 'se cret' dbname=d", "host=h password = *** dbname=d"),
        ("sqlite:////data/shop.db", "sqlite:////data/shop.db"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("redis://host", set()),
        ("redis://user@host", set()),
        ("redis://u:p%40ss@host", {"p%40ss", "p@ss", "dTpwQHNz"}),
        ("redis://u:p?ssword@host", {"p?ssword", "dTpwP3Nzd29yZA=="}),
        ("https://host/v1?api-key=a%2Bb+c&x=1", {"a%2Bb+c", "a+b+c", "a+b c"}),
    ],
)
def test_the_secrets_of_a_url_are_found_in_every_spelling(url: str, secrets: set[str]) -> None:
    assert secrets_in(url) == secrets


@pytest.mark.parametrize("secret", ["sk-canary", 'with "quotes" \\ and ü', "p@ss/w%rd", "two\nlines"])
def test_a_secret_is_found_raw_quoted_and_in_json(secret: str) -> None:
    redact = redactor([secret])
    for text in (secret, json.dumps({"key": secret}), repr([secret])):
        hidden = redact(f"before {text} after")
        assert "***" in hidden
        assert secret not in hidden
        assert json.dumps(secret)[1:-1] not in hidden


def test_the_longest_secret_is_hidden_first() -> None:
    assert redactor(["secret", "secret-two"])("secret-two secret") == "*** ***"


def test_short_secrets_blot_out_no_words() -> None:
    assert redactor(["", "key", "stub"])("the key of the stub") == "the key of the stub"
    assert redactor([])("nothing") == "nothing"


def test_a_driver_that_quotes_the_password_is_silenced() -> None:
    said = 'invalid integer value "p@ss" for connection option "port" p%40ss'
    assert scrubbed(said, "postgresql://u:p%40ss@host/db") == (
        'invalid integer value "***" for connection option "port" ***'
    )
    assert scrubbed("no route to host", "postgresql://u@host/db") == "no route to host"


def test_a_helper_process_is_given_no_secrets() -> None:
    kept = {"PATH": "/bin", "PGPASSFILE": "/pgpass", "FARM_HOME": ".farm", "FARM_LOG_LEVEL": "INFO"}
    secrets = (
        "OPENAI_API_KEY",
        "openai_base_url",
        "FARM_REDIS_URL",
        "farm_database_url",
        "FARM_TARGETS__SHOP__URL",
    )
    assert without_secrets(kept | dict.fromkeys(secrets, "x")) == kept


def test_every_setting_that_is_secret_is_known_by_its_name() -> None:
    names = {
        variable(name)
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert "OPENAI_API_KEY" in names
    assert without_secrets(dict.fromkeys(names | {"OPENAI_BASE_URL", "FARM_TARGETS"}, "x")) == {}
