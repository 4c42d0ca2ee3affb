"""Words of an endpoint on one line, without secrets."""

import pytest

from farm.models.plain import SAID_CHARS, answer_redactor, plain, redactor

SHOW = redactor(None, "sk-secret")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fine", "fine"),
        ("two\r\n lines\tand\0more", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("right \u202eto left\u2066", "right to left"),
        ("half \ud800 a pair", "half a pair"),
        ("key sk-secret, twice sk-secret", "key ***, twice ***"),
        ("", ""),
    ],
)
def test_words_become_one_printable_line(text, shown):
    assert plain(text, SHOW) == shown


def test_words_are_cut_and_no_secret_is_cut_in_two():
    assert len(plain("x" * 1_000_000, SHOW)) == SAID_CHARS
    assert plain("x" * (SAID_CHARS - 4) + "sk-secret", SHOW).endswith("x***")


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://me:p%40ssword@host/v1", "p@ssword"),
        ("https://me:p%40ssword@host/v1", "p%40ssword"),
        ("https://tokentoken@host/v1", "tokentoken"),
        ("https://host/v1?api_key=secretsecret", "secretsecret"),
    ],
)
def test_what_is_secret_in_an_address_is_hidden(url, secret):
    assert plain(f"no {secret} here", redactor(url, None)) == "no *** here"


def test_an_answer_that_repeats_the_key_is_kept_without_it():
    key = "sk-0123456789abcdef"
    assert answer_redactor(key)(f"SELECT 1 -- Bearer {key}") == "SELECT 1 -- Bearer ***"


@pytest.mark.parametrize("placeholder", [None, "", "none", "ollama", "not-needed"])
def test_a_placeholder_for_a_key_changes_no_answer(placeholder):
    said = f"SELECT '{placeholder}'"
    assert answer_redactor(placeholder)(said) == said
