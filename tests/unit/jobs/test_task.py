"""What a producer may ask, and what is refused before it reaches a database."""

import pickle
from typing import Any

import pytest

from jobs.task import KEY_LIMIT_CHARS, QUESTION_LIMIT_CHARS, InvalidTask, Task


def task(**options: Any) -> Task:
    return Task(**{"question": "Revenue per month?", "target": "shop", **options})


def test_a_question_and_a_target_are_enough():
    assert task() == Task(question="Revenue per month?", target="shop")
    assert (task().priority, task().tags, task().model) == (0, (), None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"question": ""}, "the question is empty"),
        ({"question": " \n\t"}, "the question is empty"),
        ({"question": None}, "the question is empty"),
        ({"question": 5}, "the question is int, not text"),
        ({"question": "x" * (QUESTION_LIMIT_CHARS + 1)}, "8,001 characters"),
        ({"question": "a\0b"}, "the question contains a NUL"),
        ({"question": "\ud83d alone"}, "the question contains half a character"),
        ({"target": ""}, "the target is missing"),
        ({"target": "  "}, "the target is missing"),
        ({"target": "sh\0p"}, "the target contains a NUL"),
        ({"key": "k\0"}, "the key contains a NUL"),
        ({"key": 7}, "the key is int, not text"),
        ({"key": "k" * (KEY_LIMIT_CHARS + 1)}, "the key has 501 characters"),
        ({"model": "m\0"}, "the model contains a NUL"),
        ({"model": b"m"}, "the model is bytes, not text"),
        ({"model": False}, "the model is bool, not text"),
        ({"dialect": []}, "the dialect is list, not text"),
        ({"priority": 101}, "outside -100 to 100"),
        ({"priority": -101}, "outside -100 to 100"),
        ({"priority": 1.5}, "not a whole number"),
        ({"priority": True}, "not a whole number"),
        ({"priority": "5"}, "not a whole number"),
        ({"tags": ["monthly"]}, "no tuple"),
        ({"tags": "monthly"}, "no tuple"),
        ({"tags": ("monthly", 5)}, "a tag is int"),
        ({"tags": ("\udc00",)}, "a tag contains half a character"),
    ],
)
def test_a_task_that_cannot_be_asked_is_refused_with_what_is_wrong(options: dict[str, Any], said: str):
    with pytest.raises(InvalidTask, match=said):
        task(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"question": "x" * QUESTION_LIMIT_CHARS},
        {"question": "Umsatz je Straße in Ærøskøbing 🛒 e\u0301 \u202e?"},
        {"priority": 100},
        {"priority": -100},
        {"key": "k" * KEY_LIMIT_CHARS},
        {"tags": ("monthly", "")},
    ],
)
def test_what_is_odd_but_can_be_kept_is_taken(options: dict[str, Any]):
    assert task(**options)


def test_the_key_follows_from_target_question_and_model():
    assert task().idempotency_key == task(question="  Revenue\nper   month? ").idempotency_key
    assert len(task().idempotency_key) == 32
    others = [task(target="bank"), task(question="Revenue per day?"), task(model="big")]
    assert len({each.idempotency_key for each in [task(), *others]}) == 4
    assert task(priority=5, tags=("a",)).idempotency_key == task().idempotency_key


def test_the_key_is_the_same_in_every_version():
    """A changed derivation would ask and pay for everything again."""
    assert task().idempotency_key == "774f31c0255afa276b5004dd6c379100"


def test_parts_do_not_run_into_each_other():
    a = Task(question="b c", target="a", model="")
    b = Task(question="c", target="a b")
    assert a.idempotency_key != b.idempotency_key


def test_another_dialect_is_another_task():
    keys = {task(dialect=dialect).idempotency_key for dialect in (None, "", "mysql", "duckdb")}
    assert len(keys) == 3
    assert task().idempotency_key in keys, "no dialect is the key of every version"


def test_a_given_key_is_kept_as_it_is():
    assert task(key="june-1").idempotency_key == "june-1"
    assert task(key="").idempotency_key == task().idempotency_key


def test_a_task_is_a_value_that_travels():
    asked = task(tags=("a", "b"), priority=3)
    assert pickle.loads(pickle.dumps(asked)) == asked
    assert hash(asked) == hash(task(tags=("a", "b"), priority=3))
    with pytest.raises(AttributeError):
        asked.question = "another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, task()),
        ({"key": "", "model": None, "priority": "", "tags": None}, task()),
        ({"priority": "7"}, task(priority=7)),
        ({"priority": -7}, task(priority=-7)),
        ({"tags": "a, b,,c "}, task(tags=("a", "b", "c"))),
        ({"tags": ["a", " b "]}, task(tags=("a", "b"))),
        ({"tags": ""}, task()),
        ({"key": "k", "model": "m"}, task(key="k", model="m")),
    ],
)
def test_a_row_becomes_a_task(row: dict[str, Any], expected: Task):
    assert Task.from_mapping({"question": "Revenue per month?", "target": "shop", **row}) == expected


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"colour": "red"}, "unknown column 'colour'"),
        ({"question": 5}, "column 'question' holds int"),
        ({"target": ["shop"]}, "column 'target' holds list"),
        ({"priority": "high"}, "'high' is not a whole number"),
        ({"priority": "2.5"}, "'2.5' is not a whole number"),
        ({"priority": 2.5}, "2.5 is not a whole number"),
        ({"priority": float("inf")}, "inf is not a whole number"),
        ({"priority": [1]}, "not a whole number"),
        ({"priority": True}, "True is not a whole number"),
        ({"priority": "9" * 5000}, "not a whole number"),
        ({"tags": 5}, "neither a list"),
        ({"tags": ["a", 5]}, "neither a list"),
        ({"tags": {"a": 1}}, "neither a list"),
    ],
)
def test_a_row_that_is_no_task_is_refused_with_its_column(row: dict[str, Any], said: str):
    with pytest.raises(InvalidTask, match=said):
        Task.from_mapping({"question": "Revenue per month?", "target": "shop", **row})
