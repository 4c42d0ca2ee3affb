"""Answers that were paid for and that the store could not take before their worker had to end.

They wait in files under the farm's home, and the next worker stores them before it takes any task.
"""

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class Spool:
    """A folder of files with one row of `answers` per line, for its owner's eyes alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, rows: Iterable[dict[str, Any]]) -> Path:
        """Write the rows to a new file, whole or not at all. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{name}.jsonl"
        unfinished = path.with_suffix(".unfinished")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(json.dumps(row, default=datetime.isoformat) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        return path

    def left(self) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
        """Each file that earlier workers left, with its rows; one that cannot be read is said and stays."""
        for path in sorted(self._folder.glob("*.jsonl")):
            try:
                yield path, [_row(line) for line in path.read_text().splitlines()]
            except FileNotFoundError:  # another worker was faster
                continue
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("%s holds paid answers and cannot be read: %s", path, error)

    def drop(self, path: Path) -> None:
        """Forget a file whose rows are stored."""
        path.unlink(missing_ok=True)

    def lay_by(self, path: Path) -> None:
        """Leave a file with rows that no store takes for somebody to look at; it is not read again."""
        with contextlib.suppress(FileNotFoundError):  # another worker did so
            path.replace(path.with_suffix(".refused"))


def _row(line: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)
    return row | {"created_at": datetime.fromisoformat(row["created_at"])}
