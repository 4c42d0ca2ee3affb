"""The tree in the docstring is the tree in the code."""

import inspect
import pickle
import re

import pytest

from farm import errors

TREE = {name: value for name, value in vars(errors).items() if inspect.isclass(value)}


def drawn() -> dict[str, str]:
    """Each class of the drawing with the one it hangs from."""
    parents: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^([ │├└─]*)([A-Z]\w+)(?:\s{2,}.*)?$", line)
        if not found or found[2] not in TREE:
            continue
        depth, name = len(found[1]), found[2]
        while stack and stack[-1][0] >= depth:
            stack.pop()
        if stack:
            parents[name] = stack[-1][1]
        stack.append((depth, name))
    return parents


def test_every_error_stands_in_the_drawing_under_its_base():
    bases = {name: value.__bases__[0].__name__ for name, value in TREE.items() if name != "FarmError"}
    assert drawn() == bases


def test_every_error_says_what_it_means():
    assert all((value.__doc__ or "").strip().endswith(".") for value in TREE.values())


def test_patience_is_carried():
    assert errors.Throttled("slow down", retry_after_seconds=1.5).retry_after_seconds == 1.5
    assert errors.Throttled("slow down").retry_after_seconds is None


@pytest.mark.parametrize("kind", TREE.values())
def test_errors_travel_between_processes(kind: type[Exception]):
    assert str(pickle.loads(pickle.dumps(kind("said so")))) == "said so"
