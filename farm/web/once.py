"""Doing what a form asks for once, however often a browser sends it."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

KEY_LIMIT_CHARS = 64
KEPT = 2_000

T = TypeVar("T")


@dataclass
class _Slot(Generic[T]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    result: T | None = None
    made_at: float = 0.0


class Once(Generic[T]):
    """Keeps what came of each form by the key in it; of many, the latest.

    It is kept for `lasts_seconds`, or as long as the server lives; after that the form is a new one.
    """

    def __init__(
        self,
        kept: int = KEPT,
        *,
        lasts_seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = kept
        self._lasts_seconds = lasts_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: OrderedDict[str, _Slot[T]] = OrderedDict()

    def run(self, key: str, make: Callable[[], T]) -> T:
        """What `make` gave at the first call with this key that did not fail; a second one waits for it.

        Without a key, or with one that is none of ours, everything is done anew.
        """
        if not key or len(key) > KEY_LIMIT_CHARS:
            return make()
        slot = self._slot(key)
        with slot.lock:
            if slot.result is None or self._clock() - slot.made_at > self._lasts_seconds:
                slot.result, slot.made_at = make(), self._clock()
            return slot.result

    def get(self, key: str) -> T | None:
        """What came of the form with this key, as far as it is remembered."""
        with self._lock:
            slot = self._slots.get(key)
        return None if slot is None else slot.result

    def _slot(self, key: str) -> _Slot[T]:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            while len(self._slots) > self._kept:
                self._slots.popitem(last=False)
            return slot
