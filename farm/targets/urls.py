"""Where targets' URLs live. They hold passwords, so they are kept out of the store.

The settings come first (`FARM_TARGETS__SHOP__URL`, farm.toml); what `farm target add --url` was given is
remembered in `$FARM_HOME/targets.toml`, which only its owner can read.
"""

import contextlib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from farm.errors import BadInput
from farm.private import make_file, make_folder
from farm.redaction import masked
from farm.targets.target import Dialect

if TYPE_CHECKING:
    from farm.settings import Settings

FILE_NAME = "targets.toml"
POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
SQLITE_FORMS = "sqlite:///relative.db or sqlite:////absolute/path.db"
POSTGRES_FORM = "postgresql://user:password@host:5432/database"
MYSQL_SCHEMES = ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql")
MYSQL_FORM = "mysql://user:password@host:3306/database"
DUCKDB_FORM = "duckdb:////absolute/path.db"


def find(settings: "Settings", name: str) -> str | None:
    """The URL of target `name`: from the settings, else the remembered one, else None."""
    configured = settings.targets.get(name)
    if configured is not None:
        return normal(configured.url.get_secret_value())
    return lookup(settings.home, name)


def lookup(home: Path, name: str) -> str | None:
    """The URL that was remembered for target `name`."""
    return _read(home / FILE_NAME).get(name)


def remember(home: Path, name: str, url: str) -> str:
    """Keep the URL of target `name` and return it in its normal form; raises BadInput for a bad one."""
    url = normal(url)
    with _locked(home):
        _write(home / FILE_NAME, {**_read(home / FILE_NAME), name: url})
    return url


def forget(home: Path, name: str) -> None:
    """Remember no URL for target `name`."""
    with _locked(home):
        kept = {key: url for key, url in _read(home / FILE_NAME).items() if key != name}
        _write(home / FILE_NAME, kept)


def normal(url: str) -> str:
    """The URL as the engines take it: paths absolute, Postgres as libpq spells it; raises BadInput."""
    dialect = dialect_of(url)
    if dialect in ("sqlite", "duckdb"):
        return f"{dialect}:///{file_path(url)}"
    rest = url.partition("://")[2]
    if dialect == "mysql":
        return _normal_mysql(url, rest)
    try:
        parts = urlsplit(f"postgresql://{rest}")
        named = bool(parts.path.strip("/") or parts.query or parts.hostname)
    except ValueError:
        named = False
    if not named:
        raise BadInput(f"{masked(url)!r} names no Postgres host or database; write {POSTGRES_FORM}")
    return f"postgresql://{rest}"


def _normal_mysql(url: str, rest: str) -> str:
    try:
        named = len(urlsplit(f"mysql://{rest}").path) > 1
    except ValueError:
        named = False
    if not named:
        raise BadInput(f"{masked(url)!r} names no MySQL or MariaDB database; write {MYSQL_FORM}")
    return f"mysql://{rest}"


def dialect_of(url: str) -> Dialect:
    """The dialect that the URL's scheme names; raises BadInput for a scheme the farm does not know."""
    scheme, separator, _ = url.partition("://")
    if separator and scheme == "sqlite":
        return "sqlite"
    if separator and scheme in POSTGRES_SCHEMES:
        return "postgres"
    if separator and scheme in MYSQL_SCHEMES:
        return "mysql"
    if separator and scheme == "duckdb":
        return "duckdb"
    raise BadInput(
        f"{masked(url)!r} is no database URL the farm knows; write {SQLITE_FORMS}, {POSTGRES_FORM}, "
        f"{MYSQL_FORM}, or {DUCKDB_FORM}"
    )


def file_path(url: str) -> Path:
    """The absolute path of a SQLite or DuckDB URL; raises BadInput for none, or for one with parameters."""
    host, slash, path = url.partition("://")[2].partition("/")
    if host or not slash or path in ("", ":memory:"):
        kind, form = ("DuckDB", DUCKDB_FORM) if dialect_of(url) == "duckdb" else ("SQLite", SQLITE_FORMS)
        raise BadInput(f"{masked(url)!r} names no {kind} file; write {form}")
    if "?" in path:
        raise BadInput(f"{masked(url)!r} has parameters after '?', which targets do not take; leave them out")
    return Path(path).expanduser().absolute()


def _read(path: Path) -> dict[str, str]:
    try:
        kept = tomllib.loads(path.read_text("utf-8")).get("targets", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}. Mend it, or delete it and add the targets again"
        ) from error
    if not isinstance(kept, dict) or not all(isinstance(url, str) for url in kept.values()):
        raise BadInput(f'{path} holds more than name = "URL" lines under [targets]; mend it or delete it')
    return kept


def _write(path: Path, kept: Mapping[str, str]) -> None:
    lines = [f"{_quoted(name)} = {_quoted(url)}\n" for name, url in sorted(kept.items())]
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".targets-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("# Databases that reports run on; holds passwords.\n[targets]\n" + "".join(lines))
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _quoted(text: str) -> str:
    """A TOML basic string; its escapes are JSON's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One writer at a time, where the system has file locks."""
    make_folder(home)
    try:
        import fcntl
    except ImportError:
        yield
        return
    lock = home / f".{FILE_NAME}.lock"
    make_file(lock)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
