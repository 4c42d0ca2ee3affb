"""Where targets' URLs live. They hold passwords, so they are kept out of the store.

The settings come first (`FARM_TARGETS__SHOP__URL`, farm.toml); what `farm target add --url` was given is
remembered in `$FARM_HOME/targets.toml`, which only its owner can read. Beside it stand the names of those
whose accepted queries are run for evidence: what may be run on a database is said where its URL is.
"""

import contextlib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    if configured is not None and configured.url is not None:
        return normal(configured.url.get_secret_value())
    return lookup(settings.home, name)


def wants_evidence(settings: "Settings", name: str) -> bool:
    """Whether the queries of target `name` are run for evidence: by the settings, else as remembered."""
    configured = settings.targets.get(name)
    if configured is not None and configured.evidence is not None:
        return configured.evidence
    return name in _read(settings.home / FILE_NAME).evidence


def lookup(home: Path, name: str) -> str | None:
    """The URL that was remembered for target `name`."""
    return _read(home / FILE_NAME).urls.get(name)


def remember(home: Path, name: str, url: str) -> str:
    """Keep the URL of target `name` and return it in its normal form; raises BadInput for a bad one."""
    url = normal(url)
    with _locked(home):
        kept = _read(home / FILE_NAME)
        _write(home / FILE_NAME, replace(kept, urls={**kept.urls, name: url}))
    return url


def remember_evidence(home: Path, name: str, wanted: bool) -> None:
    """Keep whether the queries of target `name` are run for evidence."""
    with _locked(home):
        kept = _read(home / FILE_NAME)
        others = kept.evidence - {name}
        _write(home / FILE_NAME, replace(kept, evidence=others | {name} if wanted else others))


def forget(home: Path, name: str) -> None:
    """Remember no URL for target `name`."""
    with _locked(home):
        kept = _read(home / FILE_NAME)
        urls = {key: url for key, url in kept.urls.items() if key != name}
        _write(home / FILE_NAME, Kept(urls=urls, evidence=kept.evidence - {name}))


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What the file holds: URLs by target, and the targets that want evidence."""

    urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    evidence: frozenset[str] = frozenset()


def _read(path: Path) -> Kept:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Kept()
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}. Mend it, or delete it and add the targets again"
        ) from error
    kept, evidence = found.get("targets", {}), found.get("evidence", [])
    if not isinstance(kept, dict) or not all(isinstance(url, str) for url in kept.values()):
        raise BadInput(f'{path} holds more than name = "URL" lines under [targets]; mend it or delete it')
    if not isinstance(evidence, list) or not all(isinstance(name, str) for name in evidence):
        raise BadInput(f"{path}: evidence is no list of targets' names; mend it or delete it")
    return Kept(urls=kept, evidence=frozenset(evidence))


def _write(path: Path, kept: Kept) -> None:
    lines = [f"{_quoted(name)} = {_quoted(url)}\n" for name, url in sorted(kept.urls.items())]
    names = ", ".join(_quoted(name) for name in sorted(kept.evidence))
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".targets-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("# Databases that reports run on; holds passwords.\n")
            file.write(f"evidence = [{names}]\n\n" if names else "")
            file.write("[targets]\n" + "".join(lines))
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
