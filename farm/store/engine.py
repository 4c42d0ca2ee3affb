"""Opening the store: one engine per process and URL, for SQLite and Postgres alike."""

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NoReturn, Self

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from farm.errors import BadSetting, FarmError, StoreTrouble, Unavailable
from farm.private import make_file, make_folder
from farm.redaction import masked

__all__ = ["Connection", "Store", "explain", "now"]

POSTGRES_OPTIONS = {
    "application_name": "farm",
    "client_encoding": "utf8",  # whatever PGCLIENTENCODING says; without it SQL_ASCII gives bytes
    "connect_timeout": 5,
    # A host that has gone says nothing: without these, a statement waits for it for up to two hours.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
MOST_IDLE_SECONDS = 5.0
"""How long a writer may sit on its locks without a word; each write here is done in milliseconds."""
REPLICA = r"in a read-only transaction|during recovery"
"""What Postgres says to writes where it takes none, or none yet."""
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
# What drivers say (a pattern), which error it is, and what it means; the first that matches counts.
TROUBLES: tuple[tuple[str, type[FarmError], str], ...] = (
    (
        r"disk is full|disk I/O error|No space left|could not extend file",
        Unavailable,
        "the store {where} cannot be written ({said}); is its disk full? Free some space",
    ),
    (
        REPLICA,
        Unavailable,
        "the store {where} takes no writes for now ({said}); is it a replica, or being switched over?",
    ),
    (
        r"statement timeout|lock timeout|transaction timeout",
        Unavailable,
        "the store {where} ends what takes longer than somebody has set for its user or database ({said}); "
        "raise the limit, or see who holds a lock",
    ),
    (
        r"readonly database|read-only",
        StoreTrouble,
        "the store {where} is read-only ({said}); check the file's owner and mode",
    ),
    (
        r"database (table )?is locked|database schema is locked",
        Unavailable,
        "the store {where} is locked by another program ({said}); end it or wait",
    ),
    (r"deadlock detected", Unavailable, "two writers of the store {where} waited for each other ({said})"),
    (
        r"(database|role) \".*\" does not exist|not permitted to log in",
        StoreTrouble,
        "the store {where} cannot be opened ({said}); create it, or check FARM_DATABASE_URL",
    ),
    (
        r"permission denied|must be owner",
        StoreTrouble,
        "the store {where} refuses its user a right ({said}); GRANT it, or check FARM_DATABASE_URL",
    ),
    (
        r"no such (table|column)|(relation|column) .* does not exist",
        StoreTrouble,
        "the store {where} is not at this version ({said}); run `farm migrate`",
    ),
    (
        r"not a database|malformed",
        StoreTrouble,
        "{where} is no SQLite database, or a damaged one ({said})",
    ),
    (
        r"unable to open",
        StoreTrouble,
        "the store {where} cannot be opened ({said}); check the path, its owner and mode",
    ),
    (
        r"authentication failed|no password supplied|no pg_hba.conf entry",
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
            _make_folder(_file(parsed).parent)
            engine = create_engine(
                parsed,
                pool_size=pool_size,
                hide_parameters=True,
                connect_args={"timeout": busy_timeout_seconds},
            )
            _prepare_sqlite(engine, synchronous, busy_timeout_seconds)
        else:
            engine = create_engine(
                parsed,
                pool_size=pool_size,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args=POSTGRES_OPTIONS,
            )
            event.listen(engine, "handle_error", _leave_replica)
        return cls(engine)

    def __reduce__(self) -> NoReturn:
        raise TypeError("connections cannot be pickled; connect where they are needed: Farm.connect(…)")

    @property
    def where(self) -> str:
        """The URL for people, without its password."""
        return masked(self.engine.url.render_as_string(hide_password=False))

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end and rolls back on an error.

        Whoever falls silent within it is cut off, so that a frozen or vanished host holds up no other.
        """
        with self._explained(), self.engine.connect() as connection:
            connection.execution_options(farm_writes=True)
            with connection.begin():
                if self.dialect == "postgresql":
                    limit_ms = round(MOST_IDLE_SECONDS * 1000)
                    connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {limit_ms}")
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a transaction that sees one state of the database, whatever others commit."""
        with self._explained(), self.engine.connect() as connection:
            if self.dialect == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if (trouble := explain(error, self.where)) is error:
                raise
            raise trouble from error

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
    for pattern, kind, message in TROUBLES:
        if re.search(pattern, said):
            return kind(message.format(where=where, said=said))
    if error.connection_invalidated or (isinstance(error, OperationalError) and not _is_for_good(error)):
        return Unavailable(
            f"the store {where} cannot be reached: {said}; start it, or check FARM_DATABASE_URL"
        )
    return error


def _is_for_good(error: DBAPIError) -> bool:
    """Whether the statement itself is at fault, which drivers report as they do a server that is away."""
    if getattr(error.orig, "sqlite_errorname", None) == "SQLITE_ERROR":
        return True
    return str(getattr(error.orig, "sqlstate", None)).startswith("54")  # a limit of the program is exceeded


def _leave_replica(context: ExceptionContext) -> None:
    """Connect anew after a refused write: connections to what has become a replica live on, and would stay
    with it for good, though the name of the store has long led to another server."""
    if re.search(REPLICA, str(context.original_exception)):
        context.is_disconnect = True


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
    if parsed.drivername not in DRIVERS:
        raise BadSetting(
            f"FARM_DATABASE_URL names the driver {parsed.drivername}; leave it out: {backend}://…"
        )
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise BadSetting(
            "FARM_DATABASE_URL names no file, and processes cannot share a database in memory; "
            "write sqlite:///farm.db"
        )
    return parsed


def _file(url: URL) -> Path:
    """The file of a SQLite URL, also where SQLite's own `file:` form is used."""
    return Path((url.database or "").removeprefix("file:"))


def _make_folder(folder: Path) -> None:
    try:
        make_folder(folder)
    except OSError as error:
        raise StoreTrouble(f"the store's folder {folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise StoreTrouble(f"the store's folder {folder} is not writable; check its owner and mode")


def _use_wal(connection: sqlite3.Connection, patience_seconds: float) -> None:
    """Turn the write-ahead log on. SQLite's own busy time-out does not wait for this one change."""
    give_up_at = time.monotonic() + patience_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)


def _prepare_sqlite(engine: Engine, synchronous: str, busy_timeout_seconds: float) -> None:
    path = _file(engine.url)

    @event.listens_for(engine, "do_connect")
    def make_private(*_: Any) -> None:
        if engine.url.database == str(path):  # SQLite's own `file:` form may mean not to make it
            with contextlib.suppress(OSError):  # SQLite says it better
                make_file(path)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late, see "begin" below
        _use_wal(connection, busy_timeout_seconds)
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.create_function("lower", 1, _lower, deterministic=True)  # its own knows ASCII alone

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options: dict[str, Any] = dict(connection.get_execution_options())
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("farm_writes") else "BEGIN")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
