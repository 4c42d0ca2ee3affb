"""Text that no database refuses, and what is looked for in it."""

import pytest

from farm.storable import comparable, storable

HALF = "\ud800"


@pytest.mark.parametrize(
    ("text", "stored", "compared"),
    [
        ("plain ü\u202e\x07", "plain ü\u202e\x07", "plain ü\u202e\x07"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b", "a b"),
        (f"a{HALF}b", "a?b", "a?b"),
    ],
)
def test_only_what_a_database_refuses_is_replaced(text: str, stored: str, compared: str):
    assert (storable(text), comparable(text)) == (stored, compared)
