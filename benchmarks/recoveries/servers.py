"""What two hosts share: a Postgres and a Redis of this run's own, on TCP."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from support import postgres as binaries
from support.child import running

from farm.services import valkey

OPTIONS = {"shared_buffers": "64MB", "max_connections": "100", "timezone": "UTC", "fsync": "off"}


@contextmanager
def postgres(listen: str) -> Iterator[int]:
    """A server with an empty database `postgres`; yields its port."""
    owner = binaries.unprivileged_user()
    home = Path(mkdtemp(prefix="farm-pg-", dir=binaries.short_folder()))
    try:
        rights: dict[str, Any] = {"cwd": home}
        if owner:
            os.chown(home, owner.pw_uid, owner.pw_gid)
            rights |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        folder = binaries.usable_binaries(home, rights)
        binaries.make_cluster(folder, home, rights)
        with (home / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all trust\n")
        port = free_port()
        options = OPTIONS | {"listen_addresses": listen, "port": str(port)}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command: list[str | Path] = [folder / "postgres", "-D", home / "data", "-k", home, *settings]
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        with running(
            command,
            ready=lambda: binaries.answers(url),
            log=home / "log",
            end_with=signal.SIGINT,
            **rights,
        ):
            yield port
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def redis(listen: str) -> Iterator[int]:
    """A queue server that keeps its data in memory; yields its port."""
    port = free_port()
    home = Path(mkdtemp(prefix="farm-redis-"))
    options = {"port": str(port), "bind": listen, "protected-mode": "no", "save": "", "dir": str(home)}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    url = f"redis://127.0.0.1:{port}"
    try:
        with running([valkey.binary(), *words], ready=lambda: valkey.answers(url), log=home / "log"):
            yield port
    finally:
        shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
