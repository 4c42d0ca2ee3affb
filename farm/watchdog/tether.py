"""`python -m farm.watchdog.tether PARENT LOCK COMMAND…`: become COMMAND, holding LOCK, and end with PARENT.

LOCK is a file that one process at a time may hold (`-` for none). Who comes second waits, and takes over when
the first one ends, however it ends. The end of the parent is seen on Linux only.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, lock: str, command: list[str]) -> None:
    """Replace this process by the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the farm that started this has already ended")
    if lock != "-":
        hold(lock)
    os.execvp(command[0], command)  # noqa: S606 - a command of our own, without a shell # nosec B606


def hold(path: str) -> None:
    """Take the lock, waiting for it; whatever this process becomes has it until it ends."""
    import fcntl

    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.set_inheritable(descriptor, True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
