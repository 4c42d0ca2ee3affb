"""A result without rows, or a column without values, is warned of."""

import pytest

from farm.sql.oddities import oddities
from farm.sql.verdict import Severity


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([], False, ["empty_result: the query gives no rows on the target"]),
        ([(None, 1)], False, ["all_null_column: there is no value in any row for a"]),
        ([(None, 1), (2, None)], False, []),
        ([(None, None)] * 3, True, ["all_null_column: there is no value in the first 3 rows for a, b"]),
        ([(0, "")], False, []),
    ],
)
def test_what_is_odd_is_told(rows, more, said):
    found = list(oddities(("a", "b"), rows, more=more))
    assert [f"{finding.code}: {finding.message}" for finding in found] == said
    assert {finding.severity for finding in found} <= {Severity.WARNING}


def test_of_many_columns_some_are_named():
    [finding] = oddities([f"c{n}" for n in range(9)], [[None] * 9], more=False)
    assert finding.message.endswith("for c0, c1, c2, c3, c4, …")
