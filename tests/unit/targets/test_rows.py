from collections.abc import Callable
from decimal import Decimal
from itertools import count, islice

import pytest

from farm.targets import rows
from farm.targets.rows import Row, gather, size_bytes


def source(total: int | None, row: Row = (1,)) -> Callable[[int], list[Row]]:
    left = iter(range(total)) if total is not None else count()
    return lambda wanted: [row for _ in islice(left, wanted)]


@pytest.mark.parametrize(
    ("total", "limit", "got", "truncated"),
    [(0, 5, 0, False), (5, 5, 5, False), (6, 5, 5, True), (1000, 450, 450, True), (450, 1000, 450, False)],
)
def test_it_takes_up_to_the_limit_and_says_whether_rows_are_left(
    total: int, limit: int, got: int, truncated: bool
) -> None:
    taken, left = gather(source(total), row_limit=limit)
    assert (len(taken), left) == (got, truncated)


def test_it_never_asks_for_more_than_one_row_beyond_the_limit() -> None:
    asked: list[int] = []

    def fetch(wanted: int) -> list[Row]:
        asked.append(wanted)
        return [(1,)] * wanted

    gather(fetch, row_limit=250)
    assert sum(asked) == 251


def test_large_rows_stop_it_before_memory_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MEMORY_LIMIT_BYTES", 10_000)
    row = ("x" * 900, b"y" * 100)
    taken, left = gather(source(None, row), row_limit=1_000_000)
    assert (len(taken), left) == (10_000 // size_bytes(row), True)


def test_rows_are_asked_for_in_smaller_numbers_the_larger_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MEMORY_LIMIT_BYTES", 100_000)
    asked: list[int] = []

    def fetch(wanted: int) -> list[Row]:
        asked.append(wanted)
        return [("x" * 1000,)] * wanted

    gather(fetch, row_limit=1_000_000)
    assert asked[0] == rows.FIRST_CHUNK_ROWS
    assert sum(asked) * 1000 < 120_000


@pytest.mark.parametrize(
    "value",
    [
        "x" * 100_000,
        b"x" * 100_000,
        ["x"] * 100_000,
        {"a": {str(n): [n] for n in range(2000)}},
        Decimal((0, (1,) * 100_000, 0)),
    ],
    ids=["text", "bytes", "array", "document", "number"],
)
def test_all_that_a_value_holds_is_weighed(value: object) -> None:
    assert size_bytes((value,)) > 40_000
