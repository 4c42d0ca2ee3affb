"""How many tasks a second the farm ends, beside stock RQ and a bare asyncio loop, all on one stub endpoint.

    python benchmarks/throughput.py [--tasks N] [--workers N] [--concurrency K] [--delay-ms MS] [--only WAY …]

- farm: everything it does in earnest (claim, ask, persist, check, dry run, finish) on SQLite and a Valkey.
- rq: `rq worker` processes, openai imported before they fork; each job is one call, unchecked and unstored.
- bare: one asyncio loop around AsyncOpenAI in one process; nothing is queued, checked or stored.

The rate is that of the middle 80 % of the tasks, so that neither booting nor draining counts. CPU is that of
all the processes of a way (without the stub's and Valkey's), their booting included. The script starts and
ends its own Valkey and stub, in a temporary folder.
"""

import argparse
import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import openai
from redis import Redis
from rich.console import Console
from rich.table import Table
from rq import Queue, Worker
from rq.registry import FinishedJobRegistry

from farm import Farm, Settings, Task, logs
from farm.services import valkey
from farm.store import reports
from farm.watchdog.runner import Runner

HERE = Path(__file__).resolve().parent
STUB = HERE.parent / "tests" / "support" / "llm.py"
DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, placed_on TEXT NOT NULL, total REAL NOT NULL)"
SQL = "SELECT substr(placed_on, 1, 7) AS month, sum(total) AS revenue FROM orders GROUP BY month ORDER BY 1"
WAYS = ("farm", "rq", "bare")
RQ_QUEUE = "stock"
RQ_SHARE = 20
MARGIN = 0.1
STUCK_SECONDS = 300.0


@dataclass(kw_only=True)
class Run:
    """One way's progress, as (seconds, tasks done) at many moments."""

    way: str
    tasks: int
    seen: list[tuple[float, int]] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def look(self, done: int) -> None:
        self.seen.append((time.perf_counter(), done))

    def rate(self) -> float:
        """Tasks per second between the first and the last tenth of the tasks."""
        low, high = MARGIN * self.tasks, (1 - MARGIN) * self.tasks
        steady = [(at, done) for at, done in self.seen if low <= done <= high]
        if len(steady) < 2 or steady[-1][0] == steady[0][0]:
            raise SystemExit(f"{self.way}: {self.tasks} tasks are too few to measure; raise --tasks")
        (start, first), (end, last) = steady[0], steady[-1]
        return (last - first) / (end - start)


@contextmanager
def measured(way: str, tasks: int) -> Iterator[Run]:
    """A run to look at within the block; counts the CPU of this process and of the children it reaped."""
    run, before = Run(way=way, tasks=tasks), _cpu_seconds()
    yield run
    run.cpu_seconds = _cpu_seconds() - before


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def farm_rate(options: argparse.Namespace, home: Path, redis_url: str, base_url: str) -> Run:
    settings = Settings.load(
        home=home / "farm",
        redis_url=f"{redis_url}?db=0",
        openai_base_url=base_url,
        openai_api_key="none",
        model="stub-model",
        workers=options.workers,
        concurrency=options.concurrency,
        log_level="WARNING",
    )
    logs.configure(level=settings.log_level, format="console")
    with Farm.connect(settings) as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        farm.enqueue(
            Task(question=f"Revenue per month, variant {n}?", target="shop") for n in range(options.tasks)
        )

        def done() -> int:
            with farm.store.read() as connection:
                return reports.count(connection)

        with measured("farm", options.tasks) as run, Runner(settings, farm.store) as runner:
            runner.work(until=lambda: run.seen[-1][1] >= options.tasks, on_look=lambda: run.look(done()))
    return run


def rq_rate(options: argparse.Namespace, _: Path, redis_url: str, base_url: str) -> Run:
    url = f"{redis_url}?db=1"
    tasks: int = options.rq_tasks or max(options.tasks // RQ_SHARE, 200)
    environment = {**os.environ, "OPENAI_BASE_URL": base_url, "PYTHONPATH": str(HERE)}
    worker = [sys.executable, "-m", "rq.cli", "worker"]
    command = [*worker, "--url", url, "--quiet", "--config", "rq_job", RQ_QUEUE]
    with Redis.from_url(url) as connection, measured("rq", tasks) as run, ExitStack() as stack:
        for _number in range(options.rq_workers):
            stack.enter_context(ended(subprocess.Popen(command, env=environment)))
        wait_for(lambda: Worker.count(connection) == options.rq_workers, "the rq workers do not start")
        queue = Queue(RQ_QUEUE, connection=connection)
        queue.enqueue_many(
            [Queue.prepare_data("rq_job.ask", (f"Revenue {n}?",), result_ttl=600) for n in range(tasks)]
        )
        finished = FinishedJobRegistry(queue=queue)

        def all_done() -> bool:
            run.look(int(connection.zcard(finished.key)))
            return run.seen[-1][1] >= tasks

        wait_for(all_done, "the rq workers do not come to an end")
    return run


def bare_rate(options: argparse.Namespace, _: Path, __: str, base_url: str) -> Run:
    in_flight = options.workers * options.concurrency

    async def ask_all(run: Run) -> None:
        questions = iter(range(options.tasks))
        done = 0
        async with openai.AsyncOpenAI(
            base_url=base_url, api_key="none", http_client=openai.DefaultAioHttpClient()
        ) as client:

            async def ask_some() -> None:
                nonlocal done
                for n in questions:
                    prompt = f"{DDL}\nQuestion: Revenue per month, variant {n}?"
                    await client.chat.completions.create(
                        model="stub-model", messages=[{"role": "user", "content": prompt}]
                    )
                    done += 1
                    run.look(done)

            await asyncio.gather(*(ask_some() for _ in range(in_flight)))

    with measured("bare", options.tasks) as run:
        asyncio.run(ask_all(run))
    return run


@contextmanager
def stub(delay_ms: float) -> Iterator[str]:
    """The stub endpoint in a process of its own; yields its base URL."""
    command = [sys.executable, str(STUB), "--delay-ms", str(delay_ms), "--default", SQL]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with ended(process), process.stdout:
        yield process.stdout.readline().strip()


@contextmanager
def queue_server(home: Path) -> Iterator[str]:
    """A Valkey of this script's own; yields its URL."""
    command = valkey.command(valkey.binary(), home)
    with (
        (home / "valkey.log").open("wb") as log,
        ended(subprocess.Popen(command, stdout=log, stderr=log)),
    ):
        wait_for(lambda: valkey.answers(valkey.url(home)), "Valkey does not start")
        yield valkey.url(home)


@contextmanager
def ended(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    """End the process with the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(met: Callable[[], bool], trouble: str) -> None:
    give_up_at = time.monotonic() + STUCK_SECONDS
    while not met():
        if time.monotonic() > give_up_at:
            raise SystemExit(trouble)
        time.sleep(0.05)


def show(runs: Sequence[Run], options: argparse.Namespace) -> None:
    labels = {
        "farm": f"farm, {options.workers} workers x {options.concurrency} in flight",
        "rq": f"stock RQ, {options.rq_workers} x rq worker",
        "bare": f"bare AsyncOpenAI loop, {options.workers * options.concurrency} in flight",
    }
    does = {"farm": "queues, asks, stores, checks, dry-runs", "rq": "queues, asks", "bare": "asks"}
    table = Table("", "what it does", "tasks")
    for heading in ("tasks/s", "CPU ms/task"):
        table.add_column(heading, justify="right")
    for run in runs:
        cpu_ms = f"{run.cpu_seconds / run.tasks * 1000:,.1f}"
        table.add_row(labels[run.way], does[run.way], f"{run.tasks:,}", f"{run.rate():,.0f}", cpu_ms)
    console = Console(width=max(Console().width, 110))
    console.print(table)
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    console.print(
        f"answers after {options.delay_ms:g} ms; {os.cpu_count()} CPUs, load average {load} at the end"
    )


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=8000, help="for the farm and the bare loop")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the farm")
    parser.add_argument("--concurrency", type=int, default=128, help="tasks in flight per worker")
    parser.add_argument("--delay-ms", type=float, default=200.0, help="of the stub, before each answer")
    parser.add_argument("--rq-workers", type=int, default=16)
    parser.add_argument("--rq-tasks", type=int, help=f"default: a {RQ_SHARE}th of --tasks, as RQ is slow")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=WAYS, metavar="WAY", help=", ".join(WAYS))
    return parser.parse_args(arguments)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # ends what was started
    options = parsed()
    measure = {"farm": farm_rate, "rq": rq_rate, "bare": bare_rate}
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        home = Path(folder)
        with queue_server(home) as redis_url, stub(options.delay_ms) as base_url:
            runs = []
            for way in options.only:
                print(f"measuring {way} …", file=sys.stderr)
                runs.append(measure[way](options, home, redis_url, base_url))
    show(runs, options)


if __name__ == "__main__":
    main()
