"""The farm's reconciler, going round in a thread of its own."""

import contextlib
import os
import socket
import threading
import time

import structlog

from farm.errors import FarmError
from farm.queue.connection import connect
from farm.queue.hints import Hints
from farm.queue.reconciler import Reconciler
from farm.settings import Settings
from farm.store import counters
from farm.store.engine import Store

PASS_SECONDS = 0.25
STOP_SECONDS = 5.0
FOLD_SECONDS = 10.0
"""How often counters are summed up where no pages are served that do so."""

log = structlog.stdlib.get_logger(__name__)


class Reconciling:
    """Starts with its making; goes on whatever a pass meets."""

    def __init__(self, settings: Settings, store: Store, redis_url: str) -> None:
        self._store, self._fold_at = store, time.monotonic() + FOLD_SECONDS
        self._connection = connect(redis_url)
        self._reconciler = Reconciler(
            store,
            Hints(self._connection),
            name=f"{socket.gethostname()}.{os.getpid()}",
            queues=settings.all_pools(),
            window=settings.hint_window,
            lease_seconds=settings.lease_seconds,
            max_attempts=settings.max_attempts,
            clock=time.monotonic,
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the present pass."""
        self._stopped.set()
        self._thread.join(timeout=STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopped.wait(PASS_SECONDS):
            try:
                self._reconciler.tick()
                self._fold()
            except Exception:
                log.exception("a reconciler's pass failed")
        self._connection.close()

    def _fold(self) -> None:
        if time.monotonic() < self._fold_at:
            return
        self._fold_at = time.monotonic() + FOLD_SECONDS
        with contextlib.suppress(FarmError):  # a store that is away is the reconciler's to tell
            while counters.fold(self._store) and not self._stopped.is_set():
                pass
