"""Does the farm lose, double or pay twice for anything while all that it needs is killed, stopped and wiped?

    python benchmarks/chaos.py [--store sqlite|postgres] [--redis embedded|external] [--seed N] [--minutes M]
                               [--tasks N] [--kills N] [--stalls N] [--wipes N] [--outages N] [--json]

Two farms (`farm up` and `farm workers`) share a store and a Redis and ask a stub endpoint that counts every
request. Faults come at times planned from the seed: kill -9 of workers, checkers, whole farms and Redis;
SIGSTOP of workers for less and for more than their lease, and of Redis; Redis paused, full and wiped; the
database locked, crashed and restarted (Postgres), its disk full. What ends is started again, as by systemd.
The plan's clock stands still while the model is not asked, so that faults meet a farm at work.

When every task has settled, the store is held against what was enqueued and what the endpoint was paid. Exit
code 1 if anything was lost, doubled, paid for after its answer was stored, settled wrongly or not at all. The
seed fixes questions, answers and the plan of faults; what they meet depends on the machine. Linux only.
"""

import argparse
import contextlib
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.harness import schedule, script
from benchmarks.harness.audit import audit
from benchmarks.harness.books import Reader
from benchmarks.harness.endpoint import Endpoint
from benchmarks.harness.evidence import Books, Evidence
from benchmarks.harness.faults import Faults
from benchmarks.harness.producer import Producer
from benchmarks.harness.report import Report
from benchmarks.harness.site import Layout, Site, wait_for
from farm.errors import FarmError

KILLS_PER_MINUTE = 30
TASKS_PER_MINUTE = 300
PROGRESS_SECONDS = 10.0
LOOK_SECONDS = 1.0
TICK_SECONDS = 0.02
SETTLE_SECONDS = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it, say how it went, and return the exit code."""
    options = parsed(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # ends what was started
    try:
        report = run(options)
    except KeyboardInterrupt:
        return 130
    for words in report.offences():
        print(words, file=sys.stderr)
    print(json.dumps(report.json()) if options.json else report.line())
    return 0 if report.ok else 1


def run(options: argparse.Namespace) -> Report:
    """One whole run."""
    layout = Layout(store=options.store, redis=options.redis)
    seconds = options.minutes * 60
    planned = schedule.plan(
        seed=options.seed,
        store=layout.store,
        seconds=seconds,
        lease_seconds=layout.lease_seconds,
        kills=options.kills,
        stalls=options.stalls,
        wipes=options.wipes,
        outages=options.outages,
    )
    questions = [script.question(options.seed, number) for number in range(1, options.tasks + 1)]
    with Site(layout=layout, keep=options.keep) as site:
        note(f"{site.folder}: {options.tasks} tasks, {len(planned)} faults over {seconds:.0f} s")
        if options.outages:
            note(site.disk.says)
        reader = Reader(site.store, options.seed)
        with Endpoint(options.seed, was_stored=reader.was_stored) as endpoint:
            faults = Faults(planned, site, endpoint)
            producer = Producer(site, questions, seconds, clock=lambda: faults.planned_seconds)
            started = time.monotonic()
            try:
                site.start_farms(endpoint.url)
                work(site, reader, producer, faults, endpoint, len(questions), seconds)
            finally:
                faults.undo_all()
                producer.end()
            ran_seconds = time.monotonic() - started
            books = read(reader)
            for farm in site.farms:
                farm.ask_to_end()
            evidence = Evidence(
                questions=tuple(producer.confirmed),
                payments=endpoint.payments,
                hits=tuple(faults.hits),
                books=books,
            )
            return Report(
                store=layout.store,
                redis=layout.redis,
                seed=options.seed,
                seconds=ran_seconds,
                applied=faults.applied,
                gave_up=sum(code > 0 for farm in site.farms for code in farm.ends),
                refused_enqueues=producer.refused,
                verdict=audit(evidence),
            )


def work(
    site: Site,
    reader: Reader,
    producer: Producer,
    faults: Faults,
    endpoint: Endpoint,
    tasks: int,
    seconds: float,
) -> None:
    """Until every task has settled after the last fault, or it takes too long."""
    site.tend()
    with site.producer() as farm:
        farm.add_target(script.TARGET, dialect="sqlite", ddl=script.DDL)
    producer.start()
    wait_for(lambda: endpoint.paid > 0, site, "the first call of the model")
    started, next_look, next_word, counts = time.monotonic(), 0.0, 0.0, dict[str, int]()
    most_seconds = 3 * seconds + 2 * SETTLE_SECONDS
    linger = 2 * site.layout.lease_seconds  # whoever believes to hold a task yet shall be seen paying for it
    over_at: float | None = None
    while True:
        elapsed = time.monotonic() - started
        site.tend()
        faults.tick(elapsed)
        if elapsed >= next_look:
            with contextlib.suppress(FarmError):
                counts = reader.counts()
            next_look = time.monotonic() - started + LOOK_SECONDS
        settled = sum(count for state, count in counts.items() if state not in ("queued", "leased"))
        if elapsed >= next_word:
            next_word = elapsed + PROGRESS_SECONDS
            done = ", ".join(f"{count} {kind}" for kind, count in sorted(faults.applied.items()))
            note(f"{elapsed:5.0f} s  settled {settled} of {tasks}, paid {endpoint.paid}; {done}")
        if faults.over and (producer.done or producer.failed):
            over_at = over_at or elapsed
            if (settled >= tasks and elapsed > over_at + linger) or elapsed > over_at + SETTLE_SECONDS:
                return
        if elapsed > most_seconds:
            return
        time.sleep(TICK_SECONDS)


def read(reader: Reader) -> Books:
    """The books, once the database lets them be read."""
    give_up_at = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            return reader.books()
        except FarmError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(LOOK_SECONDS)


def note(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options; what is not given follows from the rest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument(
        "--redis", choices=("embedded", "external"), help="default: embedded for SQLite, else external"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help=f"of faults; default: {KILLS_PER_MINUTE} kills each")
    parser.add_argument("--tasks", type=int, help=f"default: {TASKS_PER_MINUTE} a minute")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--stalls", type=int, help="default: a fifth of the kills")
    parser.add_argument("--wipes", type=int, default=3)
    parser.add_argument("--outages", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="a JSON object in place of the line")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and store")
    options = parser.parse_args(arguments)
    options.redis = options.redis or ("embedded" if options.store == "sqlite" else "external")
    options.minutes = options.minutes or max(options.kills / KILLS_PER_MINUTE, 0.5)
    options.tasks = options.tasks or round(options.minutes * TASKS_PER_MINUTE)
    options.stalls = options.kills // 5 if options.stalls is None else options.stalls
    return options


if __name__ == "__main__":
    sys.exit(main())
