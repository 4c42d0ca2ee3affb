"""Runs queries for the pages: a few at once, each in a thread that waits for a child process."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from farm.api import Farm
from farm.errors import FarmError, QueryCancelled, TargetTrouble, Throttled
from farm.running import cells
from farm.running.pool import RunnerPool
from farm.store import actions, runs
from farm.store.reports import Report
from farm.store.runs import NewRun, Run
from farm.targets.child import EngineChild, Order, RowStream, StreamOrder
from farm.targets.target import Target

log = logging.getLogger(__name__)

RUNS_AT_ONCE = 4
MOST_WAITING = 50
EXPORTS_AT_ONCE = 2
EXPORT_WAIT_SECONDS = 5.0
CLOSE_LIMIT_SECONDS = 5.0
PRUNE_EVERY_RUNS = 20
TIDY_SECONDS = 900.0


class Live:
    """A query that this process works on, or will."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.done = threading.Event()
        self._runner: EngineChild | None = None
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Stop it, whether it runs yet or not."""
        self.cancelled.set()
        with self._lock:
            if self._runner is not None:
                self._runner.cancel()

    @contextlib.contextmanager
    def worked_by(self, runner: EngineChild) -> Iterator[None]:
        """While the runner works on it; after that, whom the runner works for is not cancelled."""
        with self._lock:
            self._runner = runner
        try:
            yield
        finally:
            with self._lock:
                self._runner = None


class Runs:
    """Starts, cancels and awaits runs; safe for any number of threads."""

    def __init__(self, farm: Farm, *, at_once: int = RUNS_AT_ONCE, pool: RunnerPool | None = None) -> None:
        self._farm = farm
        self._pool = pool or RunnerPool()
        self._threads = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="run")
        self._export_places = threading.BoundedSemaphore(EXPORTS_AT_ONCE)
        self._lock = threading.Lock()
        self._live: dict[int, Live] = {}
        self._exports: set[Live] = set()
        self._started = 0
        self._is_closed = False
        self._tidied_at = 0.0
        self._tidy()

    def start(
        self,
        report: Report,
        target: Target,
        sql: str,
        *,
        parameters: Mapping[str, str],
        started_by: str | None,
        row_limit: int | None = None,
        timeout_seconds: float | None = None,
    ) -> int:
        """Begin to run `sql`, the query of `report` with the parameters in it; returns the run's id.

        `row_limit` and `timeout_seconds` are those of the settings where they are None.
        Raises TargetTrouble where the target has no database here, Throttled where too many runs wait.
        """
        require_url(target)
        settings = self._farm.settings
        with self._lock:
            if self._is_closed or len(self._live) >= MOST_WAITING:
                raise Throttled(f"{len(self._live)} runs are under way or wait; try again in a moment")
        new = NewRun(
            query_id=report.id,
            version=report.version,
            target=target.name,
            sql=sql,
            parameters=dict(parameters),
            started_by=started_by,
            row_limit=row_limit or settings.row_limit,
            timeout_seconds=timeout_seconds or settings.run_timeout_seconds,
        )
        with self._farm.store.write() as connection:
            run_id = runs.start(connection, new)
        live = Live()
        with self._lock:
            self._live[run_id] = live
            self._started += 1
        self._threads.submit(self._work, run_id, live, new, target)
        return run_id

    def wait(self, run_id: int, *, seconds: float) -> bool:
        """Whether a run has ended, waiting for it so long at most; one that others run is not awaited."""
        with self._lock:
            live = self._live.get(run_id)
        return live is None or live.done.wait(seconds)

    def get(self, run_id: int) -> Run:
        """How a run stands, with its rows; raises NotFound."""
        with self._farm.store.read() as connection:
            found = runs.get(connection, run_id)
        if found.state == "running" and not self._is_live(run_id):
            with self._farm.store.write() as connection:
                runs.bury_lost(connection)
            with self._farm.store.read() as connection:
                found = runs.get(connection, run_id)
        return found

    def cancel(self, run_id: int, *, by: str | None = None) -> bool:
        """Stop a run, here and in its database, and log who did; False where it has ended.

        The store tells the process that works on it, which stops within the second; see `obey`.
        """
        with self._lock:
            live = self._live.get(run_id)
        try:
            with self._farm.store.write() as connection:
                is_stopped = runs.stop(connection, run_id)
                if is_stopped and by is not None:
                    actions.record(connection, actor=by, action="cancel", detail={"run": run_id})
        finally:
            if live is not None:
                live.cancel()
        return is_stopped

    def obey(self) -> None:
        """Stop what runs here and was cancelled elsewhere; to be called every second or so."""
        with self._lock:
            under_way = dict(self._live)
        if under_way:
            with contextlib.suppress(FarmError), self._farm.store.read() as connection:
                for run_id in runs.ended(connection, under_way):
                    under_way[run_id].cancel()

    @contextlib.contextmanager
    def export(self, target: Target, sql: str, live: Live | None = None) -> Iterator[tuple[RowStream, Live]]:
        """All rows of a query, as they come; the query ends with the block, or when `live` is cancelled.

        Raises TargetTrouble as a run does, Throttled where too many exports are under way.
        """
        require_url(target)
        settings = self._farm.settings
        order = StreamOrder(
            sql=sql,
            row_limit=settings.export_row_limit,
            timeout_seconds=settings.export_timeout_seconds,
        )
        live = live or Live()
        with self._export_place(live), self._pool.lent(target) as runner, live.worked_by(runner):
            stream = runner.stream(order, cancelled=live.cancelled)
            try:
                yield stream, live
            finally:
                stream.close()

    def close(self) -> None:
        """Cancel what runs, and wait a little until it has ended."""
        with self._lock:
            self._is_closed = True
            under_way = [*self._live.values(), *self._exports]
        for live in under_way:
            live.cancel()
        until = time.monotonic() + CLOSE_LIMIT_SECONDS
        for live in under_way:
            live.done.wait(max(0.0, until - time.monotonic()))
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.close()

    def sweep(self) -> None:
        """End processes and let go of rows that nobody has wanted for a while; to be called now and then."""
        self._pool.sweep()
        if time.monotonic() - self._tidied_at > TIDY_SECONDS:
            self._tidy()

    @contextlib.contextmanager
    def _export_place(self, live: Live) -> Iterator[None]:
        if self._is_closed or not self._export_places.acquire(timeout=EXPORT_WAIT_SECONDS):
            raise Throttled(
                f"{EXPORTS_AT_ONCE} exports are under way; try again when one of them has ended",
                retry_after_seconds=EXPORT_WAIT_SECONDS,
            )
        with self._lock:
            self._exports.add(live)
        try:
            yield
        finally:
            live.done.set()
            with self._lock:
                self._exports.discard(live)
            self._export_places.release()

    def _is_live(self, run_id: int) -> bool:
        with self._lock:
            return run_id in self._live

    def _work(self, run_id: int, live: Live, run: NewRun, target: Target) -> None:
        started = time.perf_counter()
        try:
            self._run(run_id, live, run, target)
        except Exception as error:
            self._note_failure(run_id, error, duration_ms=(time.perf_counter() - started) * 1000)
        finally:
            with self._lock:
                del self._live[run_id]
            live.done.set()

    def _run(self, run_id: int, live: Live, run: NewRun, target: Target) -> None:
        order = Order(sql=run.sql, row_limit=run.row_limit, timeout_seconds=run.timeout_seconds)
        if live.cancelled.is_set():
            raise QueryCancelled("the query was cancelled before it began")
        with self._pool.lent(target) as runner, live.worked_by(runner):
            result = runner.run(order, cancelled=live.cancelled)
        kept, was_cut = cells.fitting(result.rows)
        with self._farm.store.write() as connection:
            runs.finish(
                connection,
                run_id,
                columns=[cells.to_json(str(name)) for name in result.columns],
                rows=kept,
                truncated=result.truncated or was_cut,
                duration_ms=result.elapsed_ms,
            )
        if self._started % PRUNE_EVERY_RUNS == 0:
            self._tidy()

    def _note_failure(self, run_id: int, error: Exception, *, duration_ms: float) -> None:
        if not isinstance(error, FarmError):
            log.exception("a run broke", exc_info=error, extra={"run": run_id})
        said = str(error) if isinstance(error, FarmError) else "something broke on our side; see the log"
        with contextlib.suppress(FarmError), self._farm.store.write() as connection:
            if isinstance(error, QueryCancelled):
                runs.cancel(connection, run_id, duration_ms=duration_ms)
            else:
                runs.fail(connection, run_id, cells.to_json(said), duration_ms=duration_ms)

    def _tidy(self) -> None:
        self._tidied_at = time.monotonic()
        with contextlib.suppress(FarmError), self._farm.store.write() as connection:
            runs.bury_lost(connection)
            runs.prune(connection)


def require_url(target: Target) -> None:
    """Raise TargetTrouble for a target that has only a schema here."""
    if target.url is None:
        raise TargetTrouble(
            f"target {target.name!r} has no database here to run queries on, only a schema; add one with "
            f"`farm target add {target.name} --dialect {target.dialect} --url URL` on the machine that "
            "serves these pages"
        )
