"""Coverage-guided fuzzing of extraction, bounds and checks; `make fuzz` runs it for a minute.

Fails, and writes the input into the given folder, on an exception and on a crash, when one input takes more
than CPU_SECONDS of processor time, and when the process has grown by more than GROWTH_MIB.
"""

import sys
from pathlib import Path
from time import process_time

import atheris

with atheris.instrument_imports(include=["farm.sql"]):
    from fuzz.measure import cpu_seconds, work

    from farm.sql.schema import Schema

import psutil
from fuzz.phrases import DDL, DIALECTS, SEEDS, Decisions, phrase

CPU_SECONDS = 2.5
"""Half of what a query is given for its checks; it is measured beside other work."""
GROWTH_MIB = 200
LOOK_EVERY = 64


class Fuzzer:
    """Gives each input to the code, and looks at the time and the memory that it took."""

    def __init__(self) -> None:
        self._schemas = [Schema.from_ddl(DDL, dialect) for dialect in DIALECTS]
        self._process = psutil.Process()
        self._inputs = 0
        for schema in self._schemas:  # what is loaded when it is first needed is no growth
            for seed in SEEDS:
                work(seed, schema, is_answer=True)
        self._start_mib = self._memory_mib()

    def __call__(self, data: bytes) -> None:
        decisions = Decisions(data)
        chosen = decisions.number(len(self._schemas) - 1)
        schema = self._schemas[chosen]
        is_answer = bool(decisions.number(1))
        text = phrase(decisions)
        started = process_time()
        work(text, schema, is_answer=is_answer)
        if process_time() - started > CPU_SECONDS:  # instrumented
            took_seconds = cpu_seconds(text, DIALECTS[chosen], is_answer=is_answer)
            assert took_seconds <= CPU_SECONDS, (
                f"{took_seconds:.1f} s for {len(text)} characters: {text!r:.500}"
            )
        self._inputs += 1
        if self._inputs % LOOK_EVERY == 0:
            grown_mib = self._memory_mib() - self._start_mib
            assert grown_mib <= GROWTH_MIB, f"grown by {grown_mib:.0f} MiB after {self._inputs:,} inputs"

    def _memory_mib(self) -> float:
        return float(self._process.memory_info().rss) / 2**20


def main() -> None:
    """Arguments: a folder for the corpus, then libFuzzer's own options."""
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    atheris.Setup(sys.argv, Fuzzer())
    atheris.Fuzz()


if __name__ == "__main__":
    main()
