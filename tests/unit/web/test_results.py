import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from farm.web.results import Sorting, cell, table


def shown(values: list[Any], sorting: str = "0") -> list[str]:
    found = table(["c"], [(value,) for value in values], Sorting.from_query(sorting, 1))
    return [row[0].text for row in found.rows]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([10, 9, Decimal("9.5"), 2**80], ["9", "9.5", "10", str(2**80)]),
        (["b", "C", "a"], ["a", "b", "C"]),
        ([date(2025, 2, 1), date(2024, 3, 1)], ["2024-03-01", "2025-02-01"]),
        (["x", 3, None, 1.5], ["1.5", "3", "x", "NULL"]),
        ([math.nan, 1.0, Decimal("NaN"), -math.inf], ["-inf", "1", "nan", "NaN"]),
        (
            [datetime(2025, 1, 2, tzinfo=UTC), datetime(2025, 1, 1)],
            ["2025-01-01 00:00:00", "2025-01-02 00:00:00+00:00"],
        ),
        ([[2], {"a": 1}, b"\x00"], ["[2]", "\\x00", '{"a": 1}']),
    ],
)
def test_values_of_any_kinds_sort(values: list[Any], expected: list[str]) -> None:
    assert shown(values) == expected


def test_downwards_nothing_still_comes_last() -> None:
    assert shown([1, None, 3], "-0") == ["3", "1", "NULL"]


@pytest.mark.parametrize("text", ["", "5", "x", "--1", "0 ", "٣", "9" * 50])
def test_what_is_no_column_sorts_nothing(text: str) -> None:
    assert shown([2, 1], text) == ["2", "1"]


def test_a_heading_leads_up_then_down_then_back() -> None:
    def heading(sorting: str) -> tuple[str, str | None]:
        (found,) = table(["c"], [], Sorting.from_query(sorting, 1)).headings
        return found.next, found.aria_sort

    assert [heading(""), heading("0"), heading("-0")] == [
        ("0", None),
        ("-0", "ascending"),
        ("", "descending"),
    ]


def test_columns_of_one_name_and_of_none_stay_apart() -> None:
    found = table(["n", "n", ""], [(1, "a", None)], Sorting())
    assert [(heading.name, heading.is_number) for heading in found.headings] == [
        ("n", True),
        ("n", False),
        ("column 3", False),
    ]


def test_a_long_text_is_cut_and_says_so() -> None:
    assert (cell("x" * 1000).text, cell("x" * 1000).left_out) == ("x" * 300, 700)


def test_nothing_is_not_the_word_for_it() -> None:
    assert [cell(None).kind, cell("NULL").kind, cell(0.1 + 0.2).text] == ["null", "text", "0.3"]


def test_large_numbers_keep_their_digits() -> None:
    values = (2**53 + 1, Decimal("12345678901234567890.12"), 1234567890123.45, -98765432109.5, 1e300)
    assert [cell(value).text for value in values] == [
        "9007199254740993",
        "12345678901234567890.12",
        "1234567890123.45",
        "-98765432109.5",
        "1e+300",
    ]
