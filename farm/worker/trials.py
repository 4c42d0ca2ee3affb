"""Runs accepted queries on targets that want evidence: a few at a time, each in a child process."""

import asyncio
import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from farm.errors import QueryFailed, TargetTrouble
from farm.sql.evidence import evidence
from farm.sql.oddities import oddities
from farm.sql.verdict import Candidate, Finding, Severity
from farm.targets.engine import Engine, Result, open_engine
from farm.targets.target import Target

AT_ONCE = 2
TARGETS_KEPT = 8
EXTRA_SECONDS = 30.0
"""For connecting, for starting the child, and until a query that does not end in time is ended."""

OpenEngine = Callable[[Target], Engine | None]


def open_run_engine(target: Target) -> Engine | None:
    return open_engine(target, purpose="run")


class Trials:
    """Keeps the engines of the targets used last; for the coroutines of one event loop."""

    def __init__(
        self, *, row_limit: int, timeout_seconds: float, open_: OpenEngine = open_run_engine
    ) -> None:
        self._row_limit = row_limit
        self._timeout_seconds = timeout_seconds
        self._open = open_
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="trial")
        self._free = asyncio.Semaphore(AT_ONCE)
        self._idle: OrderedDict[Target, list[Engine]] = OrderedDict()
        self._lock = threading.Lock()
        self._waiting = 0

    def deadline_seconds(self) -> float:
        """How long a run asked for now may take at the very most, with those before it."""
        return (self._waiting // AT_ONCE + 1) * (self._timeout_seconds + EXTRA_SECONDS)

    async def run(self, candidate: Candidate, target: Target) -> Candidate:
        """The candidate with evidence, and with what speaks against its result; never raises a FarmError.

        What the database says of the query itself is an error; that it was not run to its end, a warning.
        """
        self._waiting += 1
        try:
            async with self._free:
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(self._threads, self._result, candidate.sql, target)
        except QueryFailed as error:
            return _with(candidate, (_failed(error),))
        except TargetTrouble as error:
            return _with(candidate, (_stopped(error),))
        finally:
            self._waiting -= 1
        return _shown(candidate, result)

    def close(self) -> None:
        """Close the engines; a query that still runs is ended by its own time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for engines in self._idle.values():
            for engine in engines:
                _close(engine)
        self._idle.clear()

    def _result(self, sql: str, target: Target) -> Result:
        """In a thread of the pool."""
        with self._engine(target) as engine:
            return engine.run(sql, row_limit=self._row_limit, timeout_seconds=self._timeout_seconds)

    @contextlib.contextmanager
    def _engine(self, target: Target) -> Iterator[Engine]:
        """An engine for this thread alone; kept for the next one unless it made trouble."""
        with self._lock:
            idle = self._idle.get(target)
            engine = idle.pop() if idle else None
        engine = engine or self._open(target)
        if engine is None:
            raise TargetTrouble(f"target {target.name!r} has no engine to run queries with")
        try:
            yield engine
        except QueryFailed:
            self._keep(target, engine)
            raise
        except BaseException:
            _close(engine)
            raise
        self._keep(target, engine)

    def _keep(self, target: Target, engine: Engine) -> None:
        with self._lock:
            self._idle.setdefault(target, []).append(engine)
            self._idle.move_to_end(target)
            over = self._idle.popitem(last=False)[1] if len(self._idle) > TARGETS_KEPT else []
        for old in over:
            _close(old)


def _with(candidate: Candidate, findings: tuple[Finding, ...]) -> Candidate:
    verdict = candidate.verdict
    return replace(candidate, verdict=replace(verdict, findings=(*verdict.findings, *findings)))


def _shown(candidate: Candidate, result: Result) -> Candidate:
    found = evidence(result.columns, result.rows, more=result.truncated, elapsed_ms=result.elapsed_ms)
    odd = tuple(oddities(result.columns, result.rows, more=result.truncated))
    told = _with(candidate, odd)
    return replace(told, verdict=replace(told.verdict, evidence=found))


def _failed(error: QueryFailed) -> Finding:
    return Finding(
        code="run_failed",
        message=_first_line(error),
        hint="guard the expression against the values that it fails on, for example with NULLIF or CASE",
    )


def _stopped(error: TargetTrouble) -> Finding:
    return Finding(code="run_stopped", severity=Severity.WARNING, message=_first_line(error))


def _first_line(error: TargetTrouble) -> str:
    return str(error).partition("\n")[0]


def _close(engine: Engine) -> None:
    with contextlib.suppress(Exception):
        engine.close()
