"""A Postgres server of the harness's own, durable as it is shipped, that can be crashed and started again."""

import os
import signal
from pathlib import Path
from typing import Any

import psycopg
from support import postgres as binaries

from benchmarks.harness.kept import Kept

OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "timezone": "UTC",
}


def server(home: Path, log: Path) -> Kept:
    """A server whose data and socket lie in `home`; its cluster is made here."""
    owner = binaries.unprivileged_user()
    home.mkdir(parents=True, exist_ok=True)
    rights: dict[str, Any] = {"cwd": home}
    if owner:
        os.chown(home, owner.pw_uid, owner.pw_gid)
        rights |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    folder = binaries.usable_binaries(home, rights)
    binaries.make_cluster(folder, home, rights)
    options = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
    command: list[str | Path] = [folder / "postgres", "-D", home / "data", "-k", home, *options]
    return Kept("postgres", command, log=log, end_with=signal.SIGINT, **rights)


def url(home: Path) -> str:
    """The URL of its database."""
    return f"postgresql://postgres@/postgres?host={home}"


def answers(home: Path) -> bool:
    """Whether it accepts connections."""
    return binaries.answers(url(home))


def crash(kept: Kept, away_seconds: float) -> None:
    """What `pg_ctl stop -m immediate` does: every process ends at once, and recovery follows at the start."""
    kept.rest(away_seconds)
    kept.send_signal(signal.SIGQUIT)


def locked(home: Path) -> "psycopg.Connection[Any]":
    """A connection that keeps every writer of tasks out until it is closed; readers go on."""
    connection = psycopg.connect(url(home), connect_timeout=5)
    try:
        connection.execute("SET lock_timeout = '5s'")
        connection.execute("LOCK TABLE tasks IN EXCLUSIVE MODE")
    except BaseException:
        connection.close()
        raise
    return connection
