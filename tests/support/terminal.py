"""A command on a real pseudo-terminal: what it draws, and what somebody types."""

import contextlib
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 30.0
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(kw_only=True)
class Terminal:
    """`written` is all that the command wrote, with its escape sequences."""

    process: subprocess.Popen[bytes]
    keyboard: int
    screen: int
    written: str = ""
    modes: list[object] = field(default_factory=list)

    def wait_for(self, text: str) -> str:
        """What was written since the last wait, up to where `text` stands in it; without escape sequences."""
        start = len(self.written)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while text not in (plain := SEQUENCE.sub("", self.written[start:])):
            assert time.monotonic() < give_up_at, f"{text!r} does not come: {plain!r}"
            assert self._read(), f"it ended before {text!r}: {self.written!r}"
        return plain

    def type(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def resize(self, width: int, height: int) -> None:
        _resize(self.keyboard, width, height)

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < give_up_at, f"it does not end: {self.written!r}"
            self._read()
        while self._read():
            pass
        return self.process.returncode

    def restored(self) -> bool:
        """Whether the terminal's modes are those that it had before."""
        import termios

        return termios.tcgetattr(self.screen) == self.modes

    def _read(self) -> bool:
        ready, _, _ = select.select([self.keyboard], [], [], 0.2)
        if ready:
            with contextlib.suppress(OSError):
                self.written += os.read(self.keyboard, 65_536).decode("utf-8", "replace")
        return bool(ready) or self.process.poll() is None


@contextlib.contextmanager
def terminal(
    *words: str, folder: Path, environment: Mapping[str, str], width: int = 80, height: int = 24
) -> Iterator[Terminal]:
    """Run `farm` with these words on a terminal of that size; it is killed at the end if it still runs."""
    import pty
    import termios

    keyboard, screen = pty.openpty()
    _resize(keyboard, width, height)
    modes = termios.tcgetattr(screen)
    process = subprocess.Popen(
        [sys.executable, "-m", "farm", *words],
        stdin=screen,
        stdout=screen,
        stderr=screen,
        cwd=folder,
        env={**environment, "TERM": "xterm-256color"},
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - it calls the kernel and nothing else
    )
    try:
        yield Terminal(process=process, keyboard=keyboard, screen=screen, modes=modes)
    finally:
        process.kill()
        process.wait()
        os.close(screen)
        os.close(keyboard)


def _take_terminal() -> None:
    """Make standard input the controlling terminal, which turns Ctrl-C into a signal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _resize(descriptor: int, width: int, height: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
