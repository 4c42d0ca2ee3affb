"""Dealing with the store without being held up by it: whatever hangs, hangs in a thread beside.

The watchdog's loop must go on, and end when it is told to, also while a database takes the connection and
then says nothing, or a lock on it is waited for.
"""

import concurrent.futures
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from farm.errors import Unavailable

PATIENCE_SECONDS = 2.0

T = TypeVar("T")


class Errands:
    """Run one after the other by a thread that dies with the process."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._open = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="errands", daemon=True).start()

    def send(self, errand: Callable[[], T]) -> "Future[T]":
        """Have it done in its turn."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(errand())
            except BaseException as error:
                future.set_exception(error)

        with self._changed:
            self._open += 1
        self._waiting.put(run)
        return future

    def wait(self, seconds: float) -> bool:
        """Whether everything sent is done, within this time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, seconds)

    def close(self) -> None:
        """Take no more; what was sent is still done while the process lives."""
        self._waiting.put(None)

    def _run(self) -> None:
        while (errand := self._waiting.get()) is not None:
            errand()
            with self._changed:
                self._open -= 1
                self._changed.notify_all()


class Question(Generic[T]):
    """Something asked again and again, and never a second time before the first is answered."""

    def __init__(self, errands: Errands, ask: Callable[[], T]) -> None:
        self._errands = errands
        self._ask = ask
        self._asked: Future[T] | None = None
        self._late = False

    def answer(self, patience_seconds: float = PATIENCE_SECONDS) -> T:
        """The answer, perhaps from the last time it was asked; raises Unavailable where it is late.

        Who has waited in vain once does not wait again.
        """
        if self._asked is None:
            self._asked = self._errands.send(self._ask)
        asked = self._asked
        concurrent.futures.wait([asked], timeout=0 if self._late else patience_seconds)
        self._late = not asked.done()
        if self._late:
            raise Unavailable("the store does not answer")
        self._asked = None
        return asked.result()
