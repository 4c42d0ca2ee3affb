"""A queue-driven worker farm that turns report questions into SQL worth keeping."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from farm.api import Farm
    from farm.batch import Batch
    from farm.checking import check
    from farm.errors import (
        BadInput,
        BadSetting,
        FarmError,
        Misuse,
        NotFound,
        QueryCancelled,
        QueryFailed,
        StoreTrouble,
        TargetTrouble,
        UnknownTarget,
    )
    from farm.settings import Settings
    from farm.sql.verdict import Finding, Verdict
    from farm.store.results import Progress, TaskResult
    from jobs.task import InvalidTask, Task

__version__ = "0.1.0"

__all__ = [
    "BadInput",
    "BadSetting",
    "Batch",
    "Farm",
    "FarmError",
    "Finding",
    "InvalidTask",
    "Misuse",
    "NotFound",
    "Progress",
    "QueryCancelled",
    "QueryFailed",
    "Settings",
    "StoreTrouble",
    "TargetTrouble",
    "Task",
    "TaskResult",
    "UnknownTarget",
    "Verdict",
    "check",
]

_HOMES = {
    "Farm": "farm.api",
    "Batch": "farm.batch",
    "Finding": "farm.sql.verdict",
    "Settings": "farm.settings",
    "Verdict": "farm.sql.verdict",
    "check": "farm.checking",
    "Progress": "farm.store.results",
    "TaskResult": "farm.store.results",
    "InvalidTask": "jobs.task",
    "Task": "jobs.task",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: the farm's own small processes need few of them."""
    if name not in __all__:
        raise AttributeError(f"module 'farm' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "farm.errors")), name)
