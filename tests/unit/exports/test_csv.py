import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest
from support.given_rows import GivenRows

from farm.errors import QueryFailed
from farm.exports.csv import write


def lines(pieces: Iterator[bytes]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(pieces).decode(), newline="")))


def test_every_value_can_be_read_back() -> None:
    row = (
        1,
        'a "b", c\nd',
        Decimal("1E+3"),
        date(2025, 1, 2),
        datetime(2025, 1, 2, 3, 4),
        None,
        b"\x00",
        True,
    )
    names = tuple("abcdefgh")
    assert lines(write(GivenRows(names, [row]))) == [
        list(names),
        ["1", 'a "b", c\nd', "1000", "2025-01-02", "2025-01-02 03:04:00", "", "\\x00", "true"],
    ]


def test_columns_of_one_name_stay_two() -> None:
    assert lines(write(GivenRows(("n", "n"), [(1, 2)]))) == [["n", "n"], ["1", "2"]]


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"]
)
def test_no_text_is_a_formula(text: str) -> None:
    assert lines(write(GivenRows((text,), [(text,)]))) == [[f"'{text}"], [f"'{text}"]]


@pytest.mark.parametrize("value", ["-5", "+1.5", "-.5e3", -5, -1.5, Decimal(-2), "a=1", "plain"], ids=repr)
def test_numbers_and_other_texts_stay(value: object) -> None:
    assert lines(write(GivenRows(("c",), [(value,)])))[1] == [str(value)]


def test_the_guard_can_be_left_out() -> None:
    assert lines(write(GivenRows(("c",), [("=1",)]), guards_formulas=False))[1] == ["=1"]


def test_an_error_is_the_last_line_and_is_raised() -> None:
    pieces = write(GivenRows(("c",), [(1,)], error=QueryFailed("division\nby zero")))
    assert [next(pieces), next(pieces)] == [b"c\r\n", b"1\r\n"]
    assert b"# error: the rows end here, there are more: division by zero" in next(pieces)
    with pytest.raises(QueryFailed):
        next(pieces)


def test_a_cut_is_said() -> None:
    assert lines(write(GivenRows(("c",), [(1,)], truncated=True)))[-1] == [
        "# only the first 1 rows are here; there are more"
    ]
