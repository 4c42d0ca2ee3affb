"""How often the checks are wrong, and how long they take, on queries whose engine's judgement is known.

    python benchmarks/validation.py [--corpora DIR] [--dialect NAME] [--show N] [--limit N]

The corpora hold SQL that people and models wrote, each with what the real engine said of it. A false accept
is a query that passes here and that the engine refuses; a false reject is a read that the engine accepts and
that is refused here. Three ways side by side: sqlglot's parser alone, the static checks, and the checks with
a dry run (SQLite in memory, built from the schema; Postgres on the embedded server where it is installed;
MySQL on a MariaDB where mariadbd is on PATH; elsewhere the engine's recorded judgement stands in).
The Postgres queries whose schema DuckDB takes are judged by DuckDB too, as queries for DuckDB.
The static checks are told for two halves of the databases too, cut by a digest of their names: rules made
from what one half shows must hold on the other. Times are CPU times of this process, and what
it waits for Postgres and MariaDB, which are others.
"""

import argparse
import asyncio
import gzip
import hashlib
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from farm.checker.client import Checker
from farm.checker.engines import Engines, Scratch
from farm.errors import FarmError
from farm.sql.assess import judge
from farm.sql.checks import check
from farm.sql.checks.syntax import one_statement, parses
from farm.sql.dialect import DIALECTS
from farm.sql.schema import Schema
from farm.sql.subject import Subject
from farm.sql.verdict import Finding, Severity
from farm.targets.engine import NoEngine
from farm.targets.target import Dialect, Target

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "tests")]

from benchmarks.harness.engines import InDuckdb, on_mariadb  # noqa: E402  (needs the path above)

DEFAULT_CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
WAYS = ("parse", "static", "static + dry run")
THROUGH_THE_CHECKER: tuple[Dialect, ...] = ("sqlite", "postgres")


@dataclass
class Tally:
    """Counts for one way, dialect and kind."""

    refused: int = 0
    accepted: int = 0
    false_accepts: int = 0
    false_rejects: int = 0
    milliseconds: list[float] = field(default_factory=list)

    def add(self, row: dict[str, Any], findings: tuple[Finding, ...], elapsed_ms: float) -> str | None:
        """Count one judgement; says which kind of mistake it is, if it is one."""
        passes = not any(finding.severity is Severity.ERROR for finding in findings)
        self.milliseconds.append(elapsed_ms)
        if row["engine_accepts"]:
            self.accepted += 1
            self.false_rejects += not passes
            return None if passes else "reject"
        self.refused += 1
        self.false_accepts += passes
        return "accept" if passes else None


Tallies = dict[tuple[str, str, str], Tally]
Mistake = tuple[str, str, dict[str, Any], tuple[Finding, ...]]


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def kind_of(row: dict[str, Any]) -> str:
    source = row["source"]
    if source.startswith("mut:"):
        return "mutation"
    return "gold" if source.endswith("/gold") or source.startswith("defog") else "prediction"


def half_of(row: dict[str, Any]) -> str:
    """`a` or `b`; the same database has the same half in every dialect."""
    name = row["schema"].rpartition("/")[2]
    return "ab"[hashlib.sha256(name.encode()).digest()[0] & 1]


def by_parser(row: dict[str, Any], schema: Schema) -> tuple[Finding, ...]:
    subject = Subject(row["sql"], schema)
    return (*parses(subject),) or (*one_statement(subject),)


def by_checks(row: dict[str, Any], schema: Schema) -> tuple[Finding, ...]:
    return check(row["sql"], schema)


DryRuns = dict[tuple[str, str], Callable[[str], str | None]]
"""By schema and dialect: what the engine says against a query."""


def with_dry_run(dry_runs: DryRuns) -> Callable[..., tuple[Finding, ...]]:
    def judged(row: dict[str, Any], schema: Schema) -> tuple[Finding, ...]:
        def recorded(_: str) -> str | None:
            return None if row["engine_accepts"] else row["engine_error"] or "refused"

        dry_run = dry_runs.get((row["schema"], row["dialect"]), recorded)
        return judge(row["sql"], schema, dry_run, row["dialect"]).findings

    return judged


def in_memory(ddl: str) -> Callable[[str], str | None]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(ddl)

    def dry_run(sql: str) -> str | None:
        try:
            connection.execute("EXPLAIN " + sql).close()
        except (sqlite3.Error, sqlite3.Warning) as error:
            return str(error)
        return None

    return dry_run


@dataclass
class Clock:
    """CPU time of this thread, and the time it has waited in calls that were made through `waiting`."""

    waited_seconds: float = 0.0

    def now(self) -> float:
        return time.thread_time() + self.waited_seconds

    def waiting(self, dry_run: Callable[[str], str | None]) -> Callable[[str], str | None]:
        def timed(sql: str) -> str | None:
            started, worked = time.perf_counter(), time.thread_time()
            said = dry_run(sql)
            self.waited_seconds += time.perf_counter() - started - (time.thread_time() - worked)
            return said

        return timed


def embedded(engines: Engines, row: dict[str, Any], scratch: Scratch) -> Callable[[str], str | None] | None:
    """None where no embedded Postgres is installed."""
    target = Target(name="benchmark", dialect="postgres", ddl=row["ddl"])
    try:
        with engines.patiently():
            engine = engines.open(target, scratch)
    except (FarmError, NoEngine) as error:
        print(f"the recorded judgement stands in for {row['schema']}: {error}", file=sys.stderr)
        return None
    return engine.prepare if engine else None


def _candidates(corpora: Path, ducks: dict[str, InDuckdb]) -> Iterator[dict[str, Any]]:
    """The queries, and those for Postgres once more as queries for DuckDB where their schema is there."""
    for row in rows(corpora / "candidates.jsonl.gz"):
        yield row
        if row["dialect"] == "postgres" and row["schema"] in ducks:
            yield ducks[row["schema"]].judged(row)


def measure(
    corpora: Path,
    limit: int | None,
    dialects: set[str],
    engines: Engines,
    scratch: Scratch,
    mariadb: Mapping[str, Callable[[str], str | None]],
) -> tuple[Tallies, Tallies, list[Mistake]]:
    """By way, dialect and kind; for the static checks by dialect, kind and half; and every mistake."""
    schemas: dict[tuple[str, str], Schema] = {}
    dry_runs: DryRuns = {}
    ducks: dict[str, InDuckdb] = {}
    clock = Clock()
    for row in rows(corpora / "schemas.jsonl.gz"):
        key = row["schema"], row["dialect"]
        if row["dialect"] in dialects:
            schemas[key] = Schema.from_ddl(row["ddl"], row["dialect"])
            if row["dialect"] == "sqlite":
                dry_runs[key] = in_memory(row["ddl"])
            elif row["dialect"] == "postgres" and (dry_run := embedded(engines, row, scratch)):
                dry_runs[key] = clock.waiting(dry_run)
            elif row["dialect"] == "mysql" and row["schema"] in mariadb:
                dry_runs[key] = clock.waiting(mariadb[row["schema"]])
        if (
            row["dialect"] == "postgres"
            and "duckdb" in dialects
            and (duck := InDuckdb.where_it_fits(row["ddl"]))
        ):
            ducks[row["schema"]] = duck
            schemas[row["schema"], "duckdb"] = Schema.from_ddl(row["ddl"], "duckdb")
            dry_runs[row["schema"], "duckdb"] = duck.prepare
    ways = dict(zip(WAYS, (by_parser, by_checks, with_dry_run(dry_runs)), strict=True))
    tallies: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    halves: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    mistakes = []
    for number, row in enumerate(_candidates(corpora, ducks)):
        schema = schemas.get((row["schema"], row["dialect"]))
        if schema is None or (limit is not None and number >= limit):
            continue
        for way, judged in ways.items():
            started = clock.now()
            findings = judged(row, schema)
            elapsed_ms = (clock.now() - started) * 1000
            mistake = tallies[way, row["dialect"], kind_of(row)].add(row, findings, elapsed_ms)
            if way == "static":
                halves[row["dialect"], kind_of(row), half_of(row)].add(row, findings, elapsed_ms)
            if mistake is not None:
                mistakes.append((way, mistake, row, findings))
    return tallies, halves, mistakes


def share(part: int, whole: int) -> str:
    return f"{part:5d} / {whole:5d} {100 * part / whole:6.2f} %" if whole else f"{'-':>22}"


def print_table(tallies: Tallies) -> None:
    print(
        f"{'dialect':9} {'kind':11} {'way':17} {'false accepts':>22} {'false rejects':>22}  median ms  p99 ms"
    )
    for (way, dialect, kind), tally in sorted(
        tallies.items(), key=lambda item: (item[0][1:], WAYS.index(item[0][0]))
    ):
        times = sorted(tally.milliseconds)
        print(
            f"{dialect:9} {kind:11} {way:17} {share(tally.false_accepts, tally.refused)} "
            f"{share(tally.false_rejects, tally.accepted)}  {statistics.median(times):9.3f}  "
            f"{times[min(len(times) - 1, int(len(times) * 0.99))]:6.3f}"
        )


def print_halves(halves: Tallies) -> None:
    print(f"\n{'dialect':9} {'kind':11} {'static, half':17} {'false accepts':>22} {'false rejects':>22}")
    for (dialect, kind, half), tally in sorted(halves.items()):
        accepts = share(tally.false_accepts, tally.refused)
        print(f"{dialect:9} {kind:11} {half:17} {accepts} {share(tally.false_rejects, tally.accepted)}")


def print_mistakes(mistakes: list[Mistake], shown: int) -> None:
    """Per way and kind of mistake: the codes or engine errors behind it, then some examples."""
    for way in WAYS[1:]:
        for mistake in ("reject", "accept"):
            here = [(row, findings) for w, m, row, findings in mistakes if (w, m) == (way, mistake)]
            if not here:
                continue
            reasons = Counter(
                findings[-1].code if mistake == "reject" else row["engine_error"][:40]
                for row, findings in here
            )
            print(f"\nfalse {mistake}s, {way}: {len(here)}; {dict(reasons.most_common(25))}")
            for row, findings in here[:shown]:
                said = findings[-1].message if mistake == "reject" else row["engine_error"]
                print(f"  [{row['dialect']} {row['schema']} {row['source']}] {said}\n    {row['sql']}")


def through_the_checker(corpora: Path, dialect: Dialect, count: int, scratch: Scratch) -> None:
    """Print what the way through the checker process costs: one question at a time, and 128 in flight."""
    ddl = {
        row["schema"]: row["ddl"] for row in rows(corpora / "schemas.jsonl.gz") if row["dialect"] == dialect
    }
    targets = {name: Target(name=name, dialect=dialect, ddl=text) for name, text in ddl.items()}
    every = [row for row in rows(corpora / "candidates.jsonl.gz") if row["dialect"] == dialect]
    asked = [(row["sql"], targets[row["schema"]]) for row in every[:: max(1, len(every) // count)]]
    print(f"\n{dialect}:")
    asyncio.run(_through_the_checker(asked, scratch))


async def _through_the_checker(asked: list[tuple[str, Target]], scratch: Scratch) -> None:
    async with Checker(scratch=scratch) as checker:
        for target in dict.fromkeys(target for _, target in asked):
            await checker.check("SELECT 1", target)
        overheads = []
        for sql, target in asked:
            started = time.perf_counter()
            verdict = await checker.check(sql, target)
            overheads.append((time.perf_counter() - started) * 1000 - verdict.elapsed_ms)
        overhead_ms = statistics.median(overheads)
        print(f"checker, one in flight: {overhead_ms:.3f} ms more than the check itself (median)")
        queue = iter(asked)

        async def ask() -> None:
            for sql, target in queue:
                await checker.check(sql, target)

        started = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(128)))
        rate = len(asked) / (time.perf_counter() - started)
        print(f"checker, 128 in flight: {rate:,.0f} checks/s with dry run")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--corpora", type=Path, default=Path(os.environ.get("FARM_CORPORA") or DEFAULT_CORPORA)
    )
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="print N examples of each kind of mistake"
    )
    parser.add_argument("--dialect", choices=sorted(DIALECTS), help="only this one")
    parser.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N queries")
    options = parser.parse_args()
    if not (options.corpora / "candidates.jsonl.gz").is_file():
        print(
            f"no corpora in {options.corpora}; name their folder with --corpora or FARM_CORPORA",
            file=sys.stderr,
        )
        return 2
    dialects = {options.dialect} if options.dialect else set(DIALECTS)
    with ExitStack() as stack:
        scratch = Scratch(home=stack.enter_context(tempfile.TemporaryDirectory(prefix="farm-validation-")))
        engines = stack.enter_context(closing(Engines()))
        mysql = {
            row["schema"]: row["ddl"]
            for row in rows(options.corpora / "schemas.jsonl.gz")
            if row["dialect"] == "mysql" and "mysql" in dialects
        }
        mariadb = stack.enter_context(on_mariadb(mysql)) if mysql else {}
        tallies, halves, mistakes = measure(
            options.corpora, options.limit, dialects, engines, scratch, mariadb
        )
        print_table(tallies)
        print_halves(halves)
        print_mistakes(mistakes, options.show)
        for dialect in THROUGH_THE_CHECKER:
            if dialect in dialects:
                through_the_checker(options.corpora, dialect, 4_000, scratch)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
