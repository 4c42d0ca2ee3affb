"""Single keys of a terminal, without waiting for the end of a line."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

END = "\x04"
"""Ctrl-D, and what is read when the terminal has gone."""

Key = Callable[[float], str]


@contextmanager
def keys() -> Iterator[Key]:
    """A function that waits so many seconds for keys and gives them; nothing where none came.

    The terminal is as it was afterwards. Where standard input is none, the function only waits.
    """
    if not sys.stdin or not sys.stdin.isatty():
        yield _no_key
    elif sys.platform == "win32":
        yield _windows_key
    else:
        import termios
        import tty

        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        try:
            tty.setcbreak(descriptor)
            yield _posix_key
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _no_key(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def _posix_key(seconds: float) -> str:
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    if not ready:
        return ""
    try:
        return os.read(sys.stdin.fileno(), 64).decode("utf-8", "replace") or END
    except OSError:
        return END


if sys.platform == "win32":
    import msvcrt

    def _windows_key(seconds: float) -> str:
        give_up_at = time.monotonic() + seconds
        while not msvcrt.kbhit():
            if time.monotonic() > give_up_at:
                return ""
            time.sleep(0.02)
        return msvcrt.getwch()
