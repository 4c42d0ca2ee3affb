"""`python -m farm.watchdog.tether PARENT COMMAND…`: become COMMAND, and end when PARENT ends (Linux)."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Ask the kernel for SIGTERM at the parent's death, then replace this process by the command."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the farm that started this has already ended")
    os.execvp(command[0], command)  # noqa: S606 - a command of our own, without a shell # nosec B606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
