"""Runs queries on a SQLite file in a process of its own, which can be killed.

Inside one function call (instr, printf on long texts) SQLite heeds neither its progress handler nor an
interrupt, so the time-out must not depend on them. The child is started for the first query and serves the
next ones too; it ends when its standard input does.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.errors import TargetTrouble
from farm.targets.engine import Result

if TYPE_CHECKING:
    from farm.targets.sqlite import SqliteEngine

GRACE_SECONDS = 1.0
START_LIMIT_SECONDS = 20.0
MEMORY_LIMIT_BYTES = 2 << 30
PROGRAM = "from farm.targets.sqlite_child import main; main()"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One query for the child; the answer is a Result, or the words of a TargetTrouble."""

    sql: str
    row_limit: int
    timeout_seconds: float


class SqliteChild:
    """The parent's side. Not for use by several threads at once."""

    def __init__(self, url: str, *, target_name: str) -> None:
        self._url = url
        self._target_name = target_name
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, order: Order) -> Result:
        """What SqliteEngine.run_here gives, or raises, in the child."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        process = self._process or self._start()
        with _killed_after(process, order.timeout_seconds + GRACE_SECONDS) as killed:
            outcome = _exchange(process, order)
        if isinstance(outcome, Result):
            return outcome
        if isinstance(outcome, str):
            raise TargetTrouble(outcome)
        self.close()
        if killed.is_set():
            raise took_too_long(self._target_name, order.timeout_seconds)
        raise TargetTrouble(
            f"the query ended the process it ran in (exit code {process.returncode}), on target "
            f"{self._target_name!r}; it may need more memory than a report is given"
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with _killed_after(self._process, START_LIMIT_SECONDS):
            refused = _exchange(self._process, (self._url, self._target_name))
        if refused != "ready":
            self.close()
            raise TargetTrouble(str(refused or "the process that runs reports' queries does not start"))
        return self._process


def took_too_long(target_name: str, timeout_seconds: float) -> TargetTrouble:
    return TargetTrouble(
        f"the query took longer than {timeout_seconds:g} s on target {target_name!r} "
        "and was stopped; narrow it, or allow more time"
    )


@contextlib.contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    """Kill the process unless the block ends in time; yields the event that says so."""
    killed = threading.Event()

    def kill() -> None:
        killed.set()
        process.kill()

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield killed
    finally:
        timer.cancel()
        timer.join()


def _exchange(process: subprocess.Popen[bytes], message: object) -> object:
    """The child's answer; None where it ended instead."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        pickle.dump(message, process.stdin)
        process.stdin.flush()
        answer: object = pickle.load(process.stdout)  # noqa: S301 - written by our own child # nosec B301
    except (OSError, EOFError, pickle.UnpicklingError):
        return None
    return answer


def main() -> None:
    """The child: opens the file it is told of, says "ready" or why not, then answers orders."""
    from farm.targets.sqlite import SqliteEngine

    _limit_memory()
    url, target_name = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent # nosec B301
    try:
        engine = SqliteEngine.from_url(url, target_name=target_name)
    except TargetTrouble as trouble:
        _answer(str(trouble))
        return
    _answer("ready")
    with contextlib.suppress(EOFError):
        while True:
            order: Order = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent # nosec B301
            _answer(_outcome(engine, order))


def _outcome(engine: "SqliteEngine", order: Order) -> Result | str:
    try:
        with _ending_itself_after(order.timeout_seconds + 2 * GRACE_SECONDS):
            return engine.run_here(
                order.sql, row_limit=order.row_limit, timeout_seconds=order.timeout_seconds
            )
    except TargetTrouble as trouble:
        return str(trouble)
    except MemoryError:
        return "the query needs more memory than a report is given"


@contextlib.contextmanager
def _ending_itself_after(seconds: float) -> Iterator[None]:
    """Should the parent be gone: an alarm without a handler ends the process even within SQLite."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(outcome: object) -> None:
    pickle.dump(outcome, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
