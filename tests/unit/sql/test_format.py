"""Layout is for display and never fails."""

import pytest

from farm.sql.format import pretty


def test_a_query_is_laid_out():
    assert pretty("select a, b from t where a = 1", "sqlite") == "SELECT\n  a,\n  b\nFROM t\nWHERE\n  a = 1"


@pytest.mark.parametrize(
    "sql", ["", "SELECT (", "not sql at all '", "SELECT " + "(" * 30_000, "FROM " + "(" * 16_000]
)
def test_what_cannot_be_read_comes_back_as_it_was(sql):
    assert pretty(sql, "postgres") == sql
