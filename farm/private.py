"""Files and folders that only their owner can read: a store, logs and remembered URLs are nobody else's."""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def make_folder(path: Path) -> None:
    """Make a folder, with its parents; those that exist stay as they are. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if not missing:
        path.mkdir(exist_ok=True)  # which complains of what is no folder


def make_file(path: Path) -> None:
    """Make an empty file unless there is one, which is never opened. Raises OSError.

    Closing a descriptor of a file drops every lock that this process has on it, those of SQLite as well.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[str]]:
    """Write a text file that is there once it is complete. Raises OSError.

    One of that name is replaced, and keeps its mode; what is no file (a device, a pipe) is not. A link stays,
    and what it leads to is replaced.
    """
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "it is no file that can be replaced", str(path))
    path = Path(os.path.realpath(path))  # /dev/stdout is a link, too
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    unfinished = Path(name)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as stream:
            yield stream
        if path.exists():
            unfinished.chmod(stat.S_IMODE(path.stat().st_mode))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
