"""Workers dry-run Postgres targets without a URL on a server that comes and goes with them."""

import signal
import sys

import pytest
from sqlalchemy import select
from support.embedded import gone, keeper_pid, server_pid
from support.store import SHOP
from support.yard import Yard, wait_until

from farm.store import targets
from farm.store.tables import QueryRow
from farm.targets.target import Target

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

ENGINE_KNOWS = "SELECT id FROM orders ORDER BY id::text COLLATE german"
GOOD = "SELECT sum(total) FROM orders"


def test_two_workers_share_a_server_and_even_killed_they_leave_none_behind(yard: Yard) -> None:
    ddl = "CREATE TABLE orders (id int PRIMARY KEY, total numeric)"
    targets.save(yard.store, Target(name=SHOP.name, dialect="postgres", ddl=ddl))
    yard.ask(8, ENGINE_KNOWS, GOOD)
    workers = [yard.start(name, require_dry_run=True, concurrency=2) for name in ("w1", "w2")]
    wait_until(lambda: yard.all_in("accepted"), "the tasks to be accepted")
    with yard.store.read() as connection:
        engines = set(connection.scalars(select(QueryRow.dry_run)))
    assert len(engines) == 1
    assert str(engines.pop()).startswith("postgres ")
    assert set(yard.llm.calls.values()) == {2}, "what only the engine knows went back to the model"
    pids = server_pid(yard.home), keeper_pid(yard.home)
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    assert gone(*pids)
