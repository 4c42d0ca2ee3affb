"""`python -m farm.services.postgres_keeper HOME`: runs the scratch Postgres of a home until nobody needs it.

1. Of several keepers the first has the lock, the others end at once. It goes on in the background, which
   whoever started it can wait for: from then on the lock is held as long as the keeper works.
2. A server that outlived its keeper (where the system cannot end it) is ended.
3. Unless the last server ended properly its data are made anew: they hold nothing of worth.
4. The server runs as a child of the keeper. Should the keeper be killed, the system ends the server.
5. Users hold a lock that the system takes from them when they end, however they end. Once nobody has held it
   for a while the keeper takes it, ends the server, and says that it ended properly.

Started by farm.services.postgres_use; does not depend on who started it.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from farm.errors import Unavailable
from farm.private import make_folder
from farm.services import postgres
from farm.services.postgres_rights import owner, popen_options

TICK_SECONDS = 0.1
LINGER_SECONDS = 1.0
"""A command that is run again and again finds the server of the one before."""
END_SECONDS = 10.0
LOCK_TRIES = 3
STATEMENTS = (
    f"CREATE ROLE {postgres.ROLE} LOGIN CREATEDB\nCREATE DATABASE {postgres.DATABASE} OWNER {postgres.ROLE}\n"
)
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def main(home: Path) -> None:
    """Run the server in the background; raises what keeps it from running, for its log."""
    _free_of_limits()
    os.umask(0o077)
    make_folder(postgres.folder(home))
    with locked(postgres.keeper_lock(home)) as keeper:
        if keeper is None or os.fork():
            os._exit(0)  # without giving up the lock
        _end_left_over(home)
        with locked(postgres.server_lock(home)) as descriptor:
            if descriptor is None:
                raise Unavailable("another server still runs on these data")
            _serve(home, Server(home, inherited=descriptor))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int | None]:
    """A descriptor that holds the lock; None where somebody else has it."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        yield descriptor if _taken(descriptor) else None
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Take the lock; tried more than once, as others look for a moment whether it is held."""
    for _ in range(LOCK_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(TICK_SECONDS / 4)
    return False


class Server:
    """The server's process and data; whatever it starts has `inherited`, a lock's descriptor."""

    def __init__(self, home: Path, *, inherited: int) -> None:
        self._home = home
        self._data = postgres.data(home)
        self._binaries = postgres.binaries()
        self._rights = popen_options(self._binaries)
        self._inherited = inherited

    def make_data(self) -> None:
        """A fresh cluster with the farm's role and database, unless the one there was left properly."""
        mark = postgres.clean_mark(self._home)
        left_by = mark.read_text("utf-8") if mark.is_file() else None
        mark.unlink(missing_ok=True)  # until the next proper end
        if left_by == str(self._binaries):
            return
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(mode=0o700)
        os.chown(self._data, *owner(self._rights))
        self._run("initdb", *postgres.INITDB, "-D", said="initdb")
        self._run(
            "postgres",
            "--single",
            "-F",
            "-D",
            said="postgres --single",
            database="postgres",
            typed=STATEMENTS,
        )

    def start(self) -> "subprocess.Popen[bytes]":
        options = [word for name, value in postgres.OPTIONS.items() for word in ("-c", f"{name}={value}")]
        with self._named_data() as (data, passed):
            return subprocess.Popen(
                [self._binaries / "postgres", "-D", data, *options],
                stdin=subprocess.DEVNULL,
                **self._options(passed),
            )

    def ended_properly(self) -> None:
        postgres.clean_mark(self._home).write_text(str(self._binaries), "utf-8")

    def _run(self, program: str, *arguments: str, said: str, database: str = "", typed: str = "") -> None:
        with self._named_data() as (data, passed):
            done = subprocess.run(
                [self._binaries / program, *arguments, data, *([database] if database else [])],
                input=typed.encode(),
                check=False,
                **self._options(passed),
            )
        if done.returncode:
            raise Unavailable(f"{said} failed with status {done.returncode}")

    @contextlib.contextmanager
    def _named_data(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The data's name for a child, and the descriptors it needs: another user may not reach the path."""
        if "user" not in self._rights:
            yield str(self._data), ()
            return
        descriptor = os.open(self._data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)

    def _options(self, passed: tuple[int, ...]) -> dict[str, Any]:
        return {
            **self._rights,
            "env": ENVIRONMENT,
            "cwd": "/",
            "stdout": sys.stderr,
            "stderr": sys.stderr,
            "pass_fds": (self._inherited, *passed),
        }


def _serve(home: Path, server: Server) -> None:
    server.make_data()
    process = server.start()
    try:
        if _unused(home, process):
            process.send_signal(signal.SIGINT)  # the fast shutdown: it waits for nobody
            if process.wait(END_SECONDS) == 0:
                server.ended_properly()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _unused(home: Path, process: "subprocess.Popen[bytes]") -> bool:
    """Wait until nobody has needed the server for a while, and keep everybody out; False: it has ended."""
    used = time.monotonic()
    users = os.open(postgres.users_lock(home), os.O_CREAT | os.O_RDWR, 0o600)
    while process.poll() is None:
        if not postgres.users_lock(home).exists():
            return True  # the home was deleted
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            used = time.monotonic()
        else:
            if time.monotonic() >= used + LINGER_SECONDS:
                return True  # holding the lock, until this process ends
            fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(TICK_SECONDS)
    return False


def _end_left_over(home: Path) -> None:
    """End a server whose keeper is gone: it still holds its lock, and its data name its process."""
    give_up_at = time.monotonic() + END_SECONDS
    while time.monotonic() < give_up_at:
        with locked(postgres.server_lock(home)) as free:
            if free is not None:
                return
        _quit(postgres.data(home))
        time.sleep(TICK_SECONDS / 2)


def _quit(data: Path) -> None:
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))
        if Path(process.cwd()) == data.resolve():
            process.send_signal(signal.SIGQUIT)


def _free_of_limits() -> None:
    """Whoever started this may have had little memory to itself; the server has limits of its own."""
    import resource

    for kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
        hard = resource.getrlimit(kind)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (hard, hard))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
