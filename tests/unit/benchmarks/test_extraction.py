"""What counts as a dirty answer."""

import pytest

from benchmarks.extraction import dirt_of

SQL = "SELECT a FROM t WHERE b = 'x'"


@pytest.mark.parametrize(
    ("text", "dirt"),
    [
        (SQL, None),
        (f"{SQL};\n", None),
        (f"-- a comment; with ```\n{SQL}", None),
        ("SELECT '; ```' FROM t", None),
        ("(SELECT 1)", None),
        ("WITH a AS (SELECT 1) SELECT 2", None),
        (f"```sql\n{SQL}", "fence"),
        (f"{SQL};<|im_end|>", "mark of a turn"),
        (f"Sure: {SQL}", "no start"),
        (f"{SQL}; SELECT 1", "after the end"),
        ("SELECT a\\_b FROM t", "backslash"),
        (f"{SQL}\n\nThis query shows it.", "prose"),
        ("SELECT a FROM t WHERE b = \u2018x\u2019", "typography"),
    ],
)
def test_dirt(text, dirt):
    assert dirt_of(text) == dirt
