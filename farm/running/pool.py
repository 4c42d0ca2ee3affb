"""Child processes that run queries, kept warm between runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from farm.targets.child import EngineChild
from farm.targets.runner import open_runner
from farm.targets.target import Target

IDLE_PER_TARGET = 2
IDLE_SECONDS = 60.0
NEVER_IDLE = frozenset({"duckdb"})
"""An open DuckDB file is locked against everybody who wants to write to it."""

Key = tuple[str, str | None]


class RunnerPool:
    """Lends runners, each to one thread at a time; a few idle ones wait for more work."""

    def __init__(
        self,
        *,
        idle_per_target: int = IDLE_PER_TARGET,
        idle_seconds: float = IDLE_SECONDS,
        open_one: Callable[[Target], EngineChild] = open_runner,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle_per_target = idle_per_target
        self._idle_seconds = idle_seconds
        self._open_one = open_one
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[Key, list[tuple[float, EngineChild]]] = {}
        self._is_closed = False

    @contextmanager
    def lent(self, target: Target) -> Iterator[EngineChild]:
        """A runner of the target for as long as the block; raises TargetTrouble where it has no database."""
        runner = self._take(target) or self._open_one(target)
        try:
            yield runner
        finally:
            self._give_back(target, runner)

    def sweep(self) -> None:
        """End the runners that nobody has wanted for a while."""
        too_old = self._clock() - self._idle_seconds
        ended: list[EngineChild] = []
        with self._lock:
            for waiting in self._idle.values():
                ended += [runner for since, runner in waiting if since < too_old]
                waiting[:] = [(since, runner) for since, runner in waiting if since >= too_old]
        for runner in ended:
            runner.close()

    def close(self) -> None:
        """End the idle runners; those that are lent end when they come back."""
        with self._lock:
            self._is_closed = True
            ended = [runner for waiting in self._idle.values() for _, runner in waiting]
            self._idle.clear()
        for runner in ended:
            runner.close()

    def _take(self, target: Target) -> EngineChild | None:
        with self._lock:
            waiting = self._idle.get(_key(target))
            return waiting.pop()[1] if waiting else None

    def _give_back(self, target: Target, runner: EngineChild) -> None:
        self.sweep()
        with self._lock:
            waiting = self._idle.setdefault(_key(target), [])
            wanted = not self._is_closed and target.dialect not in NEVER_IDLE
            if wanted and len(waiting) < self._idle_per_target:
                waiting.append((self._clock(), runner))
                return
        runner.close()


def _key(target: Target) -> Key:
    return target.name, target.url
