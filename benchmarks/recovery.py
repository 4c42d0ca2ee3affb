"""How long until a farm works again after what befalls it, held against targets.

    python benchmarks/recovery.py [--only CASE …] [--count N] [--share F] [--side-by-side N] [--json]

Real farms (`farm up`, `farm workers`) ask a stub endpoint whose first answers never come. Workers, watchdog
and Valkey are killed, workers stopped, Redis wiped; whole hosts are killed, frozen and, as root on Linux, cut
off in network namespaces. A task runs again when the endpoint is asked its question a second time.

Each case is a process of its own; --side-by-side of them run at a time, of which all but one wait for leases
to run out. Exit code 1 if a target is missed, or if a task was lost, doubled or asked too often. Not on
Windows.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic, sleep

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from benchmarks.recoveries.cases import CASES
from benchmarks.recoveries.figures import Figure, summary

POLL_SECONDS = 0.2
END_SECONDS = 60.0
ENDING = (signal.SIGTERM, signal.SIGHUP)
WARM = (
    "import farm.checker.process, farm.cli.main, farm.watchdog.runner, farm.watchdog.tether, farm.worker.warm"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it, show the figures, and return the exit code."""
    options = parsed(arguments)
    for number in ENDING:
        signal.signal(number, end)
    try:
        return measure(options.case, options.count) if options.case else survey(options)
    except KeyboardInterrupt:
        return 130


def end(number: int, _: object) -> None:
    """End what was started, and be not disturbed at it."""
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def measure(name: str, count: int) -> int:
    """One case, as a line of JSON."""
    trouble: list[str] = []
    figures = CASES[name].measure(count, trouble)
    print(json.dumps({"figures": [figure.json() for figure in figures], "trouble": trouble}))
    return 0


def survey(options: argparse.Namespace) -> int:
    """All cases that are asked for, some of them at the same time."""
    started, load = monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="farm-recovery-", ignore_cleanup_errors=True) as folder:
        environment = as_installed(Path(folder))
        found = run_all(options, environment)
    figures = [figure for name in options.only for figure in found[name][0]]
    trouble = [f"{name}: {words}" for name in options.only for words in found[name][1]]
    report = summary(figures, trouble=trouble)
    about = {"seconds": round(monotonic() - started), "cpus": os.cpu_count(), "load_before": round(load, 1)}
    if options.json:
        print(json.dumps(report | about))
    else:
        show(figures, trouble, about)
    return 0 if report["ok"] else 1


def as_installed(folder: Path) -> dict[str, str]:
    """An environment in which Python finds everything compiled, as it does from its second start on."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder)
    root = str(Path(__file__).resolve().parents[1])
    subprocess.run([sys.executable, "-c", WARM], env=environment | {"PYTHONPATH": root}, check=True)
    return environment


def run_all(
    options: argparse.Namespace, environment: dict[str, str]
) -> dict[str, tuple[list[Figure], list[str]]]:
    """The figures and the trouble of each case."""
    counts = {
        name: options.count or max(1, round(CASES[name].count * options.share)) for name in options.only
    }
    waiting = sorted(options.only, key=lambda name: -CASES[name].seconds_each * counts[name])
    running: dict[str, subprocess.Popen[str]] = {}
    found: dict[str, tuple[list[Figure], list[str]]] = {}
    try:
        while waiting or running:
            while len(running) < options.side_by_side and (name := next_case(waiting, running)) is not None:
                waiting.remove(name)
                note(f"{name}: {counts[name]} times …")
                command = [sys.executable, __file__, "--case", name, "--count", str(counts[name])]
                running[name] = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            for name in [name for name, process in running.items() if process.poll() is not None]:
                found[name] = outcome(name, running.pop(name))
            sleep(POLL_SECONDS)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(END_SECONDS)
    return found


def next_case(waiting: Sequence[str], running: Iterable[str]) -> str | None:
    """The one that takes longest, unless it is busy and another busy one runs; None: wait for that."""
    busy = any(CASES[name].busy for name in running)
    return next((name for name in waiting if not (busy and CASES[name].busy)), None)


def outcome(name: str, process: "subprocess.Popen[str]") -> tuple[list[Figure], list[str]]:
    """What a case that has ended said; one that failed is trouble."""
    said, _ = process.communicate()
    if process.returncode:
        return [Figure(what=name)], [f"ended with exit code {process.returncode}"]
    result = json.loads(said)
    figures = [Figure.from_json(value) for value in result["figures"]]
    for figure in figures:
        note("  ".join(figure.row()))
    return figures, result["trouble"]


def show(figures: Sequence[Figure], trouble: Sequence[str], about: dict[str, object]) -> None:
    table = Table("what")
    for heading in ("n", "p50", "p99", "max", "target"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for figure in figures:
        table.add_row(*figure.row())
    console = Console(width=max(Console().width, 130))
    console.print(table)
    for words in trouble:
        console.print(f"TROUBLE {words}", markup=False)
    now = os.getloadavg()[0]
    console.print(
        f"{about['seconds']} s; {about['cpus']} CPUs, load average {about['load_before']} before, "
        f"{now:.1f} at the end (this run's own included)"
    )


def note(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--count", type=int, help="how often each is tried; default: as each case says")
    parser.add_argument("--share", type=float, default=1.0, help="of the default counts, such as 0.2")
    parser.add_argument("--side-by-side", type=int, default=3, help="cases that run at the same time")
    parser.add_argument("--json", action="store_true", help="a JSON object in place of the table")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
