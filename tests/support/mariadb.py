"""A private MariaDB for the tests, from the mariadbd on PATH, as an ordinary process on a unix socket.

Its system tables are made with the server's own scripts alone: mariadb-install-db needs a package more.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pymysql
from support.child import running
from support.postgres import short_folder

SCRIPTS = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
FAST = (
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=4M",
    "--innodb-data-file-path=ibdata1:10M:autoextend",
    "--innodb-temp-data-file-path=ibtmp1:2M:autoextend",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-use-native-aio=0",
    "--performance-schema=off",
    "--skip-log-bin",
    "--open-files-limit=1024",
    "--character-set-server=utf8mb4",
)
SBIN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
ABSENT = "no mariadbd on PATH: install mariadb-server (or mariadb-server-core), or set FARM_TEST_MYSQL_URL"


def binary() -> str | None:
    """Where mariadbd is; None where there is none."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SBIN))
    return shutil.which("mariadbd", path=path)


@contextmanager
def mariadb(program: str, *options: str) -> Iterator[str]:
    """A server in a temporary folder; yields the URL of its database `mysql`, as its administrator.

    It listens on a unix socket alone unless `options` are given.
    """
    home = Path(tempfile.mkdtemp(prefix="farm-my-", dir=short_folder()))
    data, socket_path = home / "data", home / "s"
    data.mkdir()
    (home / "tmp").mkdir()  # a server that starts deletes what others left, or have, in a common one
    command = [program, "--no-defaults", f"--datadir={data}", f"--tmpdir={home / 'tmp'}", *FAST]
    command += ["--user=root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    url = f"mysql://root@/mysql?unix_socket={quote(str(socket_path), safe='')}"
    try:
        make_system_tables(command)
        server = [*command, f"--socket={socket_path}", f"--pid-file={home / 'pid'}"]
        server += options or ["--skip-networking"]
        with running(server, ready=lambda: answers(url, socket_path), log=home / "log"):
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


def make_system_tables(command: list[str]) -> None:
    script = "create database mysql;\nuse mysql;\n" + "".join(
        (share() / name).read_text("utf-8") for name in SCRIPTS
    )
    made = subprocess.run(
        [*command, "--bootstrap", "--max-allowed-packet=8M"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if made.returncode or "ERROR" in made.stderr:
        raise RuntimeError(f"MariaDB's system tables cannot be made:\n{made.stderr[-4000:]}")


def share() -> Path:
    """The folder of the server's scripts."""
    folders = (Path("/usr/share/mysql"), Path("/usr/share/mariadb"), Path("/opt/homebrew/share/mariadb"))
    return next((folder for folder in folders if (folder / SCRIPTS[0]).is_file()), folders[0])


def answers(url: str, path: Path) -> bool:
    """Whether the server takes connections; the driver would leave a socket that finds nobody open."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
        admin(url).close()
    except (OSError, pymysql.Error):
        return False
    return True


def admin(url: str) -> Any:
    """A connection as the one of the URL, which may do everything."""
    from farm.targets.mysql.session import arguments

    return pymysql.connect(**arguments(url), autocommit=True)


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run each statement; the rows of the last one."""
    with closing(admin(url)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def as_user(url: str, account: str) -> str:
    """The same database, by another account (`name` or `name:password`, quoted for a URL)."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{account}@{parts.netloc.rpartition('@')[2]}").geturl()


@contextmanager
def fresh_mysql(server_url: str) -> Iterator[str]:
    """A new, empty database on the server, dropped afterwards; yields its URL."""
    name = f"farm_test_{uuid.uuid4().hex[:12]}"
    execute(server_url, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        execute(server_url, f"DROP DATABASE IF EXISTS {name}")


if __name__ == "__main__":
    with mariadb(binary() or sys.exit(ABSENT)) as url:
        print(url, flush=True)
        sys.stdin.read()
