"""Verdicts survive the way to JSON and back; the best candidate is the one to keep or to repair."""

import json

import pytest

from farm.sql.checks import CHECKS
from farm.sql.codes import DECIDED_BY_ENGINE, STAGE_OF
from farm.sql.verdict import Candidate, Finding, Severity, Verdict, best


def candidate(name, *codes):
    return Candidate(
        sql=name, verdict=Verdict(findings=tuple(Finding(code=code, message=code) for code in codes))
    )


def test_a_verdict_survives_json():
    finding = Finding(
        code="x", message="m", severity=Severity.WARNING, line=1, column=2, nearest=("a",), hint="h"
    )
    verdict = Verdict(findings=(finding,), dry_run="sqlite 3", elapsed_ms=1.5)
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict


@pytest.mark.parametrize(
    ("candidates", "wanted"),
    [
        ([candidate("a", "syntax_error"), candidate("b")], "b"),
        ([candidate("a", "syntax_error"), candidate("b", "unknown_column")], "b"),
        ([candidate("a", "unknown_column"), candidate("b", "unknown_column", "unknown_column")], "a"),
        ([candidate("a", "not_read_only"), candidate("b", "not_read_only")], "a"),
        ([candidate("a", "could_not_check"), candidate("b", "engine_refused")], "b"),
    ],
)
def test_the_best_candidate(candidates, wanted):
    assert best(candidates).sql == wanted


def test_there_is_no_best_of_none():
    assert best(()) is None


def test_what_the_engine_decides_is_known_by_stage():
    assert set(STAGE_OF) >= DECIDED_BY_ENGINE
    assert len(CHECKS) == len(set(CHECKS))
