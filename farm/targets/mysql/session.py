"""Connections to MySQL and MariaDB targets, and what their errors mean."""

import contextlib
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from pymysql.constants import CR, ER, FIELD_TYPE
from pymysql.converters import conversions

from farm.errors import TargetTrouble
from farm.redaction import masked, scrubbed
from farm.targets.urls import MYSQL_FORM, normal

CONNECT_LIMIT_SECONDS = 3
"""Less than a check is given: where a server is silent, the query that meets it must not be blamed."""
LOCK_LIMIT_SECONDS = 2
CANCEL_GRACE_SECONDS = 0.5
TEMP_TABLE_LIMIT_BYTES = 1 << 30
SESSION_MEMORY_LIMIT_BYTES = 1 << 29

Connection = Any
"""A pymysql.Connection; the driver has no types."""

OPTIONS = {
    "unix_socket",
    "charset",
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "ssl_verify_cert",
    "ssl_verify_identity",
}
"""What may stand behind the question mark of a URL."""
SWITCH = {"true": True, "1": True, "false": False, "0": False}

MARIADB_TIMEOUT, MYSQL_TIMEOUT, INTERRUPTED = 1969, 3024, 1317
TIMED_OUT = {MARIADB_TIMEOUT, MYSQL_TIMEOUT, INTERRUPTED}
TOO_LARGE = {1114, 3, 5, 1037, 1038, 1041, 1290, 3170}
"""A temporary table, memory or files that ran out; which codes differ by what ran out first."""
NOT_ITS_FAULT = {
    *(ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK, ER.CON_COUNT_ERROR, ER.SERVER_SHUTDOWN, ER.DISK_FULL),
    *(ER.TOO_MANY_USER_CONNECTIONS, ER.USER_LIMIT_REACHED, ER.GET_ERRNO),
    *(1047, 1053, 1927, 4031, 3169),
}
_LINE = re.compile(r" at line (\d+)$")
_LONG_WINDED = re.compile(
    r"You have an error in your SQL syntax; check the manual .*? right syntax to use near"
)


def connect(url: str, *, target_name: str, read_limit_seconds: float | None = None) -> Connection:
    """A connection in autocommit mode; raises TargetTrouble, without the password, where there is none.

    `read_limit_seconds`: how long it waits for the server to say anything.
    """
    try:
        connection = pymysql.connect(
            **arguments(url),
            autocommit=True,
            connect_timeout=CONNECT_LIMIT_SECONDS,
            read_timeout=CONNECT_LIMIT_SECONDS,  # else the time-out to connect is not that of the greeting
            write_timeout=read_limit_seconds,
            program_name="farm",
            local_infile=False,
            conv={**conversions, FIELD_TYPE.BIT: _number_of_bits},
        )
        connection._read_timeout = read_limit_seconds
        return connection
    except (pymysql.Error, OSError, RuntimeError) as error:
        said = scrubbed(" ".join(_said(error).split()), url)
        raise TargetTrouble(
            f"the database of target {target_name!r} cannot be reached at {masked(url)}: {said}. "
            "Start it, or correct the target's URL"
        ) from None
    except (ValueError, LookupError):
        raise TargetTrouble(
            f"the URL of target {target_name!r} cannot be read: {masked(url)}. "
            f"Write {MYSQL_FORM}, special characters as %XX; "
            f"behind '?' may stand {', '.join(sorted(OPTIONS))}"
        ) from None


def arguments(url: str) -> dict[str, Any]:
    """The driver's arguments for a URL; raises ValueError or LookupError for what it does not take.

    Without `ssl_…` options TLS is used where the server has it, whoever the server is.
    """
    parts = urlsplit(normal(url))
    options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    if unknown := options.keys() - OPTIONS:
        raise ValueError(f"unknown options: {unknown}")
    found: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": parts.port or 3306,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or "").encode(),
        "database": unquote(parts.path.strip("/")),
        "charset": "utf8mb4",
    }
    if socket := options.pop("unix_socket", None):
        # Nobody listens there, and the driver's preparations for TLS take 30 ms.
        return {**found, "unix_socket": socket, "ssl_disabled": True}
    return {**found, "ssl": _tls(options)} if options else found


def _tls(options: Mapping[str, str]) -> ssl.SSLContext:
    """Verifies certificate and name unless told otherwise; the driver itself does so only if told to."""
    context = ssl.create_default_context(cafile=options.get("ssl_ca"))
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)  # which servers' own certificates fail
    verifies = SWITCH[options.get("ssl_verify_cert", "true").lower()]
    context.check_hostname = verifies and SWITCH[options.get("ssl_verify_identity", "true").lower()]
    context.verify_mode = ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE
    if "ssl_cert" in options:
        context.load_cert_chain(options["ssl_cert"], options.get("ssl_key"))
    return context


def _number_of_bits(value: bytes | str) -> int:
    return int.from_bytes(value if isinstance(value, bytes) else value.encode("latin-1"), "big")


def is_mariadb(connection: Connection) -> bool:
    return "mariadb" in connection.get_server_info().lower()


def version(connection: Connection) -> str:
    """Such as "mariadb 10.11" or "mysql 8.4"."""
    kind = "mariadb" if is_mariadb(connection) else "mysql"
    numbers = re.findall(r"(\d+)\.(\d+)\.\d+", connection.get_server_info())
    return f"{kind} {'.'.join(numbers[-1])}" if numbers else kind


def rows_of(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    """All rows of one of our own queries."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def limit(connection: Connection, *, timeout_seconds: float) -> None:
    """Only reads from here on, each statement for so long at most; `sql_mode` stays the server's own."""
    settings: dict[str, float] = {
        "lock_wait_timeout": LOCK_LIMIT_SECONDS,
        "innodb_lock_wait_timeout": LOCK_LIMIT_SECONDS,
    }
    if is_mariadb(connection):
        settings |= {
            "max_statement_time": max(0.001, round(timeout_seconds, 3)),
            "tmp_disk_table_size": TEMP_TABLE_LIMIT_BYTES,
            "max_session_mem_used": SESSION_MEMORY_LIMIT_BYTES,
        }
    else:
        settings["max_execution_time"] = max(1, round(timeout_seconds * 1000))
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute("SET " + ", ".join(f"SESSION {name} = {value}" for name, value in settings.items()))


@contextlib.contextmanager
def cancelled_after(connection: Connection, url: str, seconds: float, *, target_name: str) -> Iterator[None]:
    """Ends what the block runs although the server does not end it after `seconds`, one grace later."""
    over = threading.Event()

    def watch() -> None:
        if not over.wait(seconds + CANCEL_GRACE_SECONDS):
            with contextlib.suppress(TargetTrouble, pymysql.Error, OSError):
                cancel(connection, url, target_name=target_name)

    watcher = threading.Thread(target=watch, name="mysql-deadline", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def cancel(connection: Connection, url: str, *, target_name: str) -> None:
    """Ask the server to stop what runs on `connection`."""
    with (
        connect(url, target_name=target_name, read_limit_seconds=CANCEL_GRACE_SECONDS) as other,
        other.cursor() as cursor,
    ):
        cursor.execute(f"KILL QUERY {int(connection.thread_id())}")


def code_of(error: Exception) -> int:
    """The server's or the driver's number for an error; 0 where there is none."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def blames_query(error: pymysql.Error) -> bool:
    """Whether the database finds fault with the statement, not with its own state, locks or network."""
    code = code_of(error)
    of_the_driver = CR.CR_UNKNOWN_ERROR <= code < CR.CR_UNKNOWN_ERROR + 1000
    return code > 0 and not of_the_driver and code not in NOT_ITS_FAULT | TIMED_OUT


def timed_out(error: pymysql.Error) -> bool:
    return code_of(error) in TIMED_OUT


def words(error: Exception, sql: str) -> str:
    """The message, and `LINE n:` where it names one."""
    said = _said(error)
    line = _LINE.search(said)
    lines = sql.splitlines()
    if line is None or int(line[1]) > len(lines):
        return said
    return f"{said}\nLINE {line[1]}: {lines[int(line[1]) - 1]}"


def _said(error: Exception) -> str:
    text = str(error.args[1]) if len(error.args) > 1 else str(error) or type(error).__name__
    return _LONG_WINDED.sub("syntax error near", text)
