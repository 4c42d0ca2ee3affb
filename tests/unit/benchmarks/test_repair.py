"""Gold queries stand for all that they allow."""

import pytest

from benchmarks.repair import variants


@pytest.mark.parametrize(
    ("gold", "queries"),
    [
        ("SELECT a FROM t;", ["SELECT a FROM t"]),
        ("SELECT a; SELECT b", ["SELECT a", " SELECT b"]),
        (
            "SELECT {a, b}, c FROM t GROUP BY {}, c",
            [
                "SELECT a, c FROM t GROUP BY a, c",
                "SELECT b, c FROM t GROUP BY b, c",
                "SELECT a, b, c FROM t GROUP BY a, b, c",
            ],
        ),
    ],
)
def test_variants(gold, queries):
    assert list(variants(gold)) == queries
