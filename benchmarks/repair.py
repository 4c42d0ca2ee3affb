"""What repairs make of refused first answers, for each finding, with a real model and real data.

    python benchmarks/repair.py [--count 40] [--minutes 20] [--ways talk,anew,grammar] [--url URL] [--show]

Questions of the corpora, spread over six Postgres databases, are asked with a plain prompt (schema, notes and
question, no hints), so that enough first answers fail. Each answer is cut out, checked and prepared by
Postgres. What is refused is repaired in several ways, all from the same first answer:

- bare: the conversation goes on with the verdict alone
- talk: with the verdict, and the part of the schema that it is about
- anew: a conversation of its own, with that part of the schema in place of all of it
- grammar: as talk, held to the grammar of valid queries from the first repair on
- farm: what a farm with two repairs does: as talk, and the second one held to the grammar

`talk1` and the like count what one repair mends, `talk2` what two mend. An answer is correct when its result
is one that the gold query allows, whatever the order of rows. The model is the farm's own local one, from
where the farm keeps it, or any endpoint by --url.
"""

import argparse
import asyncio
import gzip
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import psycopg  # noqa: E402  (the path above comes first)
from support.postgres import fresh_database, postgres  # noqa: E402

from farm.checker.constraint import grammar_for  # noqa: E402
from farm.checker.inspector import Inspector  # noqa: E402
from farm.demo.accuracy import same_result  # noqa: E402
from farm.errors import FarmError, TargetTrouble  # noqa: E402
from farm.models.answer import Answer, Message  # noqa: E402
from farm.models.client import Model  # noqa: E402
from farm.prompt import prompt  # noqa: E402
from farm.services import llama, weights  # noqa: E402
from farm.settings import ModelSettings, Settings  # noqa: E402
from farm.sql.verdict import Candidate, best  # noqa: E402
from farm.targets.engine import Engine, open_engine  # noqa: E402
from farm.targets.target import Target  # noqa: E402

DEFAULT_CORPORA = ROOT.parent / "shared" / "corpora"
WAYS = ("bare", "talk", "anew", "grammar", "farm")
ROW_LIMIT = 5_000
RUN_SECONDS = 20.0
MOST_VARIANTS = 40
BRACES = re.compile(r"\{([^{}]*)\}")
SETTINGS = ModelSettings(max_tokens=300, seed=1, deadline_seconds=300.0, grammar="llama.cpp")


@dataclass
class Tally:
    """Of refused first answers with one code: how many, and by way and number of repairs what was mended."""

    refused: int = 0
    accepted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    correct: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    tokens: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass
class Database:
    """One database with its data, and what judges queries on it."""

    target: Target
    inspector: Inspector
    engine: Engine

    def judged(self, answer: str) -> Candidate | None:
        return best(self.inspector.assess(answer))

    def rows(self, sql: str) -> Sequence[Sequence[object]] | None:
        """The result; None where it fails."""
        try:
            return self.engine.run(sql, row_limit=ROW_LIMIT, timeout_seconds=RUN_SECONDS).rows
        except TargetTrouble:
            return None

    def is_correct(self, sql: str, gold: str) -> bool:
        got = self.rows(sql)
        if got is None:
            return False
        wanted = (self.rows(variant) for variant in itertools.islice(variants(gold), MOST_VARIANTS))
        return any(rows is not None and same_result(rows, got, ordered=False) for rows in wanted)


def variants(gold: str) -> Iterator[str]:
    """The queries that a gold text stands for: several, and any choice of the columns in braces."""
    for query in filter(str.strip, gold.split(";")):
        choices = next((m[1].split(",") for m in BRACES.finditer(query) if m[1].strip()), [])
        if not choices:
            yield query
        for size in range(1, len(choices) + 1):
            for chosen in itertools.combinations(choices, size):
                columns = ", ".join(each.strip() for each in chosen)
                yield BRACES.sub(lambda _, columns=columns: columns, query)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def questions(corpora: Path, count: int) -> list[dict[str, Any]]:
    """So many questions, evenly of all databases; those of one together, as its prompt is then kept."""
    by_database: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows(corpora / "questions.jsonl.gz"):
        by_database[row["database"]].append(row)
    each = -(-count // len(by_database))
    chosen = [of[:: max(1, len(of) // each)][:each] for of in by_database.values()]
    return [row for of in chosen for row in of][:count]


def database(name: str, corpora: Path, server: str, stack: ExitStack) -> Database:
    """A fresh database with the data of the corpora."""
    url = stack.enter_context(fresh_database(server))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((corpora / "databases" / f"{name}.sql").read_bytes())
    target = Target(name=name, dialect="postgres", ddl="", url=url)
    engine = open_engine(target, purpose="run")
    assert engine is not None
    stack.callback(engine.close)
    target = Target(name=name, dialect="postgres", ddl=engine.introspect(), url=url)
    inspector = Inspector(target)
    stack.callback(inspector.close)
    return Database(target=target, inspector=inspector, engine=engine)


def plain(question: str, target: Target) -> tuple[Message, ...]:
    """A request as people write it at first."""
    user = f"Schema:\n{target.ddl}\n{target.notes}\nQuestion: {question}"
    return (
        Message("system", f"You write PostgreSQL queries. {prompt.ANSWER_RULE}"),
        Message("user", user),
    )


@contextmanager
def local_model(settings: Settings) -> Iterator[str]:
    """The farm's own model server, from the weights it keeps; yields its address."""
    found = weights.fetch(settings.local_model, cache_dir=settings.cache_dir)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = llama.command(found.path, "127.0.0.1", port, 1)
    server = subprocess.Popen(
        command,
        env={**os.environ, **llama.environment()},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        give_up_at = time.monotonic() + 120
        while not llama.ready(f"http://127.0.0.1:{port}"):
            if time.monotonic() > give_up_at or server.poll() is not None:
                raise SystemExit("the local model does not start")
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)


class Run:
    """Asks, repairs and counts until the time is over."""

    def __init__(self, model: Model, *, ways: Sequence[str], show: bool, end_at: float) -> None:
        self._model, self._ways, self._show, self._end_at = model, ways, show, end_at
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self._answers: dict[tuple[tuple[Message, ...], str | None], Answer] = {}
        self.asked = self.accepted = self.correct = 0

    async def question(self, row: dict[str, Any], on: Database) -> None:
        """One question: the first answer, and each way of repairing it where it is refused."""
        question, gold = row["question"], row["gold"]
        target = Target(**{**_fields(on.target), "notes": row["notes"]})
        messages = plain(question, target)
        first = on.judged((await self._model.ask(messages)).text)
        self.asked += 1
        if first is not None and first.verdict.accepted:
            self.accepted += 1
            self.correct += on.is_correct(first.sql, gold)
            return
        error = first.verdict.first_error if first else None
        tally = self.tallies[error.code if error else "no_sql"]
        tally.refused += 1
        self._tell(f"{question}\n  {error.code if error else ''}: {error.message if error else ''}")
        for way in self._ways:
            if time.monotonic() < self._end_at:
                await self._repaired(way, question, gold, messages, first, target, on, tally)

    async def _repaired(
        self,
        way: str,
        question: str,
        gold: str,
        messages: tuple[Message, ...],
        candidate: Candidate | None,
        target: Target,
        on: Database,
        tally: Tally,
    ) -> None:
        for round_no in (1, 2):
            grammar = None
            if way == "anew" and candidate is not None and candidate.sql:
                messages = prompt.repair_anew(candidate, question=question, target=target, round_no=round_no)
            else:
                told = {} if way == "bare" else {"question": question, "target": target}
                messages = prompt.repair(messages, candidate, round_no, **told)
            if way == "grammar" or (way == "farm" and round_no == 2):
                sql = candidate.sql if candidate else ""
                found = grammar_for(question, sql, target, on.inspector.schema)
                grammar = found.gbnf() if found else None
            answer = await self._answer(messages, grammar)
            candidate = on.judged(answer.text)
            tally.tokens[way] += answer.prompt_tokens
            mended = candidate is not None and candidate.verdict.accepted
            correct = mended and candidate is not None and on.is_correct(candidate.sql, gold)
            codes = [f.code for f in candidate.verdict.findings] if candidate else []
            self._tell(f"  {way}{round_no} {'accepted' if mended else codes} {'correct' if correct else ''}")
            for number in range(round_no, 3) if mended else ():
                tally.accepted[f"{way}{number}"] += 1
                tally.correct[f"{way}{number}"] += correct
            if mended or way == "grammar":
                return

    async def _answer(self, messages: tuple[Message, ...], grammar: str | None) -> Answer:
        """The model's answer, which is the same for the same request and so asked for once."""
        known = (messages, grammar)
        if known not in self._answers:
            self._answers[known] = await self._model.ask(messages, grammar)
        return self._answers[known]

    def _tell(self, text: str) -> None:
        if self._show:
            print(text, flush=True)


def _fields(target: Target) -> dict[str, Any]:
    return {name: getattr(target, name) for name in ("name", "dialect", "ddl", "url")}


async def measure(options: argparse.Namespace, url: str) -> Run:
    corpora: Path = options.corpora
    chosen = questions(corpora, options.count)
    with ExitStack() as stack:
        server = stack.enter_context(postgres())
        on = {
            name: database(name, corpora, server, stack)
            for name in dict.fromkeys(row["database"] for row in chosen)
        }
        async with Model(
            options.model, base_url=url, api_key=None, settings=SETTINGS, max_connections=2
        ) as model:
            end_at = time.monotonic() + 60 * options.minutes
            run = Run(model, ways=options.ways.split(","), show=options.show, end_at=end_at)
            for row in chosen:
                if time.monotonic() > end_at:
                    print(f"the time is over after {run.asked} of {len(chosen)} questions")
                    break
                try:
                    await run.question(row, on[row["database"]])
                except FarmError as error:
                    print(f"no answer: {error}", file=sys.stderr)
            return run


def print_table(run: Run, ways: Sequence[str]) -> None:
    names = [f"{way}{number}" for way in ways for number in ((1,) if way == "grammar" else (1, 2))]
    total = Tally()
    print(f"\nfirst answers: {run.asked}, accepted {run.accepted}, of these correct {run.correct}")
    print("repaired: accepted / correct, of the refused first answers with this code")
    print(f"{'code':24} {'refused':>7}  " + "  ".join(f"{name:>9}" for name in names))
    for code, tally in sorted(run.tallies.items(), key=lambda item: -item[1].refused):
        print_line(code, tally, names)
        total.refused += tally.refused
        for name in names:
            total.accepted[name] += tally.accepted[name]
            total.correct[name] += tally.correct[name]
        for way, tokens in tally.tokens.items():
            total.tokens[way] += tokens
    print_line("all", total, names)
    print("prompt tokens of all repairs: " + ", ".join(f"{way} {n:,}" for way, n in total.tokens.items()))


def print_line(code: str, tally: Tally, names: Sequence[str]) -> None:
    cells = (f"{tally.accepted[name]:4d} /{tally.correct[name]:3d}" for name in names)
    print(f"{code:24} {tally.refused:7d}  " + "  ".join(f"{cell:>9}" for cell in cells))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--corpora", type=Path, default=Path(os.environ.get("FARM_CORPORA") or DEFAULT_CORPORA)
    )
    parser.add_argument("--count", type=int, default=40, help="questions asked")
    parser.add_argument("--minutes", type=float, default=20.0, help="no question is begun after so long")
    parser.add_argument("--ways", default=",".join(WAYS), help="of repairing, by commas")
    parser.add_argument("--url", help="an endpoint that takes llama.cpp's grammars; default the local model")
    parser.add_argument("--model", default="local", help="its model")
    parser.add_argument("--show", action="store_true", help="tell what becomes of each refused answer")
    options = parser.parse_args()
    if not (options.corpora / "questions.jsonl.gz").is_file():
        said = f"no corpora in {options.corpora}; name their folder with --corpora or FARM_CORPORA"
        print(said, file=sys.stderr)
        return 2
    with ExitStack() as stack:
        url = options.url or stack.enter_context(local_model(Settings.load()))
        run = asyncio.run(measure(options, url))
    print_table(run, options.ways.split(","))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
