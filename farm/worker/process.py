"""A worker process from its first line to its last; everything it needs is handed over, picklable."""

import asyncio
import importlib
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import structlog

from farm.errors import BadSetting, FarmError, StopRoute
from farm.worker.config import WorkerConfig
from farm.worker.orphan import die_with_parent
from farm.worker.pulse import Failed, Pulse, WorkerState

FAILED_EXIT_CODE = 3
PULSE_SECONDS = 1.0
BEATS_PER_LEASE = 3

log = structlog.stdlib.get_logger(__name__)


def main(name: str, config: WorkerConfig, watchdog: Connection) -> None:
    """Run one worker until it is told to end. Exits with FAILED_EXIT_CODE after sending the reason."""
    die_with_parent()
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # Ctrl-C in a terminal is the watchdog's to handle
    from farm import logs

    settings = config.settings
    logs.configure(level=settings.log_level, format=settings.log_format, path=settings.log_file, worker=name)
    try:
        asyncio.run(_live(config, name, watchdog))
    except FarmError as error:
        if not isinstance(error, StopRoute):
            log.error("cannot go on", reason=str(error))
        _tell(watchdog, Failed(reason=str(error)))
        sys.exit(FAILED_EXIT_CODE)


async def _live(config: WorkerConfig, name: str, watchdog: Connection) -> None:
    """Build what is kept warm, work, and take it down again."""
    from farm.worker.warm import Warm

    async with Warm(config, name) as warm:
        if config.settings.initializer:
            load(config.settings.initializer)()
        beating = asyncio.create_task(_beat_forever(warm, config))
        pulsing = asyncio.create_task(_pulse_forever(warm, watchdog))
        try:
            await warm.worker.run()
        finally:
            beating.cancel()
            pulsing.cancel()


def load(path: str) -> Callable[[], object]:
    """The function that `package.module:function` names; raises BadSetting where there is none."""
    module, _, function = path.partition(":")
    try:
        found: Callable[[], object] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadSetting(
            f"initializer {path!r} cannot be loaded ({error}); write package.module:function"
        ) from None
    if not callable(found):
        raise BadSetting(f"initializer {path!r} is no function")
    return found


async def _beat_forever(warm: Any, config: WorkerConfig) -> None:
    """Renew all leases and show life, several times per lease."""
    pause_seconds = config.settings.lease_seconds / BEATS_PER_LEASE
    while True:
        await asyncio.sleep(pause_seconds)
        try:
            await warm.beat()
        except Exception as error:
            log.warning("missed a heartbeat", error=str(error))


async def _pulse_forever(warm: Any, watchdog: Connection) -> None:
    while True:
        worker = warm.worker
        if worker.worker_state is not WorkerState.STARTING:
            state = worker.worker_state
            _tell(watchdog, Pulse(state=state, in_flight=len(worker.in_flight), tasks_done=worker.tasks_done))
        await asyncio.sleep(PULSE_SECONDS if worker.worker_state is not WorkerState.STARTING else 0.05)


def _tell(watchdog: Connection, message: Pulse | Failed) -> None:
    try:
        watchdog.send(message)
    except OSError:
        log.warning("the watchdog does not listen")
