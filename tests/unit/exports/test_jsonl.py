import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from support.given_rows import GivenRows

from farm.errors import QueryFailed
from farm.exports.jsonl import write


def objects(pieces: Iterator[bytes]) -> list[Any]:
    return [json.loads(line) for line in b"".join(pieces).decode().splitlines()]


def test_every_value_stays_what_it_is() -> None:
    row = (2**70, "é\n", Decimal("1.50"), date(2025, 1, 2), None, [1, Decimal("0.5")], {"k": b"\x01"}, True)
    names = tuple("abcdefgh")
    (found,) = objects(write(GivenRows(names, [row])))
    assert list(found.values()) == [
        2**70,
        "é\n",
        1.5,
        "2025-01-02",
        None,
        [1, 0.5],
        {"k": "\\x01"},
        True,
    ]


def test_a_decimal_that_no_number_holds_is_text() -> None:
    exact = Decimal("12345678901234567890.123")
    rows = [(exact,), (Decimal("NaN"),), (Decimal("1E+400"),), (Decimal("1E+3"),)]
    assert [row["d"] for row in objects(write(GivenRows(("d",), rows)))] == [
        "12345678901234567890.123",
        "NaN",
        "1" + "0" * 400,
        1000,
    ]


def test_columns_of_one_name_stay_two() -> None:
    assert objects(write(GivenRows(("n", "n", "n_2"), [(1, 2, 3)]))) == [{"n": 1, "n_3": 2, "n_2": 3}]


def test_an_error_is_the_last_object_and_is_raised() -> None:
    pieces = write(GivenRows(("c",), [(1,)], error=QueryFailed("division by zero")))
    assert json.loads(next(pieces)) == {"c": 1}
    assert json.loads(next(pieces)) == {"error": "division by zero", "rows": 1}
    with pytest.raises(QueryFailed):
        next(pieces)


def test_a_cut_is_said() -> None:
    assert objects(write(GivenRows(("c",), [(1,)], truncated=True)))[-1] == {"truncated": True, "rows": 1}
