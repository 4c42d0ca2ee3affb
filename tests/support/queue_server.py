"""A queue server of a test's own, which it may kill, freeze, fill, lock and start again."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from support.child import running

from farm.queue.connection import connect
from farm.services import valkey


class QueueServer:
    """A Valkey on a private socket; use as a context manager. It starts over with what it had."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.url = valkey.url(home)
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.thaw()
        self._stack.close()

    def start(self) -> None:
        command = valkey.command(valkey.binary(), self.home)
        self._process = self._stack.enter_context(
            running(command, ready=lambda: valkey.answers(self.url), log=self.home / "log")
        )

    def kill(self) -> None:
        """kill -9: connections are refused until it is started again."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        valkey.socket_path(self.home).unlink(missing_ok=True)
        self._process = None

    def freeze(self) -> None:
        """It accepts connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def hand_over(self, other: "QueueServer") -> None:
        """Let its name lead to another server; its connections stay with it."""
        valkey.socket_path(other.home).replace(valkey.socket_path(self.home))

    @contextmanager
    def full(self) -> Iterator[None]:
        """No memory for another byte."""
        with self.admin() as admin:
            admin.config_set("maxmemory", 1)
            yield
            admin.config_set("maxmemory", 0)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """A replica of a server that is away, as a demoted one is."""
        with self.admin() as admin:
            admin.execute_command("ACL", "SETUSER", "default", "+@all")
            admin.replicaof("127.0.0.1", "1")
            yield
            admin.replicaof("NO", "ONE")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another password than ours, for connections that stand as well."""
        with self.admin() as admin:
            admin.config_set("requirepass", "other")
            admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            yield
            admin.config_set("requirepass", "")

    @contextmanager
    def forbidding(self) -> Iterator[None]:
        """A user without any right that the farm needs."""
        with self.admin() as admin:
            admin.execute_command("ACL", "SETUSER", "default", "-@all", "+ping", "+acl", "+client", "+hello")
            yield
            admin.execute_command("ACL", "SETUSER", "default", "+@all")

    @contextmanager
    def paused(self, seconds: float) -> Iterator[None]:
        """Every command waits."""
        with self.admin() as admin:
            admin.execute_command("CLIENT", "PAUSE", str(int(seconds * 1000)), "ALL")
        yield

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.freeze()
        yield
        self.thaw()

    @contextmanager
    def gone(self) -> Iterator[None]:
        self.kill()
        yield
        self.start()

    @contextmanager
    def admin(self) -> Iterator[Any]:
        """A connection that was there before the trouble."""
        client: Any = connect(self.url)
        try:
            client.ping()
            yield client
        finally:
            client.close()
