"""Files and folders that only their owner can read: a store, logs and remembered URLs are nobody else's."""

import contextlib
import os
from pathlib import Path

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
