"""A disk that can be full: a small file system of the harness's own, else a limit on the farm's file sizes.

A file system needs the right to mount (root, CAP_SYS_ADMIN). It is mounted in a mount namespace of the
harness's own, so that it goes with the harness, however that ends.
"""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

CLONE_NEWNS = 0x00020000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
LIMIT_BYTES = 4096
FILLER = "filler"
TRIES = 20


class Disk(Protocol):
    """What the store lies on."""

    says: str

    def fill(self) -> None:
        """From now on nothing more fits."""

    def free(self) -> None:
        """There is room again."""


class SmallDisk:
    """A file system in memory, filled by one large file."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / FILLER
        self.says = "a small file system is filled to its last byte"

    def fill(self) -> None:
        with self._filler.open("wb") as filler:
            size = 0
            for _ in range(TRIES):  # others write, too, and give back what they could not
                room = _room(self._filler.parent)
                with contextlib.suppress(OSError):
                    os.posix_fallocate(filler.fileno(), size, max(room, 1))
                    size += room

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)


class FileLimits:
    """Where nothing may be mounted: no process of the farm can write beyond the first bytes of any file."""

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self._pids = pids
        self.says = "this machine allows no mount, so the size of files is limited instead (RLIMIT_FSIZE)"

    def fill(self) -> None:
        self._limit(LIMIT_BYTES)

    def free(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size_bytes: int) -> None:
        for pid in self._pids():
            with contextlib.suppress(OSError):
                _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                soft = most if size_bytes == resource.RLIM_INFINITY else size_bytes
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, most))


def mounted(folder: Path, size_mb: int) -> bool:
    """Mount a file system of this size at `folder`, seen by this process and its children alone.

    False where that is not allowed. Call it before any thread is started.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        return False
    options = f"size={size_mb}m,mode=0755".encode()
    return bool(libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options) == 0)


def unmount(folder: Path) -> None:
    """Take it away again, whoever still holds a file there; nothing happens where nothing is mounted."""
    if sys.platform == "linux":
        ctypes.CDLL(None).umount2(os.fsencode(folder), MNT_DETACH)


def _room(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
