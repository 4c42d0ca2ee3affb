"""Connections to Postgres targets, and what their errors mean."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.adapt import Loader
from psycopg.types.datetime import DateLoader, IntervalLoader, TimestampLoader, TimestamptzLoader

from farm.errors import TargetTrouble
from farm.redaction import masked, scrubbed
from farm.targets.urls import normal

CONNECT_LIMIT_SECONDS = 3
"""Less than a check is given: where a server is silent, the query that meets it must not be blamed."""
LOCK_LIMIT_MS = 2_000
CANCEL_GRACE_SECONDS = 0.5
IDLE_LIMIT_MS = 60_000
TEMP_FILE_LIMIT_KB = 1 << 20

PLAINER = {
    errors.ProtocolViolation.sqlstate: (
        "bind message",
        "the query has a parameter ($1); write the value itself",
    ),
    errors.SyntaxError.sqlstate: ("cannot insert multiple", "more than one statement; only one is allowed"),
}
"""Messages that speak of the protocol rather than of the query: their state, their start, plainer words."""

WORDLESS = frozenset({errors.InternalError_.sqlstate, errors.OutOfMemory.sqlstate})
"""What a query gets that asks for more than a gigabyte in one piece, among others."""

Connection = psycopg.Connection[tuple[Any, ...]]


def connect(url: str, *, target_name: str) -> Connection:
    """A connection in autocommit mode; raises TargetTrouble, without the password, where there is none."""
    try:
        connection = psycopg.connect(
            normal(url),
            autocommit=True,
            connect_timeout=CONNECT_LIMIT_SECONDS,
            application_name="farm",
            client_encoding="utf8",
        )
    except psycopg.OperationalError as error:
        said = scrubbed(" ".join(str(error).split()), url)
        raise TargetTrouble(
            f"the database of target {target_name!r} cannot be reached at {masked(url)}: {said}. "
            "Start it, or correct the target's URL"
        ) from None
    except psycopg.Error:
        raise TargetTrouble(
            f"the URL of target {target_name!r} cannot be read: {masked(url)}. "
            "Write postgresql://user:password@host:5432/database, special characters as %XX"
        ) from None
    for name, loader in LENIENT.items():
        connection.adapters.register_loader(name, loader)
    return connection


@contextlib.contextmanager
def reading(connection: Connection, *, timeout_seconds: float) -> Iterator[None]:
    """A read-only transaction that is always rolled back; `timeout_seconds` is for each statement in it."""
    connection.execute(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
        "SET LOCAL standard_conforming_strings = on;"
        f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_LIMIT_MS};"
        f"SET LOCAL lock_timeout = {LOCK_LIMIT_MS};"
        + _whole_limit(connection, timeout_seconds)
        + time_limit(timeout_seconds)
    )
    try:
        yield
    finally:
        if not connection.closed:
            with contextlib.suppress(psycopg.OperationalError):
                connection.execute("ROLLBACK")


def time_limit(seconds: float) -> LiteralString:
    """The statement that gives each following one of the transaction so long (0 would mean for ever)."""
    milliseconds: Any = max(1, round(seconds * 1000))
    return f"SET LOCAL statement_timeout = {milliseconds}"


def _whole_limit(connection: Connection, seconds: float) -> LiteralString:
    """Postgres 17 ends the session when its transaction lasts too long; no function can catch that."""
    if connection.info.server_version < 170000:
        return ""
    milliseconds: Any = max(1, round((seconds + 4 * CANCEL_GRACE_SECONDS) * 1000))
    return f"SET LOCAL transaction_timeout = {milliseconds};"


def limit_temp_files(connection: Connection) -> LiteralString:
    """The statement that bounds the transaction's temporary files, where the role may; it lifts no limit."""
    allowed: Any = f"{connection.info.parameter_status('is_superuser') == 'on'}"
    if connection.info.server_version >= 150000:
        allowed = "has_parameter_privilege('temp_file_limit', 'SET')"
    return (
        f"SELECT set_config(name, '{TEMP_FILE_LIMIT_KB}kB', true) FROM pg_settings"  # noqa: S608 - constants
        " WHERE name = 'temp_file_limit'"
        f" AND (setting = '-1' OR setting::bigint > {TEMP_FILE_LIMIT_KB}) AND {allowed}"
    )


@contextlib.contextmanager
def cancelled_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Ends what the block runs although the server does not end it after `seconds`.

    One grace later the server is asked to cancel it, two graces later the connection is cut.
    """
    over = threading.Event()

    def watch() -> None:
        if over.wait(seconds + CANCEL_GRACE_SECONDS):
            return
        with contextlib.suppress(psycopg.Error, OSError):
            connection.cancel_safe(timeout=CANCEL_GRACE_SECONDS)
        if not over.wait(CANCEL_GRACE_SECONDS):
            with (
                contextlib.suppress(psycopg.Error, OSError),
                socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as duplicate,
            ):
                duplicate.shutdown(socket.SHUT_RDWR)

    watcher = threading.Thread(target=watch, name="postgres-deadline", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def blames_query(error: psycopg.Error) -> bool:
    """Whether the database finds fault with the statement, not with its own state, locks or network."""
    state = error.sqlstate or ""
    return (
        state in PLAINER
        or state in WORDLESS
        or (bool(state) and state[:2] not in ("08", "53", "55", "57", "58", "XX"))
    )


def words(error: psycopg.Error, sql: str, *, prefix: str) -> str:
    """The message in psql's form (`message`, `LINE n:`, `HINT: …`), with lines counted in `sql`."""
    said = [error.diag.message_primary or str(error) or type(error).__name__]
    start, plainer = PLAINER.get(error.sqlstate or "", ("", ""))
    if plainer and said[0].startswith(start):
        return plainer
    if error.diag.statement_position:
        at = int(error.diag.statement_position) - 1 - len(prefix)
        if at >= 0:
            number = sql.count("\n", 0, at) + 1
            line = sql.splitlines()[number - 1] if number <= len(sql.splitlines()) else ""
            said.append(f"LINE {number}: {line}")
    if error.diag.message_hint:
        said.append(f"HINT: {error.diag.message_hint}")
    return "\n".join(said)


def timed_out(error: psycopg.Error) -> bool:
    return isinstance(error, errors.QueryCanceled | errors.TransactionTimeout)


def too_large(error: Exception) -> bool:
    """Whether this process has no room for what the server sends."""
    return isinstance(error, MemoryError) or (
        isinstance(error, psycopg.Error) and error.sqlstate is None and "memory" in str(error)
    )


def too_many_temp_files(error: psycopg.Error) -> bool:
    return isinstance(error, errors.ConfigurationLimitExceeded)


def _lenient(strict: type[Loader]) -> type[Loader]:
    """Python's dates end at the year 9999 and know no infinity; what they cannot hold comes as text."""

    class Lenient(strict):  # type: ignore[valid-type, misc]
        def load(self, data: Any) -> Any:
            try:
                return super().load(data)
            except (psycopg.DataError, OverflowError):
                return bytes(data).decode()

    return Lenient


LENIENT = {
    "date": _lenient(DateLoader),
    "timestamp": _lenient(TimestampLoader),
    "timestamptz": _lenient(TimestamptzLoader),
    "interval": _lenient(IntervalLoader),
}
