"""The services of a compose file as processes of this machine, in a scratch folder: no engine is needed.

Each service keeps its command, environment, secrets, order, healthcheck and time to stop; `places` says what
stands for the names, ports and folders of the containers. What an image does before its command (making a
Postgres cluster) is done here. Limits, capabilities and read-only file systems are the engine's alone; but as
root, services run as users that can write nowhere but in their own folders.
"""

import functools
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.child import end_with_parent
from support.cli import MARK, ROOT
from support.compose import Service, services
from support.postgres import short_folder, unprivileged_user, usable_binaries

from farm.services import valkey

FARM_USER = 10001
PATIENCE_SECONDS = 60.0
FIRST_TICK_SECONDS, LAST_TICK_SECONDS = 0.2, 1.0  # asking costs more than a start_interval of Docker's would


class Unhealthy(Exception):
    """A service ended, failed, or never became well."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder with a short name that other users can enter."""
    folder = Path(tempfile.mkdtemp(prefix="farm-stack-", dir=short_folder()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Stack:
    """The services of one file; use as a context manager, which ends whatever still runs.

    `secrets` is the folder that deploy/make-secrets.sh has filled.
    """

    def __init__(
        self, file: Mapping[str, Any], folder: Path, secrets: Path, places: Mapping[str, str], mark: str
    ) -> None:
        self.services = services(file)
        self._file = file
        self._folder = folder
        self._secrets = secrets
        self._places = places
        self._mark = mark
        self._binaries: Path | None = None
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.ended: dict[str, int] = {}

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self._running)):
            self._kill(name)

    # As Docker Compose does

    def up(self, *names: str, limit_seconds: float = PATIENCE_SECONDS) -> None:
        """Start services after those they wait for; returns once they are well, or have ended well."""
        for name in names:
            for other in self.services[name].waits_for:
                if other not in self._running and other not in self.ended:
                    self.up(other)
        for name in names:
            self.start(name)
        for name in names:
            if self.services[name].health is None:
                self._wait_for_success(name)
            else:
                self.wait_healthy(name, limit_seconds=limit_seconds)

    def start(self, name: str) -> None:
        """Start one service alone."""
        service = self.services[name]
        self._lay_out(service)
        if service.command[0] == "postgres":
            self._make_cluster(service)
        with self.log(name).open("ab") as out:
            self._running[name] = subprocess.Popen(
                self._words(service, service.command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - one system call, its library already loaded
                **self._options(service),
            )

    def wait_healthy(self, name: str, *, limit_seconds: float = PATIENCE_SECONDS) -> None:
        """Ask its healthcheck until it says yes; raises Unhealthy."""
        give_up_at = time.monotonic() + limit_seconds
        tick_seconds = FIRST_TICK_SECONDS
        while not self.healthy(name):
            if self._running[name].poll() is not None:
                raise Unhealthy(f"{name} ended with {self._running[name].poll()}: {self.said(name)}")
            if time.monotonic() > give_up_at:
                raise Unhealthy(f"{name} never became well: {self.said(name)}")
            time.sleep(tick_seconds)
            tick_seconds = min(tick_seconds * 1.5, LAST_TICK_SECONDS)

    def healthy(self, name: str) -> bool:
        """What the healthcheck says, asked as the service's own user, in its own environment."""
        service = self.services[name]
        assert service.health is not None
        try:
            asked = subprocess.run(
                self._words(service, service.health.command),
                capture_output=True,
                timeout=service.health.timeout_seconds,
                check=False,
                **self._options(service),
            )
        except (subprocess.TimeoutExpired, OSError):
            return False
        return asked.returncode == 0

    def run(self, name: str, *words: str, stdin: str = "") -> str:
        """`docker compose exec`: another command beside a service; returns its output, raises on failure."""
        service = self.services[name]
        done = subprocess.run(
            self._words(service, words),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            **self._options(service),
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def terminate(self, name: str) -> None:
        """The first half of a stop: SIGTERM to the service's first process."""
        self._running[name].send_signal(signal.SIGTERM)

    def wait_stopped(self, name: str) -> int:
        """The second half: its exit code; fails where an engine would have to kill it."""
        try:
            code = self._running[name].wait(self.services[name].stop_seconds)
        except subprocess.TimeoutExpired:
            raise Unhealthy(f"{name} does not stop in its time: {self.said(name)}") from None
        self.ended[name] = code
        del self._running[name]
        return code

    def log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def said(self, name: str) -> str:
        return self.log(name).read_text("utf-8", "replace")[-3000:]

    def secret(self, name: str) -> str:
        """A secret as services of this machine need it."""
        return self.placed((self._secrets / name).read_text("utf-8")).strip()

    def placed(self, text: str) -> str:
        """A text of the containers' world in ours."""
        theirs = "|".join(re.escape(place) for place in self._places)
        return re.sub(rf"(?<!\d)(?:{theirs})(?!\d)", lambda found: self._places[found[0]], text)

    # What stands for a container

    def _wait_for_success(self, name: str) -> None:
        code = self._running.pop(name).wait(PATIENCE_SECONDS)
        self.ended[name] = code
        if code != 0:
            raise Unhealthy(f"{name} ended with {code}: {self.said(name)}")

    def _own(self, service: Service) -> Path:
        """The service's folder with what is mounted into it alone."""
        return self._folder / service.name

    def _words(self, service: Service, words: Sequence[str]) -> list[str]:
        program, *arguments = (self._for(service, self.placed(word)) for word in words)
        queue_port, store_port = self._port("valkey:6379"), self._port("postgres:5432")
        programs: dict[str, list[str]] = {
            "farm": [sys.executable, "-m", "farm"],
            "python": [sys.executable],
            "sh": ["sh"],
            "valkey-server": [str(valkey.binary()), "--bind", "127.0.0.1", "--port", queue_port],
            "valkey-cli": [sys.executable, str(ROOT / "tests/support/valkey_cli.py"), "-p", queue_port],
        }
        if program in programs:
            return [*programs[program], *arguments]
        binaries = self._postgres()
        if program == "pg_isready":
            return [str(binaries / program), f"--port={store_port}", *arguments]
        assert program == "postgres", f"no stand-in for {program}"
        here = ["-D", str(self._own(service) / "data"), "-k", str(self._own(service))]
        net = ["-p", store_port, "-c", "listen_addresses=127.0.0.1"]
        return [str(binaries / program), *here, *net, *arguments]

    def _for(self, service: Service, text: str) -> str:
        """Folders that each container has of its own."""
        return text.replace("{own}", str(self._own(service)))

    def _port(self, place: str) -> str:
        return self._places[place].partition(":")[2]

    def _options(self, service: Service) -> dict[str, Any]:
        own = self._own(service)
        said = {name: self._for(service, self.placed(value)) for name, value in service.environment.items()}
        return {
            "cwd": own,
            "env": {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
                "PYTHONPYCACHEPREFIX": str(ROOT / ".pytest_cache" / "pycache"),
                "PYTHONUNBUFFERED": "1",
                "HOME": str(own),
                "TMPDIR": str(own / "tmp"),
                MARK: self._mark,
                **said,
            },
            **self._rights(service),
        }

    def _rights(self, service: Service) -> dict[str, Any]:
        """The service's user, where we may become it and it can read the code."""
        if os.geteuid() != 0:
            return {}
        if service.user.startswith(str(FARM_USER)):
            rights: dict[str, Any] = {"user": FARM_USER, "group": FARM_USER, "extra_groups": []}
            return rights if readable(FARM_USER) else {}
        owner = unprivileged_user()
        assert owner is not None
        rights = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        return rights if service.command[0] == "postgres" or readable(owner.pw_uid) else {}

    def _lay_out(self, service: Service) -> None:
        """Its folder, its secrets and its configs, and the volumes it writes to."""
        own = self._own(service)
        rights = self._rights(service)
        for folder in (own, own / "tmp", own / "secrets", own / "data", self._folder / "home"):
            folder.mkdir(exist_ok=True)
            if folder.name != "secrets" and rights and (folder.name != "home" or service.is_the_farms):
                os.chown(folder, rights["user"], rights["group"])
        for name in service.secrets:
            given = self._file["secrets"][name]["file"].rpartition("/")[2]
            (own / "secrets" / name).write_text(self.secret(given) + "\n")
        for target, name in service.configs.items():
            shutil.copyfile(
                ROOT / self._file["configs"][name]["file"], self._for(service, self.placed(target))
            )

    def _postgres(self) -> Path:
        """The server's programs, where its user can run them."""
        home = self._folder / "programs"
        home.mkdir(exist_ok=True)
        rights = self._rights(self.services["postgres"])
        if self._binaries is None:
            self._binaries = usable_binaries(home, rights | {"cwd": self._folder})
        return self._binaries

    def _make_cluster(self, service: Service) -> None:
        """What the image's entry point does: initdb with the password of the file, and a database."""
        said = {key: self._for(service, self.placed(text)) for key, text in service.environment.items()}
        programs, data = self._postgres(), self._own(service) / "data"
        options = self._options(service)
        words = [programs / "initdb", "-D", data, "-U", said["POSTGRES_USER"], "--no-sync"]
        words += [f"--pwfile={said['POSTGRES_PASSWORD_FILE']}", "--auth-local=scram-sha-256"]
        words += shlex.split(said.get("POSTGRES_INITDB_ARGS", ""))
        subprocess.run(words, check=True, capture_output=True, **options)
        create = f"CREATE DATABASE {said['POSTGRES_DB']}\n".encode()
        alone = [programs / "postgres", "--single", "-D", data, "postgres"]
        subprocess.run(alone, input=create, check=True, capture_output=True, **options)

    def _kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@functools.cache
def readable(user: int) -> bool:
    """Whether a user can read the farm's code and run this Python with what is installed in it."""
    command = [sys.executable, "-c", "import sqlalchemy, farm.private"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    rights: dict[str, Any] = {"user": user, "group": user, "extra_groups": []}
    try:
        tried = subprocess.run(
            command, cwd="/", env=environment, capture_output=True, timeout=30, check=False, **rights
        )
    except OSError:
        return False
    return tried.returncode == 0
