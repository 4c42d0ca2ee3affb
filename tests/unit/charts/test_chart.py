import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from farm.charts import chart, kinds

MONTHS = [(f"2025-{month:02d}", Decimal(month)) for month in range(1, 13)]


def drawn(columns: list[str], rows: list[Any], **wish: Any) -> dict[str, Any]:
    found = chart(columns, rows, **wish)
    assert found is not None
    json.dumps(found, allow_nan=False)
    return found


@pytest.mark.parametrize(
    "values",
    [
        ["2025-01", "2025-02"],
        ["2025-01-01", "2025-01-02"],
        ["2025-01-01 10:00:00", "2025-01-01T11:00"],
        [date(2025, 1, 1), date(2025, 1, 2)],
        [datetime(2025, 1, 1), datetime(2025, 1, 2)],
        ["2024", "2025"],
    ],
)
def test_a_number_over_time_is_a_line(values: list[Any]) -> None:
    spec = drawn(["when", "n"], [(value, number) for number, value in enumerate(values)])
    assert spec["usermeta"]["kind"] == "line"
    assert spec["encoding"]["x"]["type"] == "temporal"


def test_years_as_numbers_are_times_where_their_column_says_so() -> None:
    rows = [(2023, 5), (2024, 7)]
    assert drawn(["year", "n"], rows)["usermeta"]["kind"] == "line"
    assert drawn(["price", "n"], rows)["usermeta"]["kind"] == "scatter"


def test_times_stay_what_they_are_wherever_the_browser_is() -> None:
    east = timezone(timedelta(hours=2))
    rows = [
        (date(2025, 1, 1), 1),
        (datetime(2025, 1, 1, 12, tzinfo=UTC), 2),
        (datetime(2025, 1, 2, 1, tzinfo=east), 3),
    ]
    spec = drawn(["when", "n"], rows)
    assert [point["c0"] for point in spec["data"]["values"]] == [
        "2025-01-01T00:00:00.000Z",
        "2025-01-01T12:00:00.000Z",
        "2025-01-01T23:00:00.000Z",
    ]
    assert spec["encoding"]["x"]["scale"] == {"type": "utc"}


def test_a_line_runs_in_the_order_of_time() -> None:
    spec = drawn(["month", "n"], MONTHS[::-1])
    assert [point["c1"] for point in spec["data"]["values"]] == list(range(1, 13))


@pytest.mark.parametrize(
    ("values", "interval"),
    [
        (["2024", "2025"], "year"),
        (["2025-01", "2025-02"], "month"),
        ([date(2025, 1, 1), date(2025, 3, 1)], "month"),
        (["2025-01-01", "2025-01-02"], None),
    ],
)
def test_an_axis_of_months_or_years_is_divided_by_them(values: list[Any], interval: str | None) -> None:
    spec = drawn(["when", "n"], [(value, number) for number, value in enumerate(values)])
    assert spec["encoding"]["x"].get("axis", {}).get("tickCount") == interval


def test_words_and_a_number_are_bars_the_largest_first() -> None:
    spec = drawn(["name", "n"], [("a", 1), ("b", None), ("c", 3)])
    assert spec["usermeta"]["kind"] == "bar"
    assert [point["c0"] for point in spec["data"]["values"]] == ["c", "a", "b"]


def test_of_many_bars_fifty_are_shown_and_the_others_are_named() -> None:
    spec = drawn(["name", "n"], [(f"n{number}", number) for number in range(70)])
    assert [point["c1"] for point in spec["data"]["values"]] == list(range(69, 19, -1))
    assert spec["title"] == "50 of 70 are shown"


def test_names_count_rather_than_keys() -> None:
    assert drawn(["customer_id", "name", "n"], [(1, "a", 2), (2, "b", 3)])["usermeta"]["x"] == 1


def test_two_dimensions_make_several_lines_or_grouped_bars() -> None:
    lines = [(f"2025-{month:02d}", name, month) for month in (1, 2, 3) for name in "ab"]
    assert drawn(["month", "name", "n"], lines)["usermeta"] == {"kind": "line", "x": 0, "y": 2, "colour": 1}
    bars = [(place, name, 1) for place in "xyz" for name in "ab"]
    spec = drawn(["place", "name", "n"], bars)
    assert spec["usermeta"]["kind"] == "grouped"
    assert spec["encoding"]["xOffset"]["field"] == "c1"
    assert drawn(["place", "name", "n"], bars, kind="stacked")["encoding"]["y"]["stack"] == "zero"


def test_one_row_of_numbers_is_tiles() -> None:
    assert chart(["n", "n"], [(1, Decimal("2.5"))]) == {
        "tiles": [{"title": "n", "value": 1}, {"title": "n", "value": Decimal("2.5")}]
    }


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ([], []),
        (["n"], []),
        (["a", "b"], [("x", "y"), ("z", "w")]),
        (["a"], [("x",)]),
        (["a", "n"], [(None, None), (None, None)]),
        (["city", "n"], [("a", 1), ("a", 2)]),
        (["a", "b", "c", "n"], [("x", "y", "z", 1), ("x", "y", "w", 2)] * 2),
    ],
)
def test_a_table_says_it_best(columns: list[str], rows: list[Any]) -> None:
    assert chart(columns, rows) is None


def test_no_name_or_value_can_become_a_part_of_the_specification() -> None:
    evil = 'a.b["c"]\\ </script><b>'
    spec = drawn([evil, evil, "datum.x"], [(evil, 1, 1), ("b", 2, 2)])
    assert spec["encoding"]["y"] == {"field": "c0", "title": evil, "type": "ordinal", "sort": None}
    assert spec["data"]["values"][1] == {"c0": evil, "c1": 1}


def test_huge_and_endless_numbers_are_drawn_as_far_as_they_can() -> None:
    rows = [("a", 2**80), ("b", float("inf")), ("c", 10**400), ("d", Decimal("NaN")), ("e", None)]
    first = drawn(["name", "n"], rows)["data"]["values"][0]
    assert (first["c1"], first["t1"]) == (float(2**80), f"{2**80:,}")


def test_the_last_moment_of_all_is_drawn() -> None:
    last = datetime.max.replace(tzinfo=timezone(timedelta(hours=-11)))
    assert drawn(["when", "n"], [(last, 1), (date(2025, 1, 1), 2)])["usermeta"]["kind"] == "line"


def test_a_choice_of_columns_is_heeded() -> None:
    rows = [("x", "p", 1, 10), ("y", "q", 2, 20)]
    columns = ["a", "b", "n", "m"]
    assert drawn(columns, rows, kind="bar", x=1, y=3)["usermeta"] == {
        "kind": "bar",
        "x": 1,
        "y": 3,
        "colour": None,
    }
    assert chart(columns, rows, kind="bar", y=0) is None
    assert chart(columns, rows, kind="no such kind") is None


def test_the_kinds_that_are_offered_can_be_drawn() -> None:
    for columns, rows in (
        (["month", "n"], MONTHS),
        (["month", "a", "n"], [(f"2025-{m:02d}", a, m) for m in (1, 2) for a in "ab"]),
        (["p", "q"], [(1, 2), (2, 1)]),
        (["n"], [(1,)]),
    ):
        offered = kinds(columns, rows)
        assert offered
        assert all(chart(columns, rows, kind=kind) for kind in offered)
    assert kinds(["a"], [("x",), ("y",)]) == ()


def test_a_tooltip_tells_all_digits_of_large_numbers():
    rows = [("a", 2**53 + 1), ("b", Decimal("-12345678901.25")), ("c", 1234567890123.45), ("d", None)]
    found = drawn(["name", "value"], rows)
    assert [point["t1"] for point in found["data"]["values"]] == [
        "9,007,199,254,740,993",
        "1,234,567,890,123.45",
        "-12,345,678,901.25",
        "(none)",
    ]
    assert found["encoding"]["tooltip"][-1] == {"field": "t1", "type": "nominal", "title": "value"}
