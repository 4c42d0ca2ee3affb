"""How long the pages take over a store with a million tasks.

    python benchmarks/pages.py [--stores sqlite postgres] [--tasks N] [--requests N] [--keep FOLDER]
        [--only TEXT] [--url URL]

Each store is filled in bulk (benchmarks/million.py): a tenth of the tasks ended badly, the others have a
query each, and 1 % more wait. `farm web` runs as a process of its own; each page is asked for so many times
over one connection, one after the other, the first time (cold) apart. Times are until the last byte. A page
whose median is above the limit of 200 ms makes the script end with 1.

`--keep` keeps the SQLite file in a folder and takes it from there the next time. `FARM_TEST_POSTGRES_URL`
names a Postgres server to make a database on; without it the script starts its own, without fsync.
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests")]

import httpx2  # noqa: E402  (needs the path above)
from million import fill  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from support.postgres import fresh_database, postgres  # noqa: E402

from farm.store import rollup  # noqa: E402
from farm.store.engine import Store  # noqa: E402

LIMIT_MS = 200.0
STORES = ("sqlite", "postgres")
START_SECONDS = 60.0
PAUSES_SECONDS = {"/metrics": 1.1}
"""Before each request, where an answer serves others for a while."""
PAGES = (
    "/reports",
    "/reports?q=bergen",
    "/reports?q=bergen+lyon",
    "/reports?q=revenue",
    "/reports?q=nosuchword",
    "/reports?target=bank",
    "/reports?tag=rare",
    "/reports?table=accounts&model=large-model",
    "/reports?q=521&target=bank&tag=rare",
    "/reports/{report}",
    "/reports/{report}/run",
    "/ask",
    "/batches",
    "/batches/3",
    "/batches/3?state=refused",
    "/databases",
    "/databases/shop",
    "/farm",
    "/farm?hours=168",
    "/tasks",
    "/tasks?after={middle}",
    "/tasks?state=failed",
    "/tasks?state=accepted&target=bank",
    "/tasks?reason=no_sql",
    "/tasks?queue=large",
    "/tasks?batch=3",
    "/tasks?q=bergen",
    "/tasks?q=nosuchword",
    "/tasks?q=store+77&state=rejected&target=bank",
    "/tasks/{report}",
    "/tasks/{failed}",
    "/tasks/requeue?state=failed",
    "/tasks/requeue?q=bergen",
    "/tasks/cancel",
    "/actions",
    "/metrics",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How long a page took, in milliseconds; `status` is that of its first answer."""

    path: str
    status: int
    cold_ms: float
    times_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        return statistics.median(self.times_ms)

    @property
    def p95_ms(self) -> float:
        return sorted(self.times_ms)[max(0, round(0.95 * len(self.times_ms)) - 1)]

    @property
    def worst_ms(self) -> float:
        return max(self.times_ms)

    @property
    def is_slow(self) -> bool:
        return self.median_ms > LIMIT_MS


def measured(url: str, paths: Sequence[str], requests: int) -> list[Timing]:
    """Every page's times from a server of its own over the store at `url`."""
    with served(url) as address, httpx2.Client(base_url=address, timeout=60.0) as client:
        return [_timing(client, path, requests) for path in paths]


def _timing(client: httpx2.Client, path: str, requests: int) -> Timing:
    status, times = 0, []
    for number in range(requests + 1):
        time.sleep(PAUSES_SECONDS.get(path, 0.0))
        began = time.perf_counter()
        answer = client.get(path)
        times.append((time.perf_counter() - began) * 1000)
        status = answer.status_code if number == 0 else status
    return Timing(path=path, status=status, cold_ms=times[0], times_ms=tuple(times[1:]))


@contextmanager
def served(url: str) -> Iterator[str]:
    """The address of `farm web` over the store at `url`."""
    with tempfile.TemporaryDirectory(prefix="farm-pages-") as home:
        process = subprocess.Popen(
            [sys.executable, "-m", "farm", "web", "--port", "0"],
            env={**os.environ, "FARM_HOME": home, "FARM_DATABASE_URL": url},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield _address(process)
        finally:
            process.terminate()
            process.communicate(timeout=START_SECONDS)


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.search(r"http://[^\s;]+", said)
    if found is None:
        raise SystemExit(f"farm web did not start: {said}{process.stderr.read()}")
    return found[0]


@contextmanager
def filled(kind: str, tasks: int, keep: Path | None) -> Iterator[str]:
    """The URL of a store with so many tasks."""
    if kind == "postgres":
        with postgres_server() as server, fresh_database(server) as url:
            _fill(url, tasks)
            yield url
        return
    with tempfile.TemporaryDirectory(prefix="farm-million-") as folder:
        path = (keep or Path(folder)) / f"million-{tasks}.db"
        if not path.exists():
            draft = path.with_suffix(".draft")
            draft.unlink(missing_ok=True)
            _fill(f"sqlite:///{draft}", tasks)
            draft.rename(path)
        yield f"sqlite:///{path}"


@contextmanager
def postgres_server() -> Iterator[str]:
    """A server to make a database on."""
    if given := os.environ.get("FARM_TEST_POSTGRES_URL"):
        yield given
        return
    with postgres() as url:
        yield url


def _fill(url: str, tasks: int) -> None:
    began = time.perf_counter()
    with Store.open(url) as store:
        fill(store, tasks=tasks)
        filled_at = time.perf_counter()
        while rollup.advance(store):
            pass
        ended = time.perf_counter()
    print(f"filled in {filled_at - began:.0f} s, summed up in {ended - filled_at:.1f} s", file=sys.stderr)


def show(store: str, timings: Sequence[Timing], requests: int) -> None:
    table = Table(title=f"{store}, {requests} requests each, milliseconds", title_justify="left")
    table.add_column("page", overflow="fold")
    for heading in ("status", "cold", "median", "p95", "worst"):
        table.add_column(heading, justify="right")
    for one in timings:
        times = (f"{value:,.0f}" for value in (one.cold_ms, one.median_ms, one.p95_ms, one.worst_ms))
        style = "bold red" if one.is_slow or one.status != 200 else None
        table.add_row(one.path, str(one.status), *times, style=style)
    console = Console(width=max(Console().width, 110))
    console.print(table)
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    console.print(f"{os.cpu_count()} CPUs, load average {load} at the end")


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--keep", type=Path, help="where to keep the SQLite file for the next time")
    parser.add_argument("--url", help="a store that is filled already, instead of --stores")
    parser.add_argument("--only", default="", help="pages whose address has this in it")
    return parser.parse_args(arguments)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # ends what was started
    options = parsed()
    # Numbers of tasks that million.py lets end well and badly, and one half-way.
    known = {"report": options.tasks - 1, "failed": options.tasks - 10, "middle": options.tasks // 2}
    paths = [page.format(**known) for page in PAGES if options.only in page]
    slow = 0
    if options.url:
        timings = measured(options.url, paths, options.requests)
        show("the store given", timings, options.requests)
        slow = sum(one.is_slow for one in timings)
    for kind in () if options.url else options.stores:
        print(f"filling {kind} with {options.tasks:,} tasks …", file=sys.stderr)
        with filled(kind, options.tasks, options.keep) as url:
            timings = measured(url, paths, options.requests)
        show(f"{kind}, {options.tasks:,} tasks", timings, options.requests)
        slow += sum(one.is_slow for one in timings)
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
