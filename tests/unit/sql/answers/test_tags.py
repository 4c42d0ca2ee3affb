"""Tags are paired in one pass."""

import pytest

from farm.sql.answers.tags import after_last_closing, pairs
from farm.sql.words import words

NAMES = words("think sql")


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        ("<sql>a</sql> <SQL>b</SQL>", ["a", "b"]),
        ("<sql>a <think>b</think></sql>", ["b", "a <think>b</think>"]),
        ("<sql>a<sql>b</sql>", ["b"]),
        ("</sql>a<sql>", []),
        ("<other>a</other>", []),
    ],
)
def test_pairs(text, contents):
    assert [text[start:end] for _, start, end, _ in pairs(text, words("think sql"))] == contents


def test_what_follows_the_last_closing_tag():
    assert after_last_closing("<think>a</think>b</think>c", NAMES) == "c"
    assert after_last_closing("<think>a", NAMES) == "<think>a"
