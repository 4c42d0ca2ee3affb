"""One warm engine for one target: opened when first needed, reopened when its connection breaks."""

import time
from collections.abc import Callable
from typing import Protocol

from farm.targets.engine import NoEngine

REST_SECONDS = 30.0


class Engine(Protocol):
    """The part of a target's engine that a dry run needs."""

    @property
    def name(self) -> str: ...
    def prepare(self, sql: str) -> str | None: ...
    def close(self) -> None: ...


class DryRun:
    """Asks the engine to prepare a query. Where it cannot be opened, rests half a minute between tries."""

    def __init__(
        self, open_: Callable[[], Engine | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open = open_
        self._clock = clock
        self._engine: Engine | None = None
        self._reason = ""
        self._resting_until = float("-inf")

    @property
    def name(self) -> str:
        """The engine's name; raises NoEngine where there is none."""
        return self._ready().name

    def __call__(self, sql: str) -> str | None:
        """The engine's error message, None when it accepts; raises NoEngine when it cannot be asked."""
        try:
            return self._ready().prepare(sql)
        except NoEngine:
            raise
        except Exception:  # the connection broke: once more on a new one
            self.close()
        try:
            return self._ready().prepare(sql)
        except NoEngine:
            raise
        except Exception as error:
            self.close()
            raise self._rest(f"the engine fails: {_words(error)}") from error

    def close(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            try:
                engine.close()
            except Exception:  # a broken connection may refuse even this, and nothing is lost by it
                return

    def _ready(self) -> Engine:
        if self._engine is not None:
            return self._engine
        if self._clock() < self._resting_until:
            raise NoEngine(self._reason)
        try:
            self._engine = self._open()
        except NoEngine as absent:
            raise self._rest(str(absent)) from None
        except Exception as error:
            raise self._rest(f"the engine cannot be opened: {_words(error)}") from error
        if self._engine is None:
            raise self._rest("no engine for this dialect is at hand")
        return self._engine

    def _rest(self, reason: str) -> NoEngine:
        self._reason = reason
        self._resting_until = self._clock() + REST_SECONDS
        return NoEngine(reason)


def _words(error: Exception) -> str:
    return (str(error).partition("\n")[0] or type(error).__name__)[:200]
