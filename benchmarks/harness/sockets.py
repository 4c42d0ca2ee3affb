"""Which process is at the other end of a loopback connection (Linux, from /proc)."""

import os
from collections.abc import Iterable
from pathlib import Path

TCP_TABLE = Path("/proc/net/tcp")
INODE_COLUMN = 9


def process_at(port: int, server_port: int, likely: Iterable[int] = ()) -> int | None:
    """The process that holds the client's end of 127.0.0.1:`port` → `server_port`; `likely` are tried first.

    None where it has ended already, or on a system without /proc.
    """
    inode = _inode(port, server_port)
    if inode is None:
        return None
    link = f"socket:[{inode}]"
    first = list(likely)
    others = sorted((int(name) for name in os.listdir("/proc") if name.isdecimal()), reverse=True)
    return next((pid for pid in (*first, *others) if _holds(pid, link)), None)


def _inode(port: int, server_port: int) -> str | None:
    ends = [f"0100007F:{port:04X}", f"0100007F:{server_port:04X}"]
    try:
        lines = TCP_TABLE.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        columns = line.split()
        if columns[1:3] == ends:
            return columns[INODE_COLUMN]
    return None


def _holds(pid: int, link: str) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            if os.readlink(f"{folder}/{descriptor}") == link:
                return True
        except OSError:
            continue
    return False
