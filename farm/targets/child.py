"""Runs queries in a process of its own, which can be killed and whose memory is limited.

Inside one function call (instr, printf on long texts) SQLite heeds neither its progress handler nor an
interrupt; a Postgres server may ignore a request to cancel, or send a single value of a gigabyte, which its
driver takes in whole. So neither the time-out nor the bound on memory may depend on them. The child is
started for the first query and serves the next ones too; it ends when its standard input does.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from farm.errors import QueryFailed, TargetTrouble
from farm.targets.engine import Result
from farm.targets.urls import dialect_of

START_LIMIT_SECONDS = 20.0
MEMORY_LIMIT_BYTES = 1 << 30
TEMP_FILE_LIMIT_BYTES = 1 << 30
"""A file that SQLite sorts in; Postgres' own limit is set to as much, where the role may set it."""
PROGRAM = "from farm.targets.child import main; main()"
NEEDS_MEMORY = "the query needs more memory than a report is given"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What the child opens; the URL, a secret, goes through the pipe alone."""

    url: str
    target_name: str
    search_path: str | None = None
    memory_limit_bytes: int = MEMORY_LIMIT_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One query for the child; the answer is a Result or a Failure."""

    sql: str
    row_limit: int
    timeout_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A TargetTrouble in the child; `is_of_query`: a QueryFailed."""

    said: str
    is_of_query: bool = False

    def error(self) -> TargetTrouble:
        return (QueryFailed if self.is_of_query else TargetTrouble)(self.said)


class Runner(Protocol):
    """The part of an engine that the child needs."""

    def run_here(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result: ...


class EngineChild:
    """The parent's side. Not for use by several threads at once.

    `grace_seconds`: how long after the time-out the child may still end the query by itself.
    """

    def __init__(self, opening: Opening, *, grace_seconds: float) -> None:
        self._opening = opening
        self._grace_seconds = grace_seconds
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, order: Order) -> Result:
        """What the engine's `run_here` gives, or raises, in the child."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        process = self._process or self._start()
        with _killed_after(process, order.timeout_seconds + self._grace_seconds) as killed:
            outcome = _exchange(process, order)
        if isinstance(outcome, Result):
            return outcome
        if isinstance(outcome, Failure):
            raise outcome.error()
        self.close()
        if killed.is_set():
            raise took_too_long(self._opening.target_name, order.timeout_seconds)
        raise TargetTrouble(
            f"the query ended the process it ran in (exit code {process.returncode}), on target "
            f"{self._opening.target_name!r}; it may need more memory than a report is given"
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM],
            env=environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with _killed_after(self._process, START_LIMIT_SECONDS):
            refused = _exchange(self._process, (self._opening, self._grace_seconds))
        if refused != "ready":
            self.close()
            raise TargetTrouble(str(refused or "the process that runs reports' queries does not start"))
        return self._process


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: ours, without the keys and URLs of the farm, and with our import path."""
    kept = {name: value for name, value in ours.items() if not name.startswith(("FARM_", "OPENAI_"))}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


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
    """The child: opens the database it is told of, says "ready" or why not, then answers orders."""
    opening, grace_seconds = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent # nosec B301
    _limit_resources(opening.memory_limit_bytes)
    try:
        runner = _opened(opening)
    except TargetTrouble as trouble:
        _answer(str(trouble))
        return
    _answer("ready")
    with contextlib.suppress(EOFError):
        while True:
            order: Order = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent # nosec B301
            _answer(_outcome(runner, order, grace_seconds))


def _opened(opening: Opening) -> Runner:
    dialect = dialect_of(opening.url)
    if dialect == "sqlite":
        from farm.targets.sqlite.engine import SqliteEngine

        return SqliteEngine.from_url(opening.url, target_name=opening.target_name)
    if dialect == "mysql":
        from farm.targets.mysql.engine import MysqlEngine

        return MysqlEngine(opening.url, target_name=opening.target_name)
    if dialect == "duckdb":
        from farm.targets.duckdb.engine import DuckdbEngine

        return DuckdbEngine.from_url(opening.url, target_name=opening.target_name)
    from farm.targets.postgres.engine import PostgresEngine

    return PostgresEngine(opening.url, target_name=opening.target_name, search_path=opening.search_path)


def _outcome(runner: Runner, order: Order, grace_seconds: float) -> Result | Failure:
    try:
        with _ending_itself_after(order.timeout_seconds + 2 * grace_seconds):
            return runner.run_here(
                order.sql, row_limit=order.row_limit, timeout_seconds=order.timeout_seconds
            )
    except TargetTrouble as trouble:
        return Failure(said=str(trouble), is_of_query=isinstance(trouble, QueryFailed))
    except MemoryError:
        return Failure(said=NEEDS_MEMORY)


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


def _limit_resources(memory_bytes: int) -> None:
    """Bound memory and the files that sorting makes, where the system can (not on Windows)."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, most in (("RLIMIT_AS", memory_bytes), ("RLIMIT_FSIZE", TEMP_FILE_LIMIT_BYTES)):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, kind), (most, most))
