"""How fast whole results leave as files, and in how much memory.

    python benchmarks/exports.py [--rows N] [--targets sqlite postgres] [--formats csv jsonl parquet]

Each export runs in a process of its own, as the pages would run it: a child reads the target's database, the
process writes the format and throws the bytes away. A row has a number, a text, a decimal or real, a date and
a NULL now and then. Memory is the most that was resident at once, of the process and of its child, beside
what they hold before the first row; Postgres' own is not counted. CPU is that of both, for a million rows: it
says more than the rate where others use the machine, too.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.postgres import fresh_database, postgres  # noqa: E402

from farm.exports.formats import FORMATS  # noqa: E402
from farm.targets.child import EngineChild, StreamOrder  # noqa: E402
from farm.targets.runner import open_runner  # noqa: E402
from farm.targets.target import Dialect, Target  # noqa: E402

ROWS = 5_000_000
TIMEOUT_SECONDS = 1_800.0
MIB = 1 << 20
SQL = "SELECT id, name, total, day, note FROM orders"
SQLITE_ROWS = """
    CREATE TABLE orders AS
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT {rows})
    SELECT i AS id, 'customer ' || (i % 5000) AS name, i * 0.25 AS total,
        date('2020-01-01', '+' || (i % 2000) || ' days') AS day, CASE WHEN i % 3 THEN 'a, "b"' END AS note
    FROM n
"""
POSTGRES_ROWS = """
    CREATE UNLOGGED TABLE orders AS
    SELECT i AS id, 'customer ' || (i % 5000) AS name, (i * 0.25)::numeric(12, 2) AS total,
        date '2020-01-01' + i % 2000 AS day, CASE WHEN i % 3 > 0 THEN 'a, "b"' END AS note
    FROM generate_series(1, {rows}) AS n(i)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--targets", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--formats", nargs="+", default=list(FORMATS))
    parser.add_argument("--one", nargs=3, metavar=("DIALECT", "URL", "FORMAT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(*given.one)))
        return
    print("| target | format | rows/s | MB/s | CPU s/million | process MiB | child MiB |")
    print("|---|---|---|---|---|---|---|")
    for dialect in given.targets:
        with filled(dialect, given.rows) as url:
            for form in given.formats:
                show(dialect, form, given.rows, in_its_own_process(dialect, url, form))


@contextmanager
def filled(dialect: str, rows: int) -> Iterator[str]:
    """The URL of a database with so many orders."""
    with ExitStack() as stack:
        if dialect == "sqlite":
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "orders.db"
            connection = sqlite3.connect(path)
            connection.executescript(SQLITE_ROWS.format(rows=rows))
            connection.close()
            yield f"sqlite:///{path}"
            return
        url = stack.enter_context(fresh_database(stack.enter_context(postgres())))
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(POSTGRES_ROWS.format(rows=rows).encode())
        yield url


def in_its_own_process(dialect: str, url: str, form: str) -> dict[str, float]:
    """What `measured` finds in a fresh process."""
    command = [sys.executable, __file__, "--one", dialect, url, form]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured(dialect: Dialect, url: str, form: str) -> dict[str, float]:
    """One export: seconds, bytes, and the growth of both processes in bytes."""
    runner = open_runner(Target(name="orders", dialect=dialect, ddl="", url=url))
    for _ in FORMATS[form].write(runner.stream(ordered(f"{SQL} LIMIT 10"))):
        pass  # the libraries are loaded, and the child runs
    peak = Peak(runner)
    size_bytes, started = 0, time.perf_counter()
    with peak:
        for piece in FORMATS[form].write(runner.stream(ordered(SQL))):
            size_bytes += len(piece)
    seconds = time.perf_counter() - started
    runner.close()
    return {
        "seconds": seconds,
        "cpu": peak.cpu_seconds,
        "bytes": size_bytes,
        "own": peak.own_bytes,
        "child": peak.child_bytes,
    }


def ordered(sql: str) -> StreamOrder:
    return StreamOrder(sql=sql, row_limit=None, timeout_seconds=TIMEOUT_SECONDS)


class Peak:
    """Watches how much this process and the runner's child grow while it is entered."""

    def __init__(self, runner: EngineChild) -> None:
        assert runner._process is not None
        self._processes = (psutil.Process(os.getpid()), psutil.Process(runner._process.pid))
        self._before = [process.memory_info().rss for process in self._processes]
        self._most = list(self._before)
        self._cpu_before = self._cpu()
        self.cpu_seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self.cpu_seconds = self._cpu() - self._cpu_before
        self._over.set()
        self._thread.join()

    def _cpu(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            now = [process.memory_info().rss for process in self._processes]
            self._most = [max(pair) for pair in zip(self._most, now, strict=True)]

    @property
    def own_bytes(self) -> int:
        return self._most[0] - self._before[0]

    @property
    def child_bytes(self) -> int:
        return self._most[1] - self._before[1]


def show(dialect: str, form: str, rows: int, found: dict[str, float]) -> None:
    seconds = found["seconds"]
    said = [
        f"{rows / seconds:,.0f}",
        f"{found['bytes'] / 1e6 / seconds:,.1f}",
        f"{found['cpu'] / rows * 1e6:.1f}",
        f"{found['own'] / MIB:.1f}",
        f"{found['child'] / MIB:.1f}",
    ]
    print(f"| {dialect} | {form} | {' | '.join(said)} |", flush=True)


if __name__ == "__main__":
    main()
