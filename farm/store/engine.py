"""Opening the store: one engine per process and URL, for SQLite and Postgres alike."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from farm.errors import BadSetting, FarmError, StoreTrouble, Unavailable

CONNECT_TIMEOUT_SECONDS = 5
# What drivers say, which error it is, and what it means in the farm's words; the first that matches counts.
TROUBLES: tuple[tuple[tuple[str, ...], type[FarmError], str], ...] = (
    (
        ("disk is full", "disk I/O error", "No space left", "could not extend file"),
        Unavailable,
        "the disk of the store {where} is full ({said}); free some space",
    ),
    (
        ("readonly database", "read-only"),
        StoreTrouble,
        "the store {where} is read-only ({said}); check the file's owner and mode",
    ),
    (("locked",), Unavailable, "the store {where} is locked by another program ({said}); end it or wait"),
    (
        ("no such table", "no such column", "does not exist"),
        StoreTrouble,
        "the store {where} is not at this version ({said}); run `farm migrate`",
    ),
    (
        ("not a database", "malformed"),
        StoreTrouble,
        "{where} is no SQLite database, or a damaged one ({said})",
    ),
    (
        ("unable to open",),
        StoreTrouble,
        "the store {where} cannot be opened ({said}); check the path, its owner and mode",
    ),
    (
        ("authentication failed", "no password supplied"),
        StoreTrouble,
        "the store {where} refuses the user or password ({said}); check FARM_DATABASE_URL",
    ),
)


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


class Store:
    """The database that is the truth about every task.

    `write()` and `read()` give a connection inside one transaction. A SQLite write takes the writer's lock at
    its start (BEGIN IMMEDIATE), so that it waits for its turn instead of failing half-way.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(
        cls,
        url: str,
        *,
        synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
        busy_timeout_seconds: float = 30.0,
        pool_size: int = 5,
    ) -> Self:
        """Open the store at a SQLAlchemy URL; connects lazily. Raises BadSetting for a URL it cannot use."""
        parsed = _parse(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database:
                _make_folder(Path(parsed.database).parent)
            engine = create_engine(
                parsed, connect_args={"timeout": busy_timeout_seconds}, pool_size=pool_size
            )
            _prepare_sqlite(engine, synchronous)
        else:
            engine = create_engine(
                parsed,
                pool_size=pool_size,
                pool_pre_ping=True,
                connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "farm"},
            )
        return cls(engine)

    @property
    def where(self) -> str:
        """The URL for people, without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end and rolls back on an error."""
        with self._explained(), self.engine.connect() as connection:
            connection.execution_options(farm_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a transaction that sees one state of the database."""
        with self._explained(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise explain(error, self.where) from error

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def explain(error: DBAPIError, where: str) -> Exception:
    """A driver's error in the farm's own words; one that passes by itself becomes Unavailable."""
    said = (str(error.orig or error).strip() or "no reason given").splitlines()[0]
    for marks, kind, message in TROUBLES:
        if any(mark in said for mark in marks):
            return kind(message.format(where=where, said=said))
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return Unavailable(f"the store {where} cannot be reached: {said}")
    return error


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise BadSetting(
            "FARM_DATABASE_URL is no database URL; write sqlite:///farm.db or postgresql://user@host/name"
        ) from None
    if backend not in ("sqlite", "postgresql"):
        raise BadSetting(f"FARM_DATABASE_URL names {backend}; the store is SQLite or PostgreSQL")
    return parsed


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreTrouble(f"the store's folder {folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise StoreTrouble(f"the store's folder {folder} is not writable; check its owner and mode")


def _prepare_sqlite(engine: Engine, synchronous: str) -> None:

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late, see "begin" below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options: dict[str, Any] = dict(connection.get_execution_options())
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("farm_writes") else "BEGIN")
