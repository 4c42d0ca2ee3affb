"""Logs through structlog: JSON when not on a terminal, with worker, task id and attempt on each line.

No secret, prompt or whole answer is ever logged; what is needed of them stands in the store.
"""

import logging
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, Literal

import structlog
from structlog.typing import Processor

from farm.errors import BadSetting
from farm.private import make_file, make_folder
from farm.redaction import Redact, redactor

CHATTY = ("httpx2", "httpcore2", "openai", "aiohttp", "rq.worker", "rq.job", "asyncio", "alembic")


def configure(
    *,
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"],
    format: Literal["auto", "json", "console"],
    path: Path | None = None,
    worker: str | None = None,
    secrets: Iterable[str] = (),
) -> None:
    """Set up logging of this process, to `path` or standard error; `worker` is named on every line.

    Whatever is logged, by whomever, `secrets` read *** in it. Raises BadSetting for a file that cannot be
    written.
    """
    colours = path is None and sys.stderr.isatty()
    as_json = format == "json" or (format == "auto" and not colours)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=colours)
    )
    handler = logging.StreamHandler(sys.stderr) if path is None else _file_handler(path)
    handler.setFormatter(
        _Formatter(
            redactor(secrets),
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    for former in root.handlers:
        former.close()
    root.handlers = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    if worker is not None:
        structlog.contextvars.bind_contextvars(worker=worker)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Lines without secrets."""

    def __init__(self, redact: Redact, **options: Any) -> None:
        super().__init__(**options)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


class _File(WatchedFileHandler):
    """A file that somebody may move away, as logrotate does: what follows goes into a new one."""

    def _open(self) -> TextIOWrapper:
        make_file(Path(self.baseFilename))
        return super()._open()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # there can be no new file
            self.handleError(record)


def _file_handler(path: Path) -> logging.FileHandler:
    try:
        make_folder(path.parent)
        return _File(path, encoding="utf-8")
    except OSError as error:
        raise BadSetting(f"log_file: {path} cannot be written ({error.strerror})") from None
