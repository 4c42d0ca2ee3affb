import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from farm.running.cells import fitting, from_json, to_json

VALUES = [
    None,
    True,
    2**80,
    -1.5,
    "text",
    Decimal("1.10"),
    Decimal("NaN"),
    date(2025, 1, 2),
    datetime(2025, 1, 2, 3, 4, 5, 6),
    datetime(2025, 1, 2, tzinfo=UTC),
    time(1, 2),
    timedelta(days=-1, seconds=5, microseconds=7),
    UUID(int=5),
    b"\x00\xff",
    [1, "a"],
    {"k": [None, "\\u0000"]},
    math.inf,
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_from_json(value: object) -> None:
    back = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)))
    assert back == value or str(back) == str(value) == "NaN"
    assert type(back) is type(value)


def test_what_no_database_stores_is_replaced() -> None:
    assert to_json("a\0b\ud800") == "a\N{REPLACEMENT CHARACTER}b?"


def test_rows_are_kept_as_far_as_they_fit() -> None:
    rows = [("x" * 100,)] * 10
    assert fitting(rows) == ([["x" * 100]] * 10, False)
    kept, was_cut = fitting(rows, limit_bytes=350)
    assert (len(kept), was_cut) == (3, True)
