"""Two hosts share a Postgres and a Redis: what one holds when it freezes or dies, the other one works.

A host is a process tree of the real command line with a home of its own. The model's deadline is an hour and
its first answers never come, so that nothing but the lease ends what a host holds. benchmarks/recovery.py
measures the same with the lease that is set by default, and behind a cut link.
"""

import sys

import pytest
from support.cli import ROOT, wait_until

from benchmarks.harness.farm_tree import FarmTree
from benchmarks.recoveries.hosts import freeze_host, kill_host, lost_with, thaw_host, whole, workers_of
from benchmarks.recoveries.ledger import GOOD
from benchmarks.recoveries.scene import Scene, is_alive

LEASE_SECONDS = 3.0
MOST_SECONDS = 3 * LEASE_SECONDS
TASKS = 8

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")


def some_held_by_each(scene: Scene, hosts: list[FarmTree]) -> list[list[str]]:
    """Tasks in work on both hosts, by host; as they share a queue, it may take a few."""
    asked: list[str] = []
    while True:
        asked += scene.ask(TASKS)
        scene.await_running(asked)
        held = [lost_with(scene, host, asked) for host in hosts]
        if all(held):
            return held


def test_another_host_takes_over_from_one_that_freezes_or_dies(
    postgres_database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(ROOT / ".pytest_cache" / "pycache"))
    settings = {"FARM_LEASE_SECONDS": str(LEASE_SECONDS), "FARM_CONCURRENCY": "64"}
    with Scene(database_url=postgres_database, redis_url=redis_url, workers=1, **settings) as scene:
        first, second = hosts = [scene.start(name, "workers") for name in "ab"]
        scene.await_workers(2)
        held_by_first, held_by_second = some_held_by_each(scene, hosts)
        processes = [*whole(first), *whole(second)]

        frozen_seconds = scene.seconds_until_running(held_by_first, freeze_host(first))
        assert LEASE_SECONDS / 2 < frozen_seconds < MOST_SECONDS
        scene.settle(held_by_first)

        thaw_host(first)  # it goes on, and finds that others went on without it
        scene.require(lambda: workers_of(scene, first), "the host that was frozen", 30.0)
        killed_seconds = scene.seconds_until_running(held_by_second, kill_host(second))
        assert LEASE_SECONDS / 2 < killed_seconds < MOST_SECONDS
        scene.settle(held_by_second)

        scene.settle(scene.ask(TASKS, GOOD), most_calls=1)
        scene.settle(held_by_first)
        assert scene.trouble == []
    wait_until(
        lambda: not any(is_alive(pid) for pid in processes), "everything has ended", timeout_seconds=15
    )
