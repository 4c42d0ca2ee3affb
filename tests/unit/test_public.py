"""`__all__` is the promise: nothing public is missing from it, and all of it is there."""

import importlib
import subprocess
import sys
import typing
from types import ModuleType

import pytest

import farm
import farm.errors
import jobs


def public(module: ModuleType) -> set[str]:
    """The names of a module that are neither private nor a submodule."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and name not in ("import_module", "Any", "TYPE_CHECKING")
    }


def test_the_farm_offers_what_it_promises_and_nothing_else():
    for name in farm.__all__:
        assert getattr(farm, name).__name__ == name
    assert public(farm) <= set(farm.__all__)
    assert sorted(farm.__all__) == farm.__all__


def test_every_misuse_can_be_caught_by_its_public_name():
    misuses = {name for name, value in vars(farm.errors).items() if isinstance(value, type)}
    raised = {name for name in misuses if issubclass(getattr(farm.errors, name), farm.errors.Misuse)}
    assert raised | {"FarmError"} == {name for name in farm.__all__ if name in misuses}


def test_the_farm_has_no_other_attribute():
    with pytest.raises(AttributeError, match="Nonsense"):
        farm.Nonsense  # noqa: B018


def test_jobs_offers_what_it_promises():
    assert public(jobs) == set(jobs.__all__)


def test_every_module_with_a_promise_keeps_it():
    for name in ("farm.store.tasks", "farm.store.engine"):
        module = importlib.import_module(name)
        missing = [entry for entry in module.__all__ if not hasattr(module, entry)]
        assert missing == []


def test_a_task_of_the_farm_is_a_task_of_jobs():
    assert farm.Task is jobs.Task
    assert typing.get_type_hints(jobs.Task)["question"] is str


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_producer_that_depends_on_jobs_loads_no_heavy_library():
    heavy = {"openai", "sqlglot", "sqlalchemy", "pydantic", "redis", "rq", "alembic", "farm"}
    assert not loaded_by("import jobs; jobs.Task(question='q', target='t')") & heavy


def test_importing_the_farm_loads_nothing_until_a_name_is_used():
    assert not loaded_by("import farm") & {"openai", "sqlglot", "sqlalchemy", "pydantic", "redis", "rq"}
