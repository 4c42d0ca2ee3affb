"""What keeps a checker process harmless: a memory limit, and an end when its worker ends."""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def limit_memory(limit_mb: int) -> None:
    """Cap the address space, where the system can (not on Windows; macOS accepts and ignores it)."""
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = limit_mb * 1024 * 1024
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    except (OSError, ValueError):
        return


def end_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies; elsewhere the end of standard input does it."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)


def ignore_interrupts() -> None:
    """Ctrl-C reaches the whole process group; the worker decides when its checker ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
