"""Nearest names are those a person would have meant."""

import pytest

from farm.sql.nearest import nearest

COLUMNS = ["customer_id", "CustomerName", "total_amount", "created_at", "id"]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("customerid", "customer_id"),
        ("customer_name", "CustomerName"),
        ("totl_amount", "total_amount"),
        ("amount", "total_amount"),
    ],
)
def test_spelling_case_and_underscores_do_not_matter(name, first):
    assert nearest(name, COLUMNS)[0] == first


def test_nothing_resembles_something_else():
    assert nearest("xyzzy", COLUMNS) == ()


def test_at_most_three_are_named():
    assert len(nearest("abc", [f"abc{i}" for i in range(9)])) == 3
