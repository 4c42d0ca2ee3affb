"""A process that is started again whenever it ends, as systemd or compose would; it ends with the harness."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from support.child import end_with_parent

RESTART_SECONDS = 1.0
END_SECONDS = 40.0


class Kept:
    """One such process; its output goes to `log`. Call `tend` often, from the thread that made it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        end_with: signal.Signals = signal.SIGTERM,
        **rights: Any,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._environment = environment
        self._end_with = end_with
        self._rights = rights
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = 0.0
        self.ends: list[int] = []
        """Exit codes of all its lives but this one."""

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def tend(self) -> None:
        """Start it when it is due; note its end."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self.ends.append(code)
            self._process = None
            self._start_at = max(self._start_at, time.monotonic() + RESTART_SECONDS)
        if self._process is None and time.monotonic() >= self._start_at:
            self._start()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509  one system call, its library already loaded
                **self._rights,
            )

    def rest(self, seconds: float) -> None:
        """Let it stay away for this long when it ends."""
        self._start_at = time.monotonic() + seconds

    def send_signal(self, number: int) -> bool:
        """Whether there was something to send it to."""
        return self.pid is not None and hit(self.pid, number)

    def family(self) -> list[psutil.Process]:
        """All that it started, and what those started."""
        if (pid := self.pid) is None:
            return []
        try:
            return psutil.Process(pid).children(recursive=True)
        except psutil.Error:
            return []

    def ask_to_end(self) -> None:
        """So that several may end at the same time."""
        self.send_signal(self._end_with)

    def end(self) -> None:
        """End it politely, and by force what is left of it and of all that it started."""
        family = self.family()
        for member in family:
            hit(member.pid, signal.SIGCONT)
        if self._process is not None and self._process.poll() is None:
            hit(self._process.pid, signal.SIGCONT)
            self._process.send_signal(self._end_with)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        for member in family:
            with contextlib.suppress(psutil.Error):
                member.kill()
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def hit(pid: int, number: int) -> bool:
    """Send a signal; False where the process has ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
