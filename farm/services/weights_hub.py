"""Weights from the model's own repository: one HTTPS GET, resumed with Range."""

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from farm.services.weights_model import MIB, LocalModel

# For connecting, and for each read after that.
TIMEOUT_SECONDS = 5.0
# Broken connections in a row that are resumed, once bytes have come.
RESUMES = 5


def fill_from_hub(model: LocalModel, part: Path, progress: Callable[[int], None]) -> str | None:
    """Append what `part` lacks; the reason in words when it stays incomplete, None when it is complete.

    Raises OSError only for trouble with the disk.
    """
    if model.hub_url is None:
        return "not offered there"
    resumes = RESUMES
    while (size := _size(part)) < model.size_bytes:
        reason = _append(model.hub_url, model, part, progress)
        if reason is None:
            continue
        grown = _size(part) > size
        resumes = RESUMES if grown else resumes - 1
        if not _size(part) or resumes <= 0 or not grown:
            return reason
    return None


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _append(url: str, model: LocalModel, part: Path, progress: Callable[[int], None]) -> str | None:
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-", "Accept-Encoding": "identity"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - a fixed address # nosec B310
            return _save(response, start, model, part, progress)
    except urllib.error.URLError as error:
        return f"{url} cannot be reached ({error.reason})"
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        return f"{url} broke off ({error!r})"


def _save(
    response: http.client.HTTPResponse,
    start: int,
    model: LocalModel,
    part: Path,
    progress: Callable[[int], None],
) -> str | None:
    """Write the body from byte `start` on; a server that ignores Range sends all of it again."""
    whole = response.status == http.HTTPStatus.OK
    start = 0 if whole else start
    length = response.headers.get("Content-Length")
    if length is not None and start + int(length) != model.size_bytes:
        return f"it serves {start + int(length):,} bytes instead of {model.size_bytes:,}"
    with part.open("wb" if whole else "ab") as file:
        while block := response.read(MIB):
            if file.tell() + len(block) > model.size_bytes:
                return f"it serves more than {model.size_bytes:,} bytes"
            file.write(block)
            progress(file.tell())
        file.flush()
        os.fsync(file.fileno())
    return None if _size(part) == model.size_bytes else "the connection ended early"
