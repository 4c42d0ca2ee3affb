"""The wire contract between producers and workers: what can be asked, and by which name.

Importing this package loads no openai, sqlglot or sqlalchemy, so a producer can depend on it alone.
"""

from jobs.generate import generate
from jobs.task import InvalidTask, Task

__all__ = ["InvalidTask", "Task", "generate"]
