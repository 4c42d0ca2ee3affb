"""Evidence is a small, bounded part of a result that any store can keep."""

import datetime
import decimal
import json

import pytest

from farm.sql.evidence import CELL_CHARS, SAMPLE_COLUMNS, SAMPLE_ROWS, Evidence, evidence
from farm.sql.verdict import Verdict


def of(*rows, columns=("a",), more=False):
    return evidence(columns, list(rows), more=more, elapsed_ms=1.23456)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**60, "1152921504606846976"),
        (0.5, 0.5),
        (float("nan"), "nan"),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.date(2025, 1, 2), "2025-01-02"),
        (b"\0\1", "(2 bytes)"),
        ("nul \0 half \ud800", "nul \ufffd half ?"),
        ("x" * 1000, "x" * (CELL_CHARS - 1) + "…"),
        ([1, {"a": None}], "[1, {'a': None}]"),
    ],
)
def test_values_are_such_as_json_and_every_database_can_keep(value, shown):
    found = of((value,))
    assert found.sample == ((shown,),)
    json.dumps(found.to_dict(), allow_nan=False).encode()


def test_it_stays_small_whatever_the_result():
    columns = ["c\0" * 500] * 2_000
    found = of(*[["☕" * 10_000] * 2_000] * 100, columns=columns, more=True)
    assert (found.rows, found.more) == (100, True)
    assert (len(found.sample), len(found.sample[0]), len(found.columns)) == (
        SAMPLE_ROWS,
        SAMPLE_COLUMNS,
        SAMPLE_COLUMNS,
    )
    assert len(json.dumps(found.to_dict(), ensure_ascii=False)) < 30_000


def test_it_travels_in_its_verdict_and_old_verdicts_have_none():
    verdict = Verdict(evidence=of((1, "x"), (None, None), columns=("a", "b")), dry_run="sqlite 3")
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict
    bare = Verdict().to_dict()
    assert "evidence" not in bare
    assert Verdict.from_dict(bare).evidence is None
    assert isinstance(verdict.evidence, Evidence)
