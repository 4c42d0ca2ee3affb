"""Words of an endpoint on one line, without secrets."""

import pytest

from farm.models.plain import SAID_CHARS, masked, plain, secrets_in


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
    assert plain(text, {"sk-secret"}) == shown


def test_words_are_cut():
    assert len(plain("x" * 10_000_000)) == SAID_CHARS


def test_a_longer_secret_hides_the_shorter_one_inside():
    assert plain("abcd-efgh", {"abcd", "abcd-efgh"}) == "***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/v1", "https://host/v1"),
        ("https://host:8443/v1/", "https://host:8443/v1/"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("https://me:pass@host/v1", "https://***@host/v1"),
        ("https://token@host/v1", "https://***@host/v1"),
        ("https://me:p@ss@host/v1", "https://***@host/v1"),
        ("https://host/v1?api-version=1&key=secret#part", "https://host/v1?api-version=***&key=***"),
        ("http://[::1", "***"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_secrets(url, shown):
    assert masked(url) == shown


def test_secrets_are_known_as_written_and_as_meant():
    found = secrets_in("https://me:p%40ssword@host/v1?code=c%6fde", "sk-key")
    assert found == {"p%40ssword", "p@ssword", "c%6fde", "code", "sk-key"}
    assert secrets_in(None, None) == frozenset()
    assert secrets_in("http://host/v1", "abc") == frozenset(), "so short a one would shred every message"
