"""What parameters say, and where it is told that they say nothing."""

from typing import Literal

import pytest

from farm.web.api.fields import Day, Given, Id, Maybe, Name, Truth
from farm.web.api.operation import adapter
from farm.web.api.problems import Problem
from farm.web.api.reading import pointer, query


class Wanted(Given):
    """Some parameters."""

    state: Maybe[Literal["open", "done"]] = None
    name: Maybe[Name] = None
    id: tuple[Id, ...] = ()
    day: Maybe[Day] = None
    all: Truth = False


def said(*items: tuple[str, str]) -> Problem:
    with pytest.raises(Problem) as refused:
        query(Wanted, items)
    return refused.value


def test_parameters_become_values():
    found = query(Wanted, [("id", "1"), ("id", "2"), ("state", "open"), ("all", "true"), ("name", "a\0b")])
    assert (found.id, found.state, found.all, found.name) == ((1, 2), "open", True, "a b")


def test_what_is_left_out_is_as_it_says():
    assert query(Wanted, []) == Wanted()


@pytest.mark.parametrize(
    ("name", "hint"), [("stat", "did you mean 'state'?"), ("zzz", "known are state, name, id, day, all")]
)
def test_an_unknown_one_is_told_with_what_there_is(name, hint):
    assert said((name, "x")).detail == f"there is no parameter {name!r}; {hint}"


@pytest.mark.parametrize(
    "item",
    [
        ("id", "1_0"),
        ("id", " 1"),
        ("id", "٣"),
        ("id", "-1"),
        ("all", "yes"),
        ("day", "2025-1-1"),
        ("name", " "),
        ("name", "\x85"),
        ("name", "\u2003\x1c"),
    ],
)
def test_values_are_written_in_one_way(item):
    assert said(item).faults[0].parameter == item[0]


def test_one_that_stands_there_twice_is_refused():
    assert "twice" in said(("state", "open"), ("state", "done")).detail


@pytest.mark.parametrize("body", ['{"name": null}', '{"id": ["1.5"]}', '{"day": 5}', '{"other": 1}'])
def test_a_body_takes_no_null_and_no_other_type(body):
    with pytest.raises(ValueError, match="validation error"):
        adapter(Wanted).validate_json(body, strict=True)


def test_a_whole_number_of_json_may_be_written_with_a_point():
    assert adapter(Wanted).validate_json('{"id": [3.0]}', strict=True).id == (3,)


def test_the_schema_says_the_same():
    schema = Wanted.model_json_schema()["properties"]
    assert schema["state"]["enum"] == ["open", "done"]
    assert schema["id"]["items"] == {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
    assert "anyOf" not in schema["name"]


@pytest.mark.parametrize(
    ("place", "told"), [((), "#"), (("ids", 1), "#/ids/1"), (("a/b", "c~d"), "#/a~1b/c~0d")]
)
def test_places_are_json_pointers(place, told):
    assert pointer(place) == told
