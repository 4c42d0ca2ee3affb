"""Errors of the farm as problems of the API."""

import pytest

from farm.errors import (
    BadInput,
    FarmError,
    GiveUp,
    NotFound,
    QueryFailed,
    StoreTrouble,
    Throttled,
    Unavailable,
    UnknownTarget,
)
from farm.store.requests import KeyReused
from farm.web.api.problems import FAULTS_SHOWN, KINDS, Fault, Problem, kind_of, of_error


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (BadInput("x"), "bad-input", 422),
        (UnknownTarget("x"), "bad-input", 422),
        (NotFound("x"), "not-found", 404),
        (KeyReused("x"), "key-reused", 422),
        (StoreTrouble("x"), "unavailable", 503),
        (Unavailable("x"), "unavailable", 503),
        (QueryFailed("x"), "target-failed", 502),
        (GiveUp("x"), "broken", 500),
    ],
)
def test_each_error_has_its_kind_and_keeps_its_words(error: FarmError, kind: str, status: int):
    found = of_error(error)
    assert (found.kind, found.status, found.detail) == (kind, status, "x")


@pytest.mark.parametrize(("seconds", "told"), [(None, "5"), (12.4, "12"), (0.0, "1")])
def test_what_may_succeed_later_says_when(seconds, told):
    assert of_error(Throttled("x", retry_after_seconds=seconds)).headers == {"retry-after": told}


def test_of_very_many_faults_the_first_are_told_and_all_counted():
    many = [Fault(detail="bad", line=line) for line in range(250)]
    said = Problem(kind="bad-rows", detail="x", faults=many).to_dict()
    assert (len(said["errors"]), said["error_count"]) == (FAULTS_SHOWN, 250)
    assert said["errors"][0] == {"detail": "bad", "line": 0}


def test_text_that_is_no_unicode_breaks_no_answer():
    answer = Problem(kind="not-found", detail="\ud800").response()
    assert answer.status_code == 404


def test_each_status_has_a_kind():
    assert all(KINDS[kind_of(status)][0] == status for status, _ in KINDS.values())
    assert kind_of(418) == "broken"
