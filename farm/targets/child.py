"""Runs queries in a process of its own, which can be killed and whose memory is limited.

Inside one function call (instr, printf on long texts) SQLite heeds neither its progress handler nor an
interrupt; a Postgres server may ignore a request to cancel, or send a single value of a gigabyte, which its
driver takes in whole. So neither the time-out nor the bound on memory may depend on them. The child is
started for the first query and serves the next ones too; it ends when its standard input does.
"""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from farm.errors import QueryCancelled, TargetTrouble
from farm.targets.engine import Result
from farm.targets.orders import (
    MEMORY_LIMIT_BYTES,
    CancelOrder,
    Chunk,
    Ending,
    Failure,
    Head,
    Opening,
    Order,
    StreamOrder,
)

__all__ = ["MEMORY_LIMIT_BYTES", "EngineChild", "Opening", "Order", "RowStream", "StreamOrder", "environment"]

START_LIMIT_SECONDS = 20.0
CANCEL_LIMIT_SECONDS = 3.0
"""How long a query that is cancelled may go on before its process is killed."""
PROGRAM = "from farm.targets.serving import main; main()"
NEEDS_MEMORY = "the query needs more memory than a report is given"

Process = subprocess.Popen[bytes]


class EngineChild:
    """The parent's side. Not for use by several threads at once, but for `cancel`.

    `grace_seconds`: how long after the time-out the child may still end the query by itself.
    """

    def __init__(self, opening: Opening, *, grace_seconds: float) -> None:
        self._opening = opening
        self._grace_seconds = grace_seconds
        self._process: Process | None = None
        self._watch: Watch | None = None
        self._sending = threading.Lock()

    def run(self, order: Order, *, cancelled: threading.Event | None = None) -> Result:
        """What the engine's `run_here` gives, or raises, in the child; not begun if `cancelled` is set."""
        with self._at_work(order, cancelled) as watch:
            outcome = _answer_of(watch.process)
            if isinstance(outcome, Result):
                return outcome
            raise self._trouble(outcome, watch, order)

    def stream(self, order: StreamOrder, *, cancelled: threading.Event | None = None) -> "RowStream":
        """The rows of a query as they come; raises as `run` does, now or while they are read."""
        return RowStream(self._parts(order, cancelled))

    def cancel(self) -> None:
        """Stop the query that runs, from any thread: in its database, and if need be with its process.

        Whoever waits for it gets QueryCancelled. Where none runs nothing happens, so a caller whose query is
        just about to begin sets its `cancelled` first.
        """
        watch = self._watch
        if watch is None:
            return
        watch.cancelled.set()
        watch.kill_after(CANCEL_LIMIT_SECONDS)
        with contextlib.suppress(OSError, ValueError):
            self._send(watch.process, CancelOrder())

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _parts(
        self, order: StreamOrder, cancelled: threading.Event | None
    ) -> Iterator[Head | Chunk | Ending]:
        with self._at_work(order, cancelled) as watch:
            finished = False
            try:
                while not finished:
                    part = _answer_of(watch.process)
                    finished = not isinstance(part, Head | Chunk)
                    if not isinstance(part, Head | Chunk | Ending):
                        raise self._trouble(part, watch, order)
                    yield part
            finally:
                if not finished:
                    self._leave(watch.process)

    def _leave(self, process: Process) -> None:
        """Stop a query whose rows nobody wants any more."""
        self.cancel()
        while isinstance(answer := _answer_of(process), Head | Chunk):
            pass
        if answer is None:
            self.close()

    @contextlib.contextmanager
    def _at_work(self, order: Order | StreamOrder, cancelled: threading.Event | None) -> Iterator["Watch"]:
        """Send the order, and kill the child should it not be through with it in time."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        process = self._process or self._start()
        with Watch(process, order.timeout_seconds + self._grace_seconds) as watch:
            self._watch = watch
            try:
                with contextlib.suppress(OSError):  # then there is no answer either
                    self._send(process, order)
                if cancelled is not None and cancelled.is_set():
                    self.cancel()
                yield watch
            finally:
                self._watch = None
        if watch.killed.is_set():
            self.close()

    def _send(self, process: Process, message: object) -> None:
        assert process.stdin is not None
        with self._sending:
            pickle.dump(message, process.stdin)
            process.stdin.flush()

    def _trouble(self, outcome: object, watch: "Watch", order: Order | StreamOrder) -> TargetTrouble:
        """What an outcome that is no result means; without one the child has ended."""
        if isinstance(outcome, Failure):
            return outcome.error()
        self.close()
        if watch.cancelled.is_set():
            return QueryCancelled("the query was cancelled")
        if watch.killed.is_set():
            return took_too_long(self._opening.target_name, order.timeout_seconds)
        return TargetTrouble(
            f"the query ended the process it ran in (exit code {watch.process.returncode}), on target "
            f"{self._opening.target_name!r}; it may need more memory than a report is given"
        )

    def _start(self) -> Process:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM],
            env=environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._process = process
        with Watch(process, START_LIMIT_SECONDS):
            with contextlib.suppress(OSError):
                self._send(process, (self._opening, self._grace_seconds))
            refused = _answer_of(process)
        if refused != "ready":
            self.close()
            raise TargetTrouble(str(refused or "the process that runs reports' queries does not start"))
        return process


class RowStream:
    """The rows of a query in chunks as they come; `close` stops it where it is.

    `columns` are there at once, `truncated` (whether there were more rows than the limit) at the end.
    """

    def __init__(self, parts: Iterator[Head | Chunk | Ending]) -> None:
        self._parts = parts
        head = next(parts)
        assert isinstance(head, Head)
        self.columns = head.columns
        self.truncated = False
        self.elapsed_ms = 0.0

    def __iter__(self) -> Iterator[list[tuple[Any, ...]]]:
        for part in self._parts:
            if isinstance(part, Chunk):
                rows: list[tuple[Any, ...]] = pickle.loads(part.packed)  # noqa: S301 # nosec B301
                if rows:  # an empty result has one empty chunk, so that its columns are known
                    yield rows
            elif isinstance(part, Ending):
                self.truncated, self.elapsed_ms = part.truncated, part.elapsed_ms

    def close(self) -> None:
        self._parts.close()  # type: ignore[attr-defined]  # a generator


class Watch:
    """While it is entered: kills the process when its time is over."""

    def __init__(self, process: Process, seconds: float) -> None:
        self.process = process
        self.killed = threading.Event()
        self.cancelled = threading.Event()
        self._seconds = seconds
        self._over = False
        self._timers: list[threading.Timer] = []

    def __enter__(self) -> "Watch":
        self.kill_after(self._seconds)
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        for timer in self._timers:
            timer.cancel()
            timer.join()

    def kill_after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._kill)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _kill(self) -> None:
        if not self._over:
            self.killed.set()
            self.process.kill()


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: ours, without the keys and URLs of the farm, and with our import path."""
    kept = {name: value for name, value in ours.items() if not name.startswith(("FARM_", "OPENAI_"))}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def took_too_long(target_name: str, timeout_seconds: float) -> TargetTrouble:
    return TargetTrouble(
        f"the query took longer than {timeout_seconds:g} s on target {target_name!r} "
        "and was stopped; narrow it, or allow more time"
    )


def _answer_of(process: Process) -> object:
    """The child's next answer; None where it ended instead."""
    assert process.stdout is not None
    try:
        answer: object = pickle.load(process.stdout)  # noqa: S301 - written by our own child # nosec B301
    except (OSError, EOFError, pickle.UnpicklingError):
        return None
    return answer
