"""How many dirty answers the extraction makes acceptable, and what it breaks.

    python benchmarks/extraction.py [--corpora DIR] [--show N]

The corpora hold what published models answered, each with the real engine's judgement of the text as it is.
An answer is dirty when it is more than one plain statement: fences, prose, several statements, marks of chat
templates, backslashes of Markdown, typographic quotes. Four counts:

- made acceptable: dirty answers of models in which the checks and a real engine then accept a query; of the
  whole set, of which this is a part, at least 170 of 273 were asked for, which is 62.3 %. Answers that are
  dirty by nothing but backslashes are told apart.
- clean ones broken: statements that the engine accepts as they are, and that come out changed.
- pieces: single statements that the engine refuses, of which some part is accepted. It is another query than
  the one that was written, so none may be.
- dirt put in: gold queries to which fences, prose or a second statement were added.

Engines: SQLite in memory; a Postgres of its own for the run; for MySQL the static checks alone decide.
"""

import argparse
import gzip
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.postgres import postgres  # noqa: E402  (needs the path above)

from farm.sql.answers.cut import without_end  # noqa: E402
from farm.sql.answers.extract import candidates  # noqa: E402
from farm.sql.assess import assess  # noqa: E402
from farm.sql.schema import Schema  # noqa: E402
from farm.targets.engine import Engine, open_engine  # noqa: E402
from farm.targets.target import Target  # noqa: E402

DEFAULT_CORPORA = ROOT.parent / "shared" / "corpora"
WANTED_SHARE = 170 / 273
QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
DIRT = {
    "fence": re.compile(r"```|~~~"),
    "mark of a turn": re.compile(r"<\|\w+\|>|</?s>|\[/?(?:SQL|INST)\]"),
    "no start": re.compile(r"\A[\s(]*(?!SELECT\b|WITH\b|VALUES\b|[\s(])", re.IGNORECASE),
    "after the end": re.compile(r";[\s;]*[^\s;]"),
    "typography": re.compile("[\u2018\u2019\u201c\u201d\u200b\ufeff\u00a0]"),
    "backslash": re.compile(r"\\[_*\"]"),
    "prose": re.compile(
        r"\n[ \t]*\n[ \t]*[A-Z*#][a-z* ]+ (?!AS |ON )[a-zA-Z ]{4}|^[A-Z][a-z]+: [a-z]", re.MULTILINE
    ),
}
WRITES = re.compile(
    r"\A\s*(?:INSERT|UPDATE|DELETE|DROP|CREATE|ALTER|REPLACE|TRUNCATE|GRANT)\b", re.IGNORECASE
)


@dataclass
class Counts:
    """What was counted, by a name and a dialect or kind; and the cases worth looking at."""

    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    cases: dict[str, list[tuple[dict[str, Any], str]]] = field(default_factory=dict)

    def keep(self, name: str, row: dict[str, Any], said: str) -> None:
        self.cases.setdefault(name, []).append((row, said))


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def dirt_of(text: str) -> str | None:
    """What makes an answer more than a plain statement; None for one that is nothing else."""
    bare = QUOTED.sub(lambda match: " " if match[0][:1] in "-/" else "''", without_end(text))
    return next((name for name, pattern in DIRT.items() if pattern.search(bare)), None)


def kind_of(row: dict[str, Any]) -> str:
    source = str(row["source"])
    if source.startswith("mut:"):
        return source.removesuffix("/mut")
    return "gold" if source.endswith("/gold") or source.startswith("defog") else "model"


def measure(corpora: Path) -> Counts:
    """Everything counted over the corpora."""
    counts = Counts()
    with ExitStack() as stack:
        judges = engines(corpora, stack)
        for row in rows(corpora / "candidates.jsonl.gz"):
            schema, dry_run = judges[row["schema"], row["dialect"]]
            if row["engine_accepts"]:
                count_clean(row, counts)
            else:
                judged = assess(row["sql"], schema, dry_run, row["dialect"])[-1]
                count_refused(row, judged.sql if judged.verdict.accepted else None, counts)
    return counts


def engines(
    corpora: Path, stack: ExitStack
) -> dict[tuple[str, str], tuple[Schema, Callable[[str], str | None] | None]]:
    """The compiled schema and the engine's `prepare` for each database; None where there is no engine."""
    scratch = stack.enter_context(postgres())
    found = {}
    for row in rows(corpora / "schemas.jsonl.gz"):
        name, dialect = row["schema"], row["dialect"]
        target = Target(name=name, dialect=dialect, ddl=row["ddl"])
        engine: Engine | None = None
        if dialect in ("sqlite", "postgres"):
            engine = open_engine(target, purpose="check", scratch_postgres_url=scratch)
        if engine is not None:
            stack.callback(engine.close)
        schema = Schema.from_ddl(row["ddl"], dialect)
        found[name, dialect] = (schema, engine.prepare if engine else None)
    return found


def count_clean(row: dict[str, Any], counts: Counts) -> None:
    """A statement that the engine accepts comes out first, and as it is."""
    counts.counted["clean", kind_of(row).partition(":")[0], "all"] += 1
    found = candidates(row["sql"])
    if not found or found[0] != without_end(row["sql"]):
        counts.counted["clean", kind_of(row).partition(":")[0], "broken"] += 1
        counts.keep("clean ones broken", row, found[0] if found else "nothing")


def count_refused(row: dict[str, Any], accepted: str | None, counts: Counts) -> None:
    """What became of a text that the engine refuses as it is."""
    kind, dirt = kind_of(row), dirt_of(row["sql"])
    group = f"{dirt}, {row['dialect']}" if kind == "model" else kind
    if dirt is not None:
        what = "dirt put in" if kind != "model" else "backslashes" if dirt == "backslash" else "dirty"
        counts.counted[what, group, "all"] += 1
        counts.counted[what, group, "accepted"] += accepted is not None
        if kind == "model" and accepted is None:
            counts.keep("dirty ones refused", row, dirt)
        if accepted is not None and WRITES.match(row["sql"]):
            counts.keep("reads found in a text that begins with a write", row, accepted)
        return
    changed = accepted is not None and accepted != without_end(row["sql"])
    counts.counted["pieces", "model" if kind == "model" else "mutation", "all"] += 1
    counts.counted["pieces", "model" if kind == "model" else "mutation", "accepted"] += changed
    if changed:
        counts.keep("pieces", row, str(accepted))


def print_table(counts: Counts) -> bool:
    """Print all counts; says whether what was asked for is met."""
    names = {(what, group) for what, group, _ in counts.counted}
    print(f"{'what':12} {'of':24} {'texts':>6} {'accepted':>9} {'broken':>7}")
    for what, group in sorted(names):
        every, accepted, broken = (
            counts.counted[what, group, each] for each in ("all", "accepted", "broken")
        )
        told = (f"{'-':>9} {broken:7d}",) if what == "clean" else (f"{accepted:9d} {'-':>7}",)
        print(f"{what:12} {group:24} {every:6d} {told[0]}")
    every = sum(n for (what, _, which), n in counts.counted.items() if (what, which) == ("dirty", "all"))
    made = sum(n for (what, _, which), n in counts.counted.items() if (what, which) == ("dirty", "accepted"))
    broken = len(counts.cases.get("clean ones broken", ()))
    pieces = len(counts.cases.get("pieces", ()))
    share = made / every if every else 0.0
    print(
        f"\ndirty answers made acceptable: {made} of {every} = {100 * share:.1f} % "
        f"(asked for: {100 * WANTED_SHARE:.1f} %, {WANTED_SHARE * every:.0f}); "
        f"clean ones broken: {broken}; pieces: {pieces}"
    )
    return share >= WANTED_SHARE and not broken and not pieces


def print_cases(counts: Counts, shown: int) -> None:
    for name, cases in counts.cases.items():
        print(f"\n{name}: {len(cases)}")
        for row, said in cases[:shown]:
            print(f"  [{row['dialect']} {row['schema']} {row['source']}] {row['engine_error'][:90]}")
            print(f"    {row['sql']}\n    -> {said}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--corpora", type=Path, default=Path(os.environ.get("FARM_CORPORA") or DEFAULT_CORPORA)
    )
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N cases of each kind")
    options = parser.parse_args()
    if not (options.corpora / "candidates.jsonl.gz").is_file():
        said = f"no corpora in {options.corpora}; name their folder with --corpora or FARM_CORPORA"
        print(said, file=sys.stderr)
        return 2
    counts = measure(options.corpora)
    met = print_table(counts)
    if options.show:
        print_cases(counts, options.show)
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
