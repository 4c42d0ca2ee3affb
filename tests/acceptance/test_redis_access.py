"""The farm over TLS, as a user of Redis who may do no more than docs/redis.md lists."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError
from rq.command import send_shutdown_command
from rq.worker import Worker
from support.child import running
from support.cli import ROOT, Cli, wait_until
from support.llm import StubLLM
from support.tls import Authority, Door

from farm import Farm, Task
from farm.errors import Misuse
from farm.health import doctor
from farm.health.status import status
from farm.queue.connection import connect, require
from farm.services import valkey
from farm.settings import Settings

DDL = "CREATE TABLE orders (id integer PRIMARY KEY, total real)"
PASSWORD = "p@ss/w%rd"
QUOTED = "p%40ss%2Fw%25rd"
GOOD = "SELECT count(*) FROM orders"


def documented_rules() -> list[str]:
    """The words of the ACL command that the docs give."""
    docs = (ROOT / "docs" / "redis.md").read_text("utf-8")
    (block,) = re.findall(r"^```redis\n(.*?)^```", docs, flags=re.MULTILINE | re.DOTALL)
    return [f">{PASSWORD}" if word.startswith(">") else word for word in block.split()]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[redis.Redis]:
    """A queue server of the test's own that knows the documented user; an administrator's client."""
    home = tmp_path / "valkey"
    home.mkdir()
    url = valkey.url(home)
    command = valkey.command(valkey.binary(), home)
    with (
        running(command, ready=lambda: valkey.answers(url), log=home / "log"),
        redis.Redis.from_url(url) as admin,
    ):
        admin.execute_command(*documented_rules())
        admin.execute_command("ACL", "SETUSER", "default", "off")
        yield admin


@pytest.fixture
def tls_url(server: redis.Redis, tmp_path: Path) -> Iterator[str]:
    """The server's address by TLS, for the documented user."""
    authority = Authority(tmp_path)
    path = server.connection_pool.connection_kwargs["path"]
    with Door(path, authority.context("127.0.0.1")) as door:
        yield f"rediss://farm:{QUOTED}@127.0.0.1:{door.port}/0?ssl_ca_certs={authority.path}"


def refusals(server: redis.Redis) -> list[str]:
    """What the server refused its users, such as `command: flushall`."""
    return [f"{entry['reason']}: {entry['object']}" for entry in server.acl_log()]


@pytest.mark.timeout(240)
def test_the_whole_farm_works_over_tls_with_the_documented_user(
    farm: Cli, llm: StubLLM, server: redis.Redis, tls_url: str
) -> None:
    cli = farm.with_settings(FARM_REDIS_URL=tls_url)
    settings = Settings.load(home=farm.home, redis_url=tls_url, openai_base_url=llm.url, model="stub-model")
    llm.answer("Rejected at first?", *["SELECT nope FROM orders"] * 3, GOOD)
    llm.default = GOOD
    with Farm.connect(settings) as here:
        here.add_target("shop", dialect="sqlite", ddl=DDL)
        here.enqueue([Task(question=f"Question {number}?", target="shop") for number in range(20)])
        assert server.llen("rq:queue:default") == 20
        here.pause("default")
        up = cli.start("up")
        wait_until(lambda: not server.llen("rq:queue:default"), "the hints to be withdrawn")
        here.resume("default")
        rejected = here.enqueue([Task(question="Rejected at first?", target="shop")])
        wait_until(lambda: rejected.progress().rejected, "a task to be rejected")
        assert here.requeue(batch_id=rejected.id) == 1
        wait_until(lambda: len(list(here.queries())) == 21, "the tasks")
        workers = [worker["name"] for worker in status(here)["workers"]]
    assert [check for check in doctor.run(settings) if not check.ok] == []
    with connect(tls_url) as user:
        assert sorted(worker.name for worker in Worker.all(connection=user)) == sorted(workers)
        send_shutdown_command(user, workers[0])
        wait_until(lambda: not worker_at(user, workers[0]), "it to sign off")
    info = [sys.executable, "-c", "from rq.cli import main; main()", "info", "-u", tls_url]
    shown = subprocess.run(info, capture_output=True, text=True, timeout=60, check=False)
    assert "workers, 1 queues" in shown.stdout, shown
    up.terminate()
    _, said = up.communicate(timeout=60)
    assert up.returncode == 0, said
    assert refusals(server) == []


def worker_at(user: redis.Redis, name: str) -> bool:
    """Whether RQ knows a worker of that name."""
    return name in {worker.name for worker in Worker.all(connection=user)}


REFUSED = """
    FLUSHALL
    CONFIG GET *
    CONFIG SET dir /tmp
    KEYS *
    SAVE
    SHUTDOWN NOSAVE
    REPLICAOF 127.0.0.1 1
    MIGRATE 127.0.0.1 1 rq:queues 0 10
    MONITOR
    ACL SETUSER farm +@all
    CLIENT KILL TYPE normal
    EVAL return 0
    GET other
    SET other 1
    RENAME rq:queues other
    PUBLISH other 1
    SCAN 0
"""


def test_everything_else_is_refused_by_the_server(server: redis.Redis) -> None:
    path = server.connection_pool.connection_kwargs["path"]
    with connect(f"unix://farm:{QUOTED}@{path}") as user:
        for words in REFUSED.strip().splitlines():
            with pytest.raises(NoPermissionError):
                user.execute_command(*words.split())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("resetkeys", "~rq:*"), "does not allow its user what the farm needs"),
        (("-exists",), "does not allow its user what the farm needs"),
        ((f"<{PASSWORD}", ">another"), "refuses the user or password"),
        (("off",), "refuses the user or password"),
    ],
)
def test_what_a_user_lacks_is_said(server: redis.Redis, change: tuple[str, ...], words: str) -> None:
    server.execute_command("ACL", "SETUSER", "farm", *change)
    url = f"unix://farm:{QUOTED}@{server.connection_pool.connection_kwargs['path']}"
    with connect(url) as user, pytest.raises(Misuse, match=words) as caught:
        require(user, url)
    assert PASSWORD not in str(caught.value)
    assert QUOTED not in str(caught.value)
