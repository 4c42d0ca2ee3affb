"""A worker process from its first line to its last; everything it needs is handed over, picklable."""

import asyncio
import contextlib
import faulthandler
import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import structlog

from farm.cancelling import cancel
from farm.errors import BadSetting, FarmError, StopRoute, TryAgain
from farm.redaction import redactor
from farm.worker.config import WorkerConfig
from farm.worker.orphan import die_with_parent
from farm.worker.pulse import Failed, Pulse, Retire, WorkerState

if TYPE_CHECKING:
    from farm.checker.client import Checker
    from farm.worker.warm import Warm
    from farm.worker.worker import FarmWorker

FAILED_EXIT_CODE = 3
PULSE_SECONDS = 1.0
BEATS_PER_LEASE = 3
MAX_REASON_CHARS = 900

log = structlog.stdlib.get_logger(__name__)


def main(name: str, config: WorkerConfig, watchdog: Connection, orders: Connection) -> None:
    """Run one worker until it is told to end. Exits with FAILED_EXIT_CODE after sending the reason.

    Signs of life go to `watchdog`, what it wants comes from `orders`.
    """
    die_with_parent()
    gc.disable()  # until everything that lives as long as the process is loaded: a fifth of the way to there
    faulthandler.enable()  # the watchdog's SIGABRT asks for a stack dump
    _leave_ctrl_c_to_the_watchdog()
    if sys.platform != "win32":
        os.set_blocking(watchdog.fileno(), False)  # a watchdog that does not read must not stop the loop
    from farm import logs
    from farm.tracing import switch

    settings = config.settings
    secrets = settings.secrets() | switch.secrets(os.environ)
    logs.configure(
        level=settings.log_level,
        format=settings.log_format,
        path=settings.log_file,
        worker=name,
        secrets=secrets,
    )
    try:
        asyncio.run(_live(config, name, watchdog, orders))
    except FarmError as error:
        if not isinstance(error, StopRoute):
            log.error("cannot go on", reason=str(error))
        reason = redactor(secrets)(str(error))[:MAX_REASON_CHARS]
        _tell(watchdog, Failed(reason=reason, passing=isinstance(error, TryAgain)))
        sys.exit(FAILED_EXIT_CODE)
    except Exception:
        log.exception("the worker failed")  # not as Python would print it: where logs go, without secrets
        sys.exit(1)


def _leave_ctrl_c_to_the_watchdog() -> None:
    """A terminal's Ctrl-C reaches the whole group, even while this process was starting (see WorkerChild)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        os.setpgid(0, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


async def _live(config: WorkerConfig, name: str, watchdog: Connection, orders: Connection) -> None:
    """Build what is kept warm, work, and take it down again."""
    async with _checking(config) as checker:
        from farm.worker.warm import Warm  # half of a worker's start, and the checker's goes on beside it

        await _work(Warm(config, name, checker), config, watchdog, orders)


@contextlib.asynccontextmanager
async def _checking(config: WorkerConfig) -> AsyncIterator["Checker"]:
    """A checker whose process has been started; it is not awaited."""
    from farm.checker.client import Checker
    from farm.checker.engines import Scratch

    checker = Checker(
        timeout_seconds=config.settings.check_timeout_seconds,
        scratch=Scratch.of(config.settings),
    )
    checker.begin()
    await asyncio.sleep(0)  # the loop's one turn that starts it
    try:
        yield checker
    finally:
        await checker.close()


async def _work(unbuilt: "Warm", config: WorkerConfig, watchdog: Connection, orders: Connection) -> None:
    """From when everything is built to the end of the work."""
    async with unbuilt as warm:
        if config.settings.initializer:
            initialize(config.settings.initializer)
        gc.freeze()
        gc.enable()
        _obey(orders, warm.worker)
        pause_seconds = config.settings.lease_seconds / BEATS_PER_LEASE
        # leases are renewed apart from what Redis hears: it may be away for longer than a lease
        helpers = [
            asyncio.create_task(_repeat(warm.renew, pause_seconds)),
            asyncio.create_task(_repeat(warm.beat, pause_seconds)),
            asyncio.create_task(_pulse_forever(warm, watchdog)),
        ]
        try:
            await warm.worker.run()
        finally:
            await cancel(helpers)


def _obey(orders: Connection, worker: "FarmWorker") -> None:
    """Let the worker retire when the watchdog says so; a thread waits, as pipes do on every system."""
    loop = asyncio.get_running_loop()

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError, RuntimeError):  # the watchdog or the loop has ended
            while True:
                if isinstance(order := orders.recv(), Retire):
                    log.info("retiring", reason=order.reason)
                    loop.call_soon_threadsafe(worker.retire)

    threading.Thread(target=listen, name="watchdog-orders", daemon=True).start()


def initialize(path: str) -> None:
    """Call the user's function; raises BadSetting for whatever goes wrong in it."""
    function = load(path)
    try:
        function()
    except Exception as error:
        log.exception("the initializer failed")
        raise BadSetting(f"initializer {path!r} failed: {type(error).__name__}: {error}") from error


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


async def _repeat(beat: Callable[[], Awaitable[object]], pause_seconds: float) -> None:
    while True:
        await asyncio.sleep(pause_seconds)
        try:
            await beat()
        except Exception as error:
            log.warning("missed a heartbeat", error=str(error))


async def _pulse_forever(warm: Any, watchdog: Connection) -> None:
    while True:
        worker = warm.worker
        if worker.worker_state is not WorkerState.STARTING:
            pulse = Pulse(
                state=worker.worker_state,
                in_flight=len(worker.in_flight),
                tasks_done=worker.tasks_done,
                overdue=warm.phases.most_overdue(),
            )
            _tell(watchdog, pulse)
        await asyncio.sleep(PULSE_SECONDS if worker.worker_state is not WorkerState.STARTING else 0.05)


def _tell(watchdog: Connection, message: Pulse | Failed) -> None:
    """Messages are shorter than PIPE_BUF: each goes out whole or, where nobody reads, not at all."""
    with contextlib.suppress(OSError):
        watchdog.send(message)
