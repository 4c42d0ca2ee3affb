"""The farm's webhooks, sent by a thread of its own: a slow receiver holds up nothing else."""

import threading
import time

import structlog

from farm.errors import StoreTrouble, TryAgain
from farm.settings import Settings
from farm.store.engine import Store
from farm.webhooks.delivering import Deliverer

PASS_SECONDS = 1.0
SHARE = 20
"""A pass that takes long is followed by a pause so many times as long, up to this:"""
MOST_PAUSE_SECONDS = 30.0
AWAY_SECONDS = 5.0
STOP_SECONDS = 5.0
LAST_PASS_SECONDS = 20.0

log = structlog.stdlib.get_logger(__name__)


class Telling:
    """Starts with its making; goes on whatever a pass meets. Does nothing where webhooks are off."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._stopped = threading.Event()
        self._last_pass = False
        self._thread: threading.Thread | None = None
        if not settings.webhook_hosts:
            return
        if not settings.webhook_secrets:
            log.warning("no webhook is sent: FARM_WEBHOOK_HOSTS is set, but FARM_WEBHOOK_SECRET is not")
            return
        self._deliverer = Deliverer(store, hosts=settings.webhook_hosts, secrets=settings.webhook_secrets)
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self, *, last_pass: bool = False) -> None:
        """End after the present pass. `last_pass`: and one more, as a batch may have ended since."""
        self._last_pass = last_pass
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=LAST_PASS_SECONDS if last_pass else STOP_SECONDS)

    def _run(self) -> None:
        pause_seconds = PASS_SECONDS
        while not self._stopped.wait(pause_seconds):
            pause_seconds = self._pass()
        if self._last_pass:
            self._pass()

    def _pass(self) -> float:
        """One pass; returns how many seconds to wait before the next."""
        began_at = time.monotonic()
        try:
            if self._deliverer.tick():
                return PASS_SECONDS
        except (TryAgain, StoreTrouble):
            return AWAY_SECONDS  # the reconciler says so
        except Exception:
            log.exception("webhooks could not be sent")
            return AWAY_SECONDS
        return min(max(PASS_SECONDS, SHARE * (time.monotonic() - began_at)), MOST_PAUSE_SECONDS)
