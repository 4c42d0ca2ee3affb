"""The processes a watchdog looks after: workers, and the servers they need."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

import psutil

from farm.private import make_file
from farm.redaction import without_secrets
from farm.worker.config import WorkerConfig, require_picklable
from farm.worker.process import main as worker_main
from farm.worker.pulse import Failed, Pulse, Retire, WorkerState

PROBE_SECONDS = 5.0
BOOT_PROBE_SECONDS = 0.05


class Child(Protocol):
    """One running process."""

    name: str
    pid: int

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""

    def messages(self) -> list[Pulse | Failed]:
        """What it has told since the last call."""

    def memory_mib(self) -> float:
        """What it holds in memory (resident set); 0 once it has ended."""

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens if it has ended."""

    def retire(self, reason: str) -> None:
        """Tell it to finish what it has, and to end."""

    def close(self) -> None:
        """Free what the ended process has left."""


class WorkerChild:
    """A worker, started by spawn (or forkserver), with a pipe for its pulses and one for our orders."""

    def __init__(self, name: str, config: WorkerConfig, start_method: str) -> None:
        require_picklable(config)
        context = multiprocessing.get_context(start_method)
        self._pulses, pulses = context.Pipe(duplex=False)
        orders, self._orders = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # each kind of context has it
            target=worker_main, args=(name, config, pulses, orders), name=name
        )
        try:
            with pulses, orders, _ctrl_c_held():
                self._process.start()
        except OSError:
            self._pulses.close()
            self._orders.close()
            raise
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

    def memory_mib(self) -> float:
        return resident_mib(self.pid)

    def send_signal(self, number: int) -> None:
        if self.exit_code is None:
            with contextlib.suppress(OSError):  # it has ended; Windows refuses
                os.kill(self.pid, number)

    def retire(self, reason: str) -> None:
        with contextlib.suppress(OSError):
            self._orders.send(Retire(reason=reason))

    def close(self) -> None:
        self._pulses.close()
        self._orders.close()
        self._process.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A server that the farm runs for itself. `ready` probes it; its output goes to `log`.

    Of those with the same `lock` (a file) one runs at a time; the others wait for its end.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    lock: Path | None = None


class ServiceChild:
    """A running service; on Linux the kernel ends it with us. A thread probes it: each answer is a pulse."""

    def __init__(self, service: Service) -> None:
        command = list(service.command)
        if sys.platform != "win32":
            lock = str(service.lock or "-")
            command = [sys.executable, "-m", "farm.watchdog.tether", str(os.getpid()), lock, *command]
        make_file(service.log)
        with service.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**without_secrets(os.environ), **service.environment},
                start_new_session=True,
            )
        self.name = service.name
        self.pid = self._process.pid
        self._ready = service.ready
        self._answered = 0
        self._heard = 0
        self._closed = threading.Event()
        threading.Thread(target=self._probe, name=f"{service.name}-probe", daemon=True).start()

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    @property
    def is_ready(self) -> bool:
        """Whether the server has answered once."""
        return self._answered > 0

    def _probe(self) -> None:
        while not self._closed.wait(PROBE_SECONDS if self._answered else BOOT_PROBE_SECONDS):
            if self._ready():
                self._answered += 1

    def messages(self) -> list[Pulse | Failed]:
        answered, self._heard = self._answered - self._heard, self._answered
        return [Pulse(state=WorkerState.READY)] if answered else []

    def memory_mib(self) -> float:
        return resident_mib(self.pid)

    def send_signal(self, number: int) -> None:
        if self.exit_code is None:
            self._process.send_signal(number)

    def retire(self, reason: str) -> None:
        self.send_signal(signal.SIGTERM)

    def close(self) -> None:
        self._closed.set()
        self._process.wait()


def resident_mib(pid: int) -> float:
    """Memory that a process holds; 0 where there is no such process."""
    try:
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    except psutil.Error:
        return 0.0


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
