"""End when the parent process does, so that nothing is orphaned."""

import contextlib
import ctypes
import os
import signal
import sys
import time

import psutil

PR_SET_PDEATHSIG = 1  # linux/prctl.h
POLL_SECONDS = 0.5


def end_with_parent(parent: int) -> None:
    """Have the kernel send SIGTERM when process `parent` ends (Linux only; elsewhere nothing happens).

    The kernel watches the parent's *thread*: start children from a thread that lives as long as they shall.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent process is gone")


def wait_for_parent(parent: int) -> None:
    """Return within a second of the end of process `parent`, on every system."""
    try:
        process = psutil.Process(parent)
    except psutil.NoSuchProcess:
        return
    while process.is_running() and (sys.platform == "win32" or os.getppid() == parent):
        time.sleep(POLL_SECONDS)
