"""What the tests see of an embedded Postgres from outside: its processes, and whether it is gone."""

import time
from pathlib import Path

import psutil

from farm.services import postgres

WAIT_SECONDS = 30.0


def server_pid(home: Path) -> int:
    """The main process of the server of this home; its file has a minus sign while the data are made."""
    return abs(int((postgres.data(home) / "postmaster.pid").read_text().splitlines()[0]))


def keeper_pid(home: Path) -> int:
    """The process that started the server."""
    return psutil.Process(server_pid(home)).ppid()


def gone(*pids: int) -> bool:
    """Whether these processes have ended, or end in time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
