"""What somebody who can write to Redis may plant there, and how it shows whether it was run.

Each trap leaves a file named after it, asks a local address, or sets a key of that name.
"""

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Callback, Repeat, Retry
from rq.job import Dependency, Job
from rq.serializers import DefaultSerializer, JSONSerializer
from rq.webhook import Webhook

OURS = "jobs.generate"
HARMLESS = "support.traps.harmless"
BROKEN = "support.traps.broken"
SPRUNG = "trap:"


def harmless(*_: object) -> str:
    """A job that succeeds."""
    return "done"


def broken(*_: object) -> None:
    """A job that fails."""
    raise ValueError("on purpose")


def note(job: Job, connection: Redis, *_: object) -> None:
    """A callback: sets a key named after its job."""
    connection.set(f"{SPRUNG}{job.id}", "1")


class Pickled:
    """Makes an empty file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class Traps:
    """Traps of one test, planted into a queue of `redis`; `folder` and `url` take what they leave."""

    def __init__(self, redis: Redis, folder: Path, url: str, asked: list[str]) -> None:
        self.redis, self.folder, self.url, self._asked = redis, folder, url, asked
        self.names: list[str] = []

    @property
    def sprung(self) -> set[str]:
        """The names of the traps that were run."""
        files = {path.name for path in self.folder.iterdir()}
        keys = {key.decode().removeprefix(SPRUNG) for key in self.redis.scan_iter(f"{SPRUNG}*")}
        return files | keys | {path.strip("/") for path in self._asked}

    def plant(self, name: str, func: str, args: Any = (), *, pickled: bool = False, **options: Any) -> Job:
        """A job as any RQ client can leave it, at the end of the queue."""
        serializer = DefaultSerializer if pickled else JSONSerializer
        job = Job.create(
            func, args, connection=self.redis, id=name, serializer=serializer, origin="default", **options
        )
        job.save()
        self.redis.sadd("rq:queues", "rq:queue:default")
        self.redis.rpush("rq:queue:default", name)
        self.names.append(name)
        return job

    def functions(self) -> None:
        """Functions of the standard library that run commands, code or write files."""
        names = ("system", "output", "popen", "eval", "exec", "touch")
        file = {name: str(self.folder / name) for name in names}
        self.plant("system", "os.system", (f"touch {file['system']}",))
        self.plant("output", "subprocess.check_output", (["touch", file["output"]],))
        self.plant("popen", "subprocess.Popen", (["touch", file["popen"]],))
        self.plant("eval", "builtins.eval", (f"open({file['eval']!r}, 'w').close()",))
        self.plant("exec", "builtins.exec", (f"open({file['exec']!r}, 'w').close()",))
        self.plant("touch", "os.mknod", (file["touch"],))

    def pickles(self) -> None:
        """Pickles in the payload: as an argument, and as the object whose method is to be called."""
        self.plant("argument", HARMLESS, (Pickled(self.folder / "argument"),), pickled=True)
        self.plant("ours", OURS, (Pickled(self.folder / "ours"),), pickled=True)
        path = self.folder / "method"
        self.plant("method", path.touch, pickled=True)  # type: ignore[arg-type]  # as a client would pass it

    def beside(self, name: str, field: str, *args: Any, func: str = OURS, packed: bool = False) -> None:
        """A pickle in another field of a job."""
        self.plant(name, func, args)
        pickled = DefaultSerializer.dumps(Pickled(self.folder / name))
        self.redis.hset(f"rq:job:{name}", field, zlib.compress(pickled) if packed else pickled)

    def ends(self, func: str, *, failing: str, suffix: str = "", args: Any = ()) -> None:
        """Callbacks and webhooks for each end a job can come to."""
        self.plant(f"success{suffix}", func, args, on_success=Callback("support.traps.note"))
        self.plant(f"failure{suffix}", failing, args, on_failure=Callback("support.traps.note"))
        self.plant(f"stopped{suffix}", func, args, on_stopped=Callback("support.traps.note"))
        for name, status, job in (("finished", "finished", func), ("failed", "failed", failing)):
            url = f"{self.url}/{name}{suffix}"
            self.plant(f"{name}{suffix}", job, args, webhooks=[Webhook(url, status)])

    def chains(self, func: str, args: Any = ()) -> None:
        """Jobs that lead to others: a dependent, repeats, retries, a group."""
        first = self.plant("first", func, args, group_id="gang")
        dependent = Job.create(
            "os.system",
            (f"touch {self.folder / 'dependent'}",),
            connection=self.redis,
            id="dependent",
            serializer=JSONSerializer,
            origin="default",
            depends_on=Dependency(jobs=[first]),
        )
        dependent.save()
        dependent.register_dependency()
        retried = self.plant("retried", func, args, retry=Retry(max=3))
        repeated = self.plant("repeated", func, args)
        repeated.repeats_left, repeated.repeat_intervals = Repeat(times=3).times, [0]
        repeated.save()
        self.redis.zadd("rq:scheduled:default", {"dependent": 1})
        self.redis.zadd("rq:failed:default", {retried.id: 2**33})


@contextmanager
def traps(redis: Redis, folder: Path) -> Iterator[Traps]:
    """Traps over a listening address of their own."""
    asked: list[str] = []
    folder.mkdir()

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield Traps(redis, folder, f"http://127.0.0.1:{server.server_port}", asked)
        finally:
            server.shutdown()
            serving.join()
