"""The child's side of farm.targets.child: opens one database and answers orders, one after the other.

A thread of its own reads the orders, so that one that cancels is heard while a query runs; it also hears when
the parent is gone.
"""

import contextlib
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from farm.errors import QueryCancelled, TargetTrouble
from farm.targets.child import NEEDS_MEMORY
from farm.targets.engine import Result
from farm.targets.extras import optional
from farm.targets.orders import CancelOrder, Chunk, Ending, Failure, Head, Opening, Order, StreamOrder
from farm.targets.reading import Reading, packed_chunks
from farm.targets.urls import dialect_of

TEMP_FILE_LIMIT_BYTES = 1 << 30
"""A file that SQLite sorts in; Postgres' own limit is set to as much, where the role may set it."""
CANCEL_AGAIN_SECONDS = 0.1
"""A query may begin just after it was cancelled, so that it is cancelled until it has ended."""


class Runner(Protocol):
    """The part of an engine that the child needs."""

    def run_here(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result: ...

    def reading(
        self, sql: str, *, row_limit: int | None, timeout_seconds: float
    ) -> AbstractContextManager[Reading]: ...

    def cancel_here(self) -> None: ...


class Desk:
    """Where orders come in; holds the next one, and cancels the one at work."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._orders: queue.SimpleQueue[Order | StreamOrder | None] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        self._idle = threading.Event()
        self._idle.set()

    def listen(self) -> None:
        """Read orders until there are no more; then cancel what runs."""
        with contextlib.suppress(EOFError, pickle.UnpicklingError, OSError):
            while True:
                order = pickle.load(sys.stdin.buffer)  # noqa: S301 - by our own parent # nosec B301
                if not isinstance(order, CancelOrder):
                    self.cancelled.clear()
                    self._idle.clear()
                    self._orders.put(order)
                elif not self._idle.is_set():
                    self.cancelled.set()
                    threading.Thread(target=self._cancel, name="cancel", daemon=True).start()
        self._orders.put(None)
        self._cancel()

    def next(self) -> Order | StreamOrder | None:
        return self._orders.get()

    def done(self) -> None:
        self._idle.set()

    def _cancel(self) -> None:
        while not self._idle.is_set():
            with contextlib.suppress(Exception):  # whatever a driver says of a connection that is no more
                self._runner.cancel_here()
            self._idle.wait(CANCEL_AGAIN_SECONDS)


def main() -> None:
    """The child: opens the database it is told of, says "ready" or why not, then answers orders."""
    opening, grace_seconds = pickle.load(sys.stdin.buffer)  # noqa: S301 - by our own parent # nosec B301
    _limit_resources(opening.memory_limit_bytes)
    try:
        runner = _opened(opening)
    except TargetTrouble as trouble:
        _answer(str(trouble))
        return
    desk = Desk(runner)
    threading.Thread(target=desk.listen, name="orders", daemon=True).start()
    _answer("ready")
    while (order := desk.next()) is not None:
        with contextlib.suppress(BrokenPipeError):
            outcome = _outcome(runner, order, grace_seconds)
            if isinstance(outcome, Failure) and desk.cancelled.is_set():
                outcome = Failure.of(QueryCancelled("the query was cancelled"))
            desk.done()
            _answer(outcome)


def _opened(opening: Opening) -> Runner:
    dialect = dialect_of(opening.url)
    if dialect == "sqlite":
        from farm.targets.sqlite.engine import SqliteEngine

        return SqliteEngine.from_url(opening.url, target_name=opening.target_name)
    if dialect == "mysql":
        with optional("MySQL and MariaDB"):
            from farm.targets.mysql.engine import MysqlEngine

        return MysqlEngine(opening.url, target_name=opening.target_name)
    if dialect == "duckdb":
        with optional("DuckDB"):
            from farm.targets.duckdb.engine import DuckdbEngine

        return DuckdbEngine.from_url(opening.url, target_name=opening.target_name)
    from farm.targets.postgres.engine import PostgresEngine

    return PostgresEngine(opening.url, target_name=opening.target_name, search_path=opening.search_path)


def _outcome(runner: Runner, order: Order | StreamOrder, grace_seconds: float) -> Result | Ending | Failure:
    try:
        with _ending_itself_after(order.timeout_seconds + 2 * grace_seconds):
            if isinstance(order, StreamOrder):
                return _streamed(runner, order)
            return runner.run_here(
                order.sql, row_limit=order.row_limit, timeout_seconds=order.timeout_seconds
            )
    except TargetTrouble as trouble:
        return Failure.of(trouble)
    except MemoryError:
        return Failure(said=NEEDS_MEMORY)


def _streamed(runner: Runner, order: StreamOrder) -> Ending:
    started = time.perf_counter()
    with runner.reading(
        order.sql, row_limit=order.row_limit, timeout_seconds=order.timeout_seconds
    ) as reading:
        for number, packed in enumerate(packed_chunks(reading, row_limit=order.row_limit)):
            if not number:
                _answer(Head(columns=reading.columns))
            _answer(Chunk(packed=packed))
    return Ending(truncated=reading.truncated, elapsed_ms=(time.perf_counter() - started) * 1000)


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
    pickle.dump(outcome, sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)
    sys.stdout.buffer.flush()


def _limit_resources(memory_bytes: int) -> None:
    """Bound memory and the files that sorting makes, where the system can (not on Windows)."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, most in (("RLIMIT_AS", memory_bytes), ("RLIMIT_FSIZE", TEMP_FILE_LIMIT_BYTES)):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, kind), (most, most))
