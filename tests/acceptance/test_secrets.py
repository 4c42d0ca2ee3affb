"""No key and no password is found in Redis, the store, a log, a traceback, an output or a command line.

Canaries are planted wherever the farm takes a secret; then what can go wrong goes wrong, and all is searched.
"""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import redis
from support.canary import CommandLines, Parrot, found_in, in_files, in_redis, in_store, parrot
from support.child import running
from support.cli import MARK, Cli, Ended, wait_until

from farm import Farm, Task
from farm.services import valkey
from farm.store import migrate
from farm.store.engine import Store

DDL = "CREATE TABLE orders (id integer PRIMARY KEY, total real)"
KEY = "sk-c4nary-0123456789"
SIGNING = "whsec_c4naryc4naryc4naryc4naryc4naryc4nary"
HOOKS = "127.0.0.1:1"
REFUSED_TARGET = "postgresql://reader:c4nary%2Ftarget@127.0.0.1:1/shop"


@dataclass
class Place:
    """A farm with canaries wherever it takes a secret, and all that was said in it."""

    cli: Cli
    bird: Parrot
    admin: redis.Redis
    store_url: str
    meant: tuple[Path, ...]
    said: list[tuple[str, bytes]] = field(default_factory=list)

    def __call__(self, *words: str, stdin: str = "", **settings: str) -> Ended:
        """Run a command to its end, and keep what it said."""
        ended = self.cli.with_settings(**settings)(*words, stdin=stdin)
        self.keep(" ".join(words), ended.out, ended.err)
        return ended

    def keep(self, place: str, *texts: str) -> None:
        self.said += [(place, text.encode()) for text in texts]

    def ask(self, *ways: str) -> int:
        """Enqueue a question for each way in which the endpoint answers; returns the batch's id."""
        hooks = {"webhook_hosts": (HOOKS,), "webhook_secret": SIGNING}
        with Farm.connect(home=self.cli.home, database_url=self.store_url, **hooks) as farm:
            tasks = [Task(question=f"How? {way} .", target="shop") for way in ways]
            return farm.enqueue(tasks, webhook=f"http://{HOOKS}/").id

    def leaks(self) -> list[str]:
        """Where a canary can be found."""
        return found_in(
            [
                *self.said,
                *in_files(self.cli.folder, but=self.meant),
                *in_redis(self.admin),
                *in_store(self.store_url),
            ]
        )


@pytest.fixture
def place(tmp_path: Path, postgres_database: str) -> Iterator[Place]:
    parts = urlsplit(postgres_database)
    account = f"{parts.username}:c4nary%40store"
    store_url = f"postgresql://{account}@{parts.hostname or ''}{parts.path}?{parts.query}"
    config, secrets = tmp_path / "farm.toml", tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "farm_scratch_postgres_url").write_text("postgresql://u:c4nary-scratch@127.0.0.1:1/x")
    (secrets / "openai_api_key").write_text(KEY)
    (secrets / "farm_webhook_secret").write_text(SIGNING)
    config.write_text('[targets.other]\nurl = "postgresql://u@127.0.0.1:1/x?password=c4nary-toml"\n')
    home = tmp_path / "valkey"
    home.mkdir()
    url = valkey.url(home)
    command = valkey.command(valkey.binary(), home)
    with (
        parrot() as bird,
        running(command, ready=lambda: valkey.answers(url), log=tmp_path / "valkey.log"),
        redis.Redis.from_url(url) as admin,
    ):
        admin.execute_command("ACL", "SETUSER", "farm", "on", ">c4nary:redis", "~*", "&*", "+@all")
        cli = Cli(folder=tmp_path).with_settings(
            FARM_CONFIG=str(config),
            FARM_SECRETS_DIR=str(secrets),
            FARM_DATABASE_URL=store_url,
            FARM_REDIS_URL=f"unix://farm:c4nary%3Aredis@{url.removeprefix('unix://')}",
            FARM_TARGETS__REFUSED__URL=REFUSED_TARGET,
            OPENAI_BASE_URL=f"http://127.0.0.1:{bird.port}/v1?key=c4nary-query",
            FARM_MODEL="parrot",
            FARM_WEBHOOK_HOSTS=f'["{HOOKS}"]',
            FARM_WORKERS="1",
            FARM_MAX_ATTEMPTS="1",
            FARM_GRACE_SECONDS="0",
            FARM_LOG_LEVEL="DEBUG",
            FARM_LOG_FILE=str(tmp_path / "farm.log"),
        )
        meant = (config, *secrets.iterdir(), cli.home / "targets.toml")
        try:
            yield Place(cli, bird, admin, store_url, meant)
        finally:
            cli.kill_all()


@pytest.mark.timeout(240)
def test_no_secret_is_found_after_whatever_goes_wrong(place: Place) -> None:
    with CommandLines(MARK, place.cli.mark) as lines:
        everything_goes_wrong(place)
    assert any(b"spawn_main" in line for line in lines.seen)
    place.said += [("a command line", line) for line in lines.seen]
    assert place.bird.asked >= 5
    assert place.leaks() == []


def everything_goes_wrong(place: Place) -> None:
    """Failures of all kinds in processes of their own, one after the other."""
    with Store.open(place.store_url) as store:
        migrate.migrate(store)
    with Farm.connect(home=place.cli.home, database_url=place.store_url) as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        for name in ("refused", "other"):
            farm.add_target(name, dialect="postgres", ddl=DDL)
        farm.enqueue([Task(question="How? 200 .", target=name) for name in ("refused", "other")])
    place.ask("200", "400", "422", "garbage")
    assert place("workers", "--burst").code == 0
    refused = place.ask("401")
    assert place("workers", "--burst").code == 3
    assert place("cancel", str(refused)).code == 0  # it would stop the next farm, too
    assert place("status", "--json").json["webhooks"]["pending"] == 1, "tried, and nobody listens there"
    account = f"http://proxy:c4nary-proxy@127.0.0.1:{place.bird.port}/v1"
    place("doctor", OPENAI_BASE_URL=account, FARM_SECRETS_DIR="/nowhere")
    path = os.pathsep.join(sys.path)
    place("workers", "--burst", FARM_INITIALIZER="support.canary:leak_everything", PYTHONPATH=path)
    crash(place)


def crash(place: Place) -> None:
    """A worker that hangs in a call is aborted, with a stack dump; then its farm is ended."""
    place.ask("hang")
    up = place.cli.start("up")
    wait_until(place.bird.hanging.is_set, "a call that hangs")
    for process in psutil.Process(up.pid).children():
        if "spawn_main" in " ".join(process.cmdline()):
            process.send_signal(signal.SIGABRT)
            process.wait(10)
    up.terminate()
    out, err = up.communicate(timeout=60)
    assert "Current thread" in err
    place.keep("farm up", out, err)
