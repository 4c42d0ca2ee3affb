"""One farm under test: `farm up` or `farm workers`, started as a user starts it, and kept running."""

from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from benchmarks.harness.kept import Kept


class FarmTree(Kept):
    """The command and its process tree."""

    def __init__(
        self, name: str, command: list[str], *, log: Path, environment: Mapping[str, str], cwd: Path
    ) -> None:
        super().__init__(name, command, log=log, environment=environment, cwd=cwd)

    def workers(self) -> list[int]:
        """Its worker processes, ready or still starting."""
        return self._members(lambda words: "spawn_main" in words)

    def checkers(self) -> list[int]:
        """The checker processes of its workers."""
        return self._members(lambda words: "farm.checker.process" in words)

    def redis(self) -> list[int]:
        """The queue's server, if it runs one."""
        return self._members(lambda words: "redis.sock" in words)

    def _members(self, wanted: Callable[[str], bool]) -> list[int]:
        return [member.pid for member in self.family() if wanted(_words(member))]


def _words(process: psutil.Process) -> str:
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.Error:
        return ""
