"""The processes a watchdog looks after: workers, and the servers they need."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from farm.worker.config import WorkerConfig, require_picklable
from farm.worker.process import main as worker_main
from farm.worker.pulse import Failed, Pulse


class Child(Protocol):
    """One running process."""

    name: str
    pid: int

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""

    def messages(self) -> list[Pulse | Failed]:
        """What it has told since the last call."""

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens if it has ended."""

    def close(self) -> None:
        """Free what the ended process has left."""


class WorkerChild:
    """A worker, started by spawn (or forkserver), with a pipe for its pulses."""

    def __init__(self, name: str, config: WorkerConfig, start_method: str) -> None:
        require_picklable(config)
        context = multiprocessing.get_context(start_method)
        self._pulses, theirs = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # each kind of context has it
            target=worker_main, args=(name, config, theirs), name=name
        )
        with theirs, _ctrl_c_held():
            self._process.start()
        self.name = name
        self.pid: int = self._process.pid or 0

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode

    def messages(self) -> list[Pulse | Failed]:
        told: list[Pulse | Failed] = []
        with contextlib.suppress(EOFError, OSError):
            while self._pulses.poll():
                told.append(self._pulses.recv())
        return told

    def send_signal(self, number: int) -> None:
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def close(self) -> None:
        self._pulses.close()
        self._process.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A server that the farm runs for itself. `ready` probes it; its output goes to `log`."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class ServiceChild:
    """A running service; on Linux the kernel ends it with us."""

    def __init__(self, service: Service) -> None:
        command = list(service.command)
        if sys.platform == "linux":
            command = [sys.executable, "-m", "farm.watchdog.tether", str(os.getpid()), *command]
        with service.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **service.environment},
                start_new_session=True,
            )
        self.name = service.name
        self.pid = self._process.pid
        self._ready = service.ready
        self._is_ready = False

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    @property
    def is_ready(self) -> bool:
        """Whether the server has answered once."""
        self._is_ready = self._is_ready or self._ready()
        return self._is_ready

    def messages(self) -> list[Pulse | Failed]:
        return []

    def send_signal(self, number: int) -> None:
        if self.exit_code is None:
            self._process.send_signal(number)

    def close(self) -> None:
        self._process.wait()


@contextlib.contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Hold back SIGINT: here until after the block, in a process started within it until it lets it through.

    A Ctrl-C in the terminal would else end a worker that is still starting with a traceback.
    """
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # started later, it would let SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
