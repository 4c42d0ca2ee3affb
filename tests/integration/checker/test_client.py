"""The checker process can hang, crash or be killed, and callers see at most one verdict the poorer."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from support.late import LATE_SECONDS

from farm.checker.client import TARGETS_KEPT, Checker
from farm.checker.engines import Scratch
from farm.errors import BadInput, Unavailable
from farm.targets.target import Target

SHOP = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL)")
GOOD = "SELECT SUM(total) FROM orders"
unix = pytest.mark.skipif(sys.platform == "win32", reason="stops processes with Unix signals")


@asynccontextmanager
async def checking(**options):
    async with Checker(**options) as checker:
        yield checker
        pid = checker.pid
    assert pid is None or not psutil.pid_exists(pid)


def run(coroutine):
    return asyncio.run(coroutine)


def test_answers_are_judged_in_the_process():
    async def scene():
        async with checking() as checker:
            judged = await checker.assess("```sql\nSELECT id FROM orders;\n```", SHOP)
            assert judged[-1].sql == "SELECT id FROM orders"
            assert judged[-1].verdict.accepted
            assert judged[-1].verdict.dry_run.startswith("sqlite")
            assert not (await checker.check("SELECT nope FROM orders", SHOP)).accepted

    run(scene())


def test_one_query_is_judged_as_it_is():
    async def scene():
        async with checking() as checker:
            judged = await checker.judged("SELECT id -- the key\nFROM orders", SHOP)
            assert judged.sql == "SELECT id -- the key\nFROM orders"
            assert judged.verdict.accepted
            assert judged.canonical_key
            assert judged.lineage.tables == ("orders",)

    run(scene())


def test_many_coroutines_each_get_their_own_verdict():
    async def scene():
        async with checking() as checker:
            names = [f"SELECT column_{i} FROM orders" for i in range(500)]
            verdicts = await asyncio.gather(*(checker.check(sql, SHOP) for sql in names))
            assert all(f"column_{i}" in verdict.findings[0].message for i, verdict in enumerate(verdicts))

    run(scene())


def test_more_targets_than_are_kept_take_turns():
    targets = [
        Target(name=f"t{i}", dialect="sqlite", ddl=f"CREATE TABLE only_{i} (x int)")
        for i in range(TARGETS_KEPT + 5)
    ]

    async def scene():
        async with checking() as checker:
            for _ in range(2):
                for i, target in enumerate(targets):
                    assert (await checker.check(f"SELECT x FROM only_{i}", target)).accepted

    run(scene())


def test_a_changed_schema_is_a_new_target():
    changed = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE orders (id int, added int)")

    async def scene():
        async with checking() as checker:
            assert not (await checker.check("SELECT added FROM orders", SHOP)).accepted
            assert (await checker.check("SELECT added FROM orders", changed)).accepted

    run(scene())


def test_an_unfit_target_raises_for_its_own_questions_only():
    unfit = Target(name="unfit", dialect="sqlite", ddl="nothing")

    async def scene():
        async with checking() as checker:
            outcomes = await asyncio.gather(
                checker.check(GOOD, unfit), checker.check(GOOD, SHOP), return_exceptions=True
            )
            assert isinstance(outcomes[0], BadInput)
            assert outcomes[1].accepted

    run(scene())


@unix
def test_a_hanging_process_is_replaced_and_only_the_first_question_pays():
    async def scene():
        async with checking(timeout_seconds=0.5) as checker:
            await checker.check(GOOD, SHOP)
            os.kill(checker.pid, signal.SIGSTOP)
            started = time.monotonic()
            first, *others = await asyncio.gather(*(checker.check(GOOD, SHOP) for _ in range(20)))
            assert time.monotonic() - started < 10 + LATE_SECONDS
            assert [finding.code for finding in first.findings] == ["could_not_check"]
            assert "0.5 s" in first.findings[0].message
            assert all(verdict.accepted for verdict in others)
            assert checker.restarts == 1

    run(scene())


@unix
def test_a_process_that_is_killed_from_outside_costs_nothing():
    async def scene():
        async with checking() as checker:
            await checker.check(GOOD, SHOP)
            os.kill(checker.pid, signal.SIGSTOP)
            asking = [asyncio.ensure_future(checker.assess(GOOD, SHOP)) for _ in range(5)]
            await asyncio.sleep(0.05)
            os.kill(checker.pid, signal.SIGKILL)
            assert all(judged[-1].verdict.accepted for judged in await asyncio.gather(*asking))

    run(scene())


def test_an_opening_and_a_question_are_each_blamed_for_the_second_process_that_is_killed(monkeypatch):
    async def scene():
        checker = Checker()
        monkeypatch.setattr(checker, "_launch", lambda: None)
        asking = asyncio.ensure_future(checker.check(GOOD, SHOP))
        await asyncio.sleep(0)
        for _ in range(3):
            checker._replace("ended by SIGKILL", from_outside=True)
        assert checker._doubts.without_engine(SHOP) is not None
        assert not asking.done()
        checker._replace("ended by SIGKILL", from_outside=True)
        (finding,) = (await asking).findings
        assert (finding.code, "SIGKILL" in finding.message) == ("could_not_check", True)

    run(scene())


@unix
def test_a_process_killed_while_idle_costs_nothing():
    async def scene():
        async with checking() as checker:
            await checker.check(GOOD, SHOP)
            os.kill(checker.pid, signal.SIGKILL)
            await asyncio.sleep(0.5)
            assert (await checker.check(GOOD, SHOP)).accepted

    run(scene())


@unix
def test_an_engine_that_hangs_while_opening_is_done_without(monkeypatch):
    monkeypatch.setattr("farm.checker.client.OPEN_TIMEOUT_SECONDS", 0.5)

    async def scene():
        async with checking(timeout_seconds=0.5) as checker:
            os.kill(checker.pid, signal.SIGSTOP)
            verdict = await checker.check(GOOD, SHOP)
            assert verdict.accepted
            assert [finding.code for finding in verdict.findings] == ["no_dry_run"]

    run(scene())


def test_a_caller_that_gives_up_disturbs_nobody():
    async def scene():
        async with checking() as checker:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(checker.check(GOOD, SHOP), 0)
            verdicts = await asyncio.gather(*(checker.check(GOOD, SHOP) for _ in range(3)))
            assert all(verdict.accepted for verdict in verdicts)

    run(scene())


def test_closing_refuses_what_still_waits_and_what_comes_after():
    async def scene():
        checker = Checker()
        await checker.start()
        waiting = asyncio.ensure_future(checker.check(GOOD, SHOP))
        await asyncio.sleep(0)
        await checker.close()
        with pytest.raises(Unavailable):
            await waiting
        with pytest.raises(Unavailable):
            await checker.check(GOOD, SHOP)

    run(scene())


def test_a_checker_that_was_begun_serves_with_the_process_that_was_started_then():
    def processes():
        return [child.pid for child in psutil.Process().children() if "farm.checker" in str(child.cmdline())]

    async def scene():
        checker = Checker()
        checker.begin()
        await asyncio.sleep(0)
        begun = processes()
        assert len(begun) == 1
        for _ in range(2):
            await checker.start()
            assert [checker.pid] == begun
            checker.begin()
        assert (await checker.check(GOOD, SHOP)).accepted
        assert processes() == begun
        await checker.close()
        assert not psutil.pid_exists(begun[0])

    run(scene())


def test_a_checker_that_was_begun_and_is_not_wanted_leaves_nothing_behind():
    async def scene():
        checker = Checker()
        checker.begin()
        await asyncio.sleep(0)
        await checker.close()

    run(scene())
    assert not [child for child in psutil.Process().children() if "farm.checker" in str(child.cmdline())]


def test_a_process_that_does_not_start_is_said():
    class Broken(Checker):
        def _command(self):
            return (sys.executable, "-c", "raise SystemExit(3)")

    class Missing(Checker):
        def _command(self):
            return ("/nowhere/python",)

    async def scene(checker):
        with pytest.raises(Unavailable, match="does not start"):
            await checker.start()
        with pytest.raises(Unavailable, match="does not start"):
            await checker.check(GOOD, SHOP)
        await checker.close()

    run(scene(Broken()))
    run(scene(Missing()))


HOSTILE = {
    "parentheses": "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
    "unclosed after FROM": "SELECT * FROM " + "(" * 16_000,
    "alias doubling": "SELECT id AS a0, "
    + ", ".join(f"a{i} + a{i} AS a{i + 1}" for i in range(40))
    + " FROM orders",
    "nested subqueries": "SELECT * FROM " + "(SELECT * FROM " * 10_000 + "orders" + ")" * 10_000,
    "ANDs": "SELECT 1 FROM orders WHERE " + " AND ".join("id > 1" for _ in range(5_000)),
    "long literal": "SELECT '" + "x" * 1_000_000 + "'",
}


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_hostile_inputs_get_a_verdict_and_the_checker_serves_on(dialect):
    target = Target(name="t", dialect=dialect, ddl=SHOP.ddl)

    async def scene():
        async with checking() as checker:
            for sql in HOSTILE.values():
                started = time.monotonic()
                assert not (await checker.check(sql, target)).accepted
                await checker.assess(sql, target)
                assert time.monotonic() - started < 5 + LATE_SECONDS
                assert (await checker.check(GOOD, target)).accepted
            assert checker.restarts == 0

    run(scene())


def test_secrets_do_not_show_in_the_process_table():
    target = Target(name="t", dialect="sqlite", ddl=SHOP.ddl, url="sqlite:////nowhere/s3cret.db")

    async def scene():
        async with checking(scratch=Scratch(postgres_url="postgresql://u:s3cret@127.0.0.1:1/x")) as checker:
            await checker.check(GOOD, target)
            process = psutil.Process(checker.pid)
            shown = " ".join(process.cmdline()) + " ".join(process.environ().values())
            assert "s3cret" not in shown

    run(scene())


WORKER = """
import asyncio, sys
from farm.checker.client import Checker

async def main():
    checker = Checker()
    await checker.start()
    print(checker.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@unix
@pytest.mark.parametrize("stopped", [False, True], ids=["idle", "hanging"])
def test_a_killed_worker_leaves_no_checker_behind(stopped):
    if stopped and not sys.platform.startswith("linux"):
        pytest.skip("only Linux ends a hanging child with its parent")
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, cwd=root) as worker:
        pid = int(worker.stdout.readline())
        checker = psutil.Process(pid)
        if stopped:
            os.kill(pid, signal.SIGSTOP)
        worker.kill()
        worker.wait()
    deadline = time.monotonic() + 5
    while checker.is_running() and checker.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.02)
    gone = not checker.is_running() or checker.status() == psutil.STATUS_ZOMBIE
    assert gone


def test_a_grammar_comes_from_the_process():
    async def asked():
        async with Checker() as checker:
            question = "How many orders?"
            gbnf = await checker.grammar(question, "SELECT x FROM orders", SHOP, form="gbnf")
            lark = await checker.grammar(question, "SELECT x FROM orders", SHOP, form="lark")
            return gbnf, lark

    gbnf, lark = asyncio.run(asked())
    assert str(gbnf).startswith("root ::=")
    assert str(lark).startswith("start: ")
