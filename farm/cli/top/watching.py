"""Reads the figures again and again in a thread, so that keys are answered while a store is slow or away."""

import threading
import time
from dataclasses import dataclass
from typing import Self

from farm.api import Farm
from farm.cli.top.figures import Figures, read
from farm.errors import FarmError, Unavailable
from farm.settings import Settings

SHARE_OF_TIME = 0.2
"""No more than so much of the time is spent on reading, however long it takes."""
CLOSE_LIMIT_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """The latest figures, if there are some, and why there are no newer ones, if so."""

    figures: Figures | None = None
    trouble: str | None = None


class Watching:
    """Opens the farm and reads it until the end of its block; goes on trying while its store is away."""

    def __init__(self, settings: Settings, *, hours: int, every_seconds: float) -> None:
        self._settings, self._hours, self._every_seconds = settings, hours, every_seconds
        self._seen = Seen()
        self._failure: Exception | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="top", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(CLOSE_LIMIT_SECONDS)  # a store that does not answer is not waited for

    def latest(self) -> Seen:
        """What was read last; raises what cannot pass by itself, such as a wrong setting."""
        if self._failure is not None:
            raise self._failure
        return self._seen

    def _run(self) -> None:
        farm: Farm | None = None
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                try:
                    farm = farm or Farm.connect(self._settings)
                    self._seen = Seen(figures=read(farm, hours=self._hours))
                except FarmError as error:
                    if self._seen.figures is None and not isinstance(error, Unavailable):
                        raise
                    self._seen = Seen(figures=self._seen.figures, trouble=str(error))
                took = time.monotonic() - began
                self._stopping.wait(max(self._every_seconds - took, took / SHARE_OF_TIME))
        except Exception as error:
            self._failure = error
        finally:
            if farm is not None:
                farm.close()
