"""Postgres targets without a URL are dry-run on the embedded server by whoever checks them."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.embedded import gone, keeper_pid, server_pid

import farm
from farm.checker.client import TIMEOUT_SECONDS, Checker
from farm.checker.engines import Engines, Scratch
from farm.checker.inspector import Inspector
from farm.errors import TargetTrouble
from farm.services import postgres
from farm.settings import Settings
from farm.targets.engine import open_engine
from farm.targets.target import Target
from farm.targets.urls import dialect_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an embedded Postgres needs unix sockets")

SHOP = Target(name="shop", dialect="postgres", ddl="CREATE TABLE orders (id int, total numeric)")
GOOD = "SELECT sum(total) FROM orders"
ENGINE_KNOWS = "SELECT id FROM orders ORDER BY id::text COLLATE german"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A farm's home; what was embedded in it is gone at the end."""
    yield tmp_path
    if (postgres.data(tmp_path) / "postmaster.pid").exists():
        assert gone(server_pid(tmp_path))


def test_from_python_the_server_comes_and_goes_by_itself(home: Path) -> None:
    settings = Settings.load(home=home)
    verdict = farm.check(GOOD, SHOP, settings=settings)
    assert verdict.accepted
    assert str(verdict.dry_run).startswith("postgres ")
    refused = farm.check(ENGINE_KNOWS, SHOP, settings=settings)
    assert [finding.code for finding in refused.findings] == ["engine_refused"]


def test_a_server_that_is_killed_is_started_again_for_the_next_query(home: Path) -> None:
    async def scene() -> None:
        async with Checker(scratch=Scratch(home=str(home)), timeout_seconds=30) as checker:
            for victim in (server_pid, keeper_pid):
                assert (await checker.check(GOOD, SHOP)).dry_run
                pid = victim(home)
                os.kill(pid, signal.SIGKILL)
                assert gone(pid)
            verdict = await checker.check(GOOD, SHOP)
            assert verdict.accepted
            assert verdict.dry_run
            assert checker.restarts == 0

    asyncio.run(scene())


def test_two_checkers_share_a_server_and_the_kill_of_one_hurts_nobody(home: Path) -> None:
    async def scene() -> None:
        scratch = Scratch(home=str(home))
        async with Checker(scratch=scratch) as one, Checker(scratch=scratch) as other:
            verdicts = await asyncio.gather(one.check(GOOD, SHOP), other.check(GOOD, SHOP))
            assert all(verdict.dry_run for verdict in verdicts)
            server = server_pid(home)
            assert one.pid
            os.kill(one.pid, signal.SIGKILL)
            await one.check(GOOD, SHOP)  # it may be blamed for the death
            verdicts = await asyncio.gather(one.check(GOOD, SHOP), other.check(GOOD, SHOP))
            assert all(verdict.dry_run for verdict in verdicts)
            assert server_pid(home) == server

    asyncio.run(scene())


def test_where_no_server_is_installed_the_verdict_says_how_to_get_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PACKAGE", "not_installed_here")
    with closing(Engines()) as engines:
        inspector = Inspector(SHOP, open_engine=lambda target: engines.open(target, Scratch(home=str(home))))
        verdict = inspector.check(GOOD)
    assert verdict.accepted
    [finding] = verdict.findings
    assert finding.code == "no_dry_run"
    assert "pip install 'sqlfarm[postgres]'`, or set FARM_SCRATCH_POSTGRES_URL" in finding.message


def test_a_home_that_cannot_be_written_to_is_a_reason_too(home: Path) -> None:
    (home / "scratch").write_text("no folder")

    async def scene() -> None:
        async with Checker(scratch=Scratch(home=str(home))) as checker:
            verdict = await checker.check(GOOD, SHOP)
            assert (verdict.accepted, verdict.dry_run) == (True, None)
            assert "the embedded Postgres cannot be used" in verdict.findings[0].message
            assert checker.restarts == 0

    asyncio.run(scene())


def test_a_schema_that_does_not_load_rejects_nothing_and_the_verdict_says_why(home: Path) -> None:
    target = Target(name="t", dialect="postgres", ddl="CREATE TABLE t (a int); CREATE TABLE u (a citext)")
    with closing(Engines()) as engines:
        inspector = Inspector(
            target, open_engine=lambda target: engines.open(target, Scratch(home=str(home)))
        )
        with closing(inspector):
            assert str(inspector.check("SELECT a FROM t").dry_run).startswith("postgres ")
            verdict = inspector.check("SELECT a FROM u")
            assert (verdict.accepted, verdict.dry_run) == (True, None)
            assert 'type "citext" does not exist, in: CREATE TABLE u' in verdict.findings[0].message


@pytest.mark.parametrize(
    ("target", "scratch"),
    [
        (Target(name="t", dialect="sqlite", ddl=SHOP.ddl), Scratch(home="/nowhere")),
        (Target(name="t", dialect="mysql", ddl=SHOP.ddl), Scratch(home="/nowhere")),
        (
            Target(name="t", dialect="postgres", ddl=SHOP.ddl, url="postgresql://h/d"),
            Scratch(home="/nowhere"),
        ),
        (SHOP, Scratch(home="/nowhere", postgres_url="postgresql://h/d")),
        (SHOP, Scratch()),
    ],
)
def test_nothing_is_started_that_is_not_needed(target: Target, scratch: Scratch) -> None:
    with closing(Engines()) as engines:
        assert engines._embedded(target, scratch) is None


def test_the_settings_say_where(home: Path) -> None:
    assert Scratch.of(Settings.load(home=home)) == Scratch(home=str(home))
    given = Scratch.of(Settings.load(home=home, scratch_postgres_url="postgresql://u:s3cret@h/d"))
    assert given.postgres_url == "postgresql://u:s3cret@h/d"
    assert "s3cret" not in repr(given)


@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_a_server_that_is_silent_leaves_time_to_say_so(scheme: str) -> None:
    """Also where a query meets it, which would else be blamed, and the process ended."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://u@127.0.0.1:{silent.getsockname()[1]}/shop"
        target = Target(name="shop", dialect=dialect_of(url), ddl=SHOP.ddl, url=url)
        started = time.monotonic()
        with pytest.raises(TargetTrouble, match="cannot be reached"):
            open_engine(target, purpose="check")
        assert time.monotonic() - started < TIMEOUT_SECONDS
