"""A process's use of the scratch Postgres of a home: as long as it lasts the server is kept running."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from farm.errors import Unavailable
from farm.private import make_file, make_folder
from farm.redaction import without_secrets
from farm.services import postgres

START_LIMIT_SECONDS = 30.0
TICK_SECONDS = 0.02
KEEPERS_TRIED = 3
"""The first may meet damaged data or the end of the server before."""
LOG_LIMIT_BYTES = 1 << 20

Answers = Callable[[str], bool]
"""Whether a server takes connections at this URL."""


class PostgresUse:
    """Holds the users' lock from the first `url()` to `close()`, or to the process' end, however it comes.

    Not for use by several threads at once.
    """

    def __init__(self, home: Path, answers: Answers) -> None:
        self._home = home
        self._answers = answers
        self._lock: int | None = None
        self._directory: int | None = None

    def url(self, *, limit_seconds: float = START_LIMIT_SECONDS) -> str:
        """Where the server answers, which is started where need be; raises Unavailable where it does not."""
        postgres.binaries()
        give_up_at = time.monotonic() + limit_seconds
        self._hold(give_up_at)
        keepers = 0
        while True:
            if not self._is_kept():  # a server without a keeper would never be ended
                if keepers == KEEPERS_TRIED:
                    raise self._trouble()
                keepers += 1
                self._start_keeper()
            url = self._url()
            if url is not None and self._answers(url):
                return url
            if time.monotonic() > give_up_at:
                raise self._trouble()
            time.sleep(TICK_SECONDS)

    def close(self) -> None:
        """Need the server no longer."""
        for descriptor in (self._lock, self._directory):
            if descriptor is not None:
                os.close(descriptor)
        self._lock = self._directory = None

    def _hold(self, give_up_at: float) -> None:
        """Take the users' lock; a keeper that has it for itself is about to end."""
        import fcntl

        if self._lock is not None:
            return
        make_folder(postgres.folder(self._home))
        descriptor = os.open(postgres.users_lock(self._home), os.O_CREAT | os.O_RDWR, 0o600)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > give_up_at:
                    os.close(descriptor)
                    raise self._trouble() from None
                time.sleep(TICK_SECONDS)
            else:
                self._lock = descriptor
                return

    def _url(self) -> str | None:
        """The server's address; None before there are data. A long path is reached through a descriptor."""
        data = postgres.data(self._home)
        if postgres.fits_socket(str(data)):
            return postgres.url(str(data))
        if not sys.platform.startswith("linux"):
            raise Unavailable(f"{data} is too long for a socket's name; set FARM_HOME to a shorter path")
        if self._directory is not None:
            os.close(self._directory)
            self._directory = None
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
        return None if self._directory is None else postgres.url(f"/proc/self/fd/{self._directory}")

    def _is_kept(self) -> bool:
        """Whether a keeper runs the server, or is about to."""
        import fcntl

        descriptor = os.open(postgres.keeper_lock(self._home), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _start_keeper(self) -> None:
        written = postgres.log(self._home)
        make_file(written)
        with written.open("wb" if written.stat().st_size > LOG_LIMIT_BYTES else "ab") as log:
            subprocess.run(
                [sys.executable, "-P", "-m", "farm.services.postgres_keeper", str(self._home.absolute())],
                check=False,  # then nobody has its lock
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a signal to our group is none of its business
                env=without_secrets(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )

    def _trouble(self) -> Unavailable:
        log = postgres.log(self._home)
        lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
        return Unavailable(
            f"the embedded Postgres does not start ({log}): {lines[-1] if lines else 'it is silent'}"
        )
