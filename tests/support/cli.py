"""The real command line as processes, in a home of its own, and a count of the processes it leaves behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "farm")
MARK = "FARM_TEST_MARK"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What an ended command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one line of JSON."""
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        """One value for each line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, kw_only=True)
class Cli:
    """`farm` in `folder`, with FARM_HOME below it and nothing of the caller's FARM_… and OPENAI_… variables.

    Every process it starts, and every process that those start, carries a mark in its environment.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def with_settings(self, **settings: str) -> "Cli":
        """The same home and mark with further environment variables."""
        return Cli(folder=self.folder, settings={**self.settings, **settings}, mark=self.mark)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        ours = ("FARM_", "OPENAI_", "COLUMNS", "FORCE_COLOR", "TTY_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(ROOT / ".pytest_cache" / "pycache"),  # starts in a third of the time
            "FARM_HOME": str(self.home),
            "FARM_SECRETS_DIR": str(self.folder / "no-secrets"),
            "FARM_LOG_LEVEL": "WARNING",
            "FARM_WEB": "false",  # tests of the pages turn them on
            MARK: self.mark,
            **self.settings,
        }

    def __call__(self, *words: str, stdin: str = "", timeout_seconds: float = 90.0, **options: Any) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            [*COMMAND, *words],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=self.folder,
            env=self.environment,
            timeout=timeout_seconds,
            check=False,
            **options,
        )
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr)

    def start(self, *words: str, output: IO[str] | int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start a command as the leader of a process group, as a terminal does."""
        return subprocess.Popen(
            [*COMMAND, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
            encoding="utf-8",
            cwd=self.folder,
            env=self.environment,
            start_new_session=True,
        )

    def processes(self) -> list[str]:
        """The command lines of all living processes that carry the mark."""
        lines = []
        for process in _marked(self.mark, self.home):
            with contextlib.suppress(psutil.Error):  # it has just ended
                lines.append(" ".join(process.cmdline()) or process.name())
        return lines

    def kill_all(self) -> None:
        """End whatever still carries the mark."""
        for process in _marked(self.mark, self.home):
            with contextlib.suppress(psutil.Error):
                process.kill()


def interrupt(process: "subprocess.Popen[str]") -> None:
    """Ctrl-C in the terminal of `process`: SIGINT to its whole group."""
    os.killpg(process.pid, signal.SIGINT)


def wait_until(met: Callable[[], object], what: str, *, timeout_seconds: float = 60.0) -> None:
    """Wait for something to become true; fails by naming it."""
    give_up_at = time.monotonic() + timeout_seconds
    while not met():
        assert time.monotonic() < give_up_at, f"after {timeout_seconds:g} s still not: {what}"
        time.sleep(0.05)


def _marked(mark: str, home: Path) -> list[psutil.Process]:
    """Valkey clears its environment for a title, which names its socket."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get(MARK) == mark or f"{home}{os.sep}" in " ".join(process.cmdline())
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
