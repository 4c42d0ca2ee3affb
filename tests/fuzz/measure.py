"""The processor time that one text takes, in a process of its own that counts nothing else."""

import json
import subprocess
import sys
import time

from fuzz.phrases import DDL, SEEDS

from farm.sql.assess import assess, judge
from farm.sql.schema import Schema


def work(text: str, schema: Schema, *, is_answer: bool) -> None:
    """What is fuzzed: a model's answer, or a query as it is. No check may break down on the way."""
    verdicts = [c.verdict for c in assess(text, schema)] if is_answer else [judge(text, schema)]
    broken = [f.message for verdict in verdicts for f in verdict.findings if f.code == "could_not_check"]
    assert not broken, f"{broken[0]}: {text!r:.500}"


def cpu_seconds(text: str, dialect: str, *, is_answer: bool) -> float:
    """Measured in a new process, as one that is instrumented is several times slower."""
    given = json.dumps({"text": text, "dialect": dialect, "is_answer": is_answer})
    command = [sys.executable, "-m", "fuzz.measure"]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=300)
    return float(done.stdout)


def main() -> None:
    given = json.load(sys.stdin)
    schema = Schema.from_ddl(DDL, given["dialect"])
    work(SEEDS[0], schema, is_answer=True)  # what is loaded at first use is not the text's
    started = time.process_time()
    work(given["text"], schema, is_answer=given["is_answer"])
    print(time.process_time() - started)


if __name__ == "__main__":
    main()
