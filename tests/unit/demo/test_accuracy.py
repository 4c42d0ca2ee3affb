import time
from datetime import date
from decimal import Decimal

import pytest

from farm.demo.accuracy import Rows, same_result

CASES: list[tuple[str, Rows, Rows, bool]] = [
    ("equal rows", [(1, "a"), (2, "b")], [(1, "a"), (2, "b")], True),
    ("another order of rows", [(1, "a"), (2, "b")], [(2, "b"), (1, "a")], True),
    ("another order of columns", [(1, "a"), (2, "b")], [("a", 1), ("b", 2)], True),
    ("values paired differently", [(1, "a"), (2, "b")], [(1, "b"), (2, "a")], False),
    ("an extra column", [(1,)], [(1, 1)], False),
    ("a missing column", [(1, 1)], [(1,)], False),
    ("an extra row", [(1,)], [(1,), (1,)], False),
    ("a different count of equal rows", [(1,), (1,), (2,)], [(1,), (2,), (2,)], False),
    ("int and float", [(1,)], [(1.0,)], True),
    ("int and Decimal", [(1,)], [(Decimal("1.00"),)], True),
    ("rounded and not", [(12.35, "a")], [(12.3456, "a")], True),
    ("rounded too coarsely", [(12.35,)], [(12.4,)], False),
    ("a cent off", [(12.35,)], [(12.36,)], False),
    ("neighbouring whole numbers", [(10_000_000,)], [(10_000_001,)], False),
    ("noise of large sums", [(1e9 / 3,)], [(1e9 / 3 + 1e-5,)], True),
    ("nothing and zero", [(None,)], [(0,)], False),
    ("nothing and empty text", [(None,)], [("",)], False),
    ("number and its text", [(2025,)], [("2025",)], False),
    ("date and its text", [(date(2025, 1, 31),)], [("2025-01-31",)], True),
    ("text in another case", [("a",)], [("A",)], False),
    ("bytes and text", [(b"a",)], [("a",)], False),
    ("both empty", [], [], True),
    ("empty and not", [], [(1,)], False),
    ("counts beside rounded averages", [(4.14, 58), (4.14, 43)], [(4.1395, 43), (4.1379, 58)], True),
    ("fractions paired differently", [(1.5, 2.5), (2.5, 1.5)], [(1.5, 1.5), (2.5, 2.5)], False),
    ("columns that look alike", [(1, 2, 1), (2, 1, 3)], [(1, 1, 2), (3, 2, 1)], True),
]


@pytest.mark.parametrize(("gold", "got", "same"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_results_are_compared_by_value(gold: Rows, got: Rows, same: bool) -> None:
    assert same_result(gold, got, ordered=False) is same
    assert same_result(got, gold, ordered=False) is same


def test_order_counts_only_where_it_was_asked_for() -> None:
    assert not same_result([(1,), (2,)], [(2,), (1,)], ordered=True)
    assert same_result([(1, "a"), (2, "b")], [("a", 1), ("b", 2)], ordered=True)


def test_many_columns_that_look_alike_take_no_time() -> None:
    width = 14
    gold = [tuple((row + column) % width for column in range(width)) for row in range(width)]
    got = [tuple(reversed(row)) for row in gold]
    started = time.process_time()

    assert same_result(gold, got, ordered=False)
    assert not same_result(gold, [*got[:-1], (0,) * width], ordered=False)
    assert time.process_time() - started < 5


def test_large_results_are_compared_quickly() -> None:
    gold = [(n, f"name {n}", n / 7) for n in range(20_000)]
    started = time.process_time()

    assert same_result(gold, gold[::-1], ordered=False)
    assert time.process_time() - started < 5
