"""Runs one query on a SQLite file in a process of its own, which can be killed.

Inside one function call (instr, printf on long texts) SQLite heeds neither its progress handler nor an
interrupt, so the time-out must not depend on them.
"""

import contextlib
import os
import pickle
import subprocess
import sys

from farm.errors import TargetTrouble
from farm.targets.engine import Result

GRACE_SECONDS = 1.0
MEMORY_LIMIT_BYTES = 2 << 30


def run_in_child(url: str, sql: str, *, target_name: str, row_limit: int, timeout_seconds: float) -> Result:
    """What SqliteEngine.run_here gives, or raises, in the child."""
    order = pickle.dumps((url, sql, target_name, row_limit, timeout_seconds))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "farm.targets.sqlite_child"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            input=order,
            capture_output=True,
            timeout=timeout_seconds + GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise took_too_long(target_name, timeout_seconds) from None
    if done.returncode:
        last = (
            done.stderr.decode(errors="replace").strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        )
        raise TargetTrouble(
            f"the query ended the process it ran in, on target {target_name!r}: {last}; "
            "it may need more memory than a report is given"
        )
    outcome = pickle.loads(done.stdout)  # noqa: S301 - written by our own child
    if isinstance(outcome, Result):
        return outcome
    raise TargetTrouble(outcome)


def took_too_long(target_name: str, timeout_seconds: float) -> TargetTrouble:
    return TargetTrouble(
        f"the query took longer than {timeout_seconds:g} s on target {target_name!r} "
        "and was stopped; narrow it, or allow more time"
    )


def main() -> None:
    """In the child: the order on standard input; on standard output a Result, or a TargetTrouble's words."""
    from farm.targets.sqlite import SqliteEngine

    _limit_memory()
    url, sql, target_name, row_limit, timeout_seconds = pickle.load(sys.stdin.buffer)  # noqa: S301 - our parent's
    outcome: Result | str
    try:
        engine = SqliteEngine.from_url(url, target_name=target_name)
        outcome = engine.run_here(sql, row_limit=row_limit, timeout_seconds=timeout_seconds)
    except TargetTrouble as trouble:
        outcome = str(trouble)
    sys.stdout.buffer.write(pickle.dumps(outcome))


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))


if __name__ == "__main__":
    main()
