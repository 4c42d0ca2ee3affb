"""A queue-driven worker farm that turns report questions into SQL worth keeping."""

from farm.api import Farm
from farm.batch import Batch
from farm.errors import (
    BadInput,
    BadSetting,
    FarmError,
    Misuse,
    NotFound,
    StoreTrouble,
    TargetTrouble,
    UnknownTarget,
)
from farm.settings import Settings
from farm.store.results import Progress, TaskResult
from jobs.task import InvalidTask, Task

__version__ = "0.1.0"

__all__ = [
    "BadInput",
    "BadSetting",
    "Batch",
    "Farm",
    "FarmError",
    "InvalidTask",
    "Misuse",
    "NotFound",
    "Progress",
    "Settings",
    "StoreTrouble",
    "TargetTrouble",
    "Task",
    "TaskResult",
    "UnknownTarget",
]
