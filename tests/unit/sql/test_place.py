"""Places count lines and columns from one."""

import pytest

from farm.sql.place import place


@pytest.mark.parametrize(
    ("offset", "line", "column"), [(0, 1, 1), (2, 1, 3), (3, 2, 1), (5, 3, 1), (None, None, None)]
)
def test_places(offset, line, column):
    assert place("ab\nc\nd", offset) == {"line": line, "column": column}
