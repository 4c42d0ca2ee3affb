"""Grouped commits: many coroutines share few commits, and each gets what is its own."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event, make_url, select, text
from sqlalchemy.exc import IntegrityError
from support.store import accepted, add, answer, claim, expire, opened, rejected, row, save_answer, state

from farm.errors import Unavailable
from farm.store.engine import Store
from farm.store.tables import AnswerRow
from farm.store.writer import Writer


@asynccontextmanager
async def writing(store: Store, worker: str = "w1") -> AsyncIterator[Writer]:
    writer = Writer(store, worker=worker, lease_seconds=60, max_attempts=3)
    try:
        yield writer
    finally:
        await writer.close()


@contextmanager
def counted(store: Store) -> Iterator[list[float]]:
    """The times of all commits meanwhile."""
    commits: list[float] = []

    def note(_: Any) -> None:
        commits.append(time.monotonic())

    event.listen(store.engine, "commit", note)
    try:
        yield commits
    finally:
        event.remove(store.engine, "commit", note)


def answers(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.scalars(select(AnswerRow.raw).order_by(AnswerRow.task_id, AnswerRow.call_no)))


def test_many_coroutines_share_few_commits_and_get_their_own_results(store: Store):
    ids = add(store, 300)

    async def main() -> None:
        async with writing(store) as writer:
            with counted(store) as commits:
                claimed = await asyncio.gather(*(writer.claim(each) for each in ids))
                assert [each.id for each in claimed if each] == ids
                assert [each.question for each in claimed if each] == [f"Question {n}?" for n in range(300)]
                await asyncio.gather(*(writer.save_answer(answer(each, raw=f"raw {each}")) for each in ids))
                settled = await asyncio.gather(*(writer.finish(accepted(each)) for each in claimed if each))
                assert settled == [True] * 300
            assert len(commits) < 30, "instead of 900"

    asyncio.run(main())
    assert answers(store) == [f"raw {each}" for each in ids]
    assert {state(store, each) for each in ids[::50]} == {"accepted"}


def test_what_returned_is_durable(store: Store, url: str):
    [task_id] = add(store)

    async def main() -> None:
        async with writing(store) as writer:
            await writer.save_answer(answer(task_id, raw="paid"))
            with opened(url) as other:
                assert answers(other) == ["paid"]

    asyncio.run(main())


def test_each_kind_of_write_answers_its_caller(store: Store):
    fresh, taken, lost, other = add(store, 4)
    claim(store, [taken], "w2")
    old = claim(store, [lost], "w1", lease_seconds=-1)[lost]
    expire(store)

    async def main() -> None:
        async with writing(store, "w1") as writer:
            mine, stale, late = await asyncio.gather(
                writer.claim(fresh), writer.claim(taken), writer.finish(rejected(old))
            )
            assert mine is not None
            assert mine.token == 1
            assert stale is None
            assert late is False
            kept, many, written = await asyncio.gather(
                writer.renew([fresh, taken]),
                writer.release([fresh, other]),
                writer.do(lambda connection: connection.execute(text("SELECT 41 + 1")).scalar()),
            )
            assert (kept, many, written) == ({taken}, 1, 42)

    asyncio.run(main())
    assert state(store, fresh) == "queued"


def test_the_same_hint_twice_in_one_group_is_claimed_once(store: Store):
    [task_id] = add(store)

    async def main() -> None:
        async with writing(store) as writer:
            got = await asyncio.gather(*(writer.claim(task_id) for _ in range(5)))
            assert [each is not None for each in got].count(True) == 1

    asyncio.run(main())
    assert row(store, task_id).token == 1


def test_a_bad_row_fails_alone(store: Store):
    ids = add(store, 20)

    async def main() -> list[Any]:
        async with writing(store) as writer:
            rows = [answer(each, raw=str(each)) for each in ids]
            rows[7] = answer(987_654)
            rows[11] = answer(ids[11], raw="half \ud83d")
            calls = [writer.save_answer(each) for each in rows]
            return await asyncio.gather(*calls, writer.do(lambda connection: 1 / 0), return_exceptions=True)

    done = asyncio.run(main())
    failed = {place: type(each) for place, each in enumerate(done) if each is not None}
    assert failed == {7: IntegrityError, 11: UnicodeEncodeError, 20: ZeroDivisionError}
    assert answers(store) == [str(each) for place, each in enumerate(ids) if place not in (7, 11)]


def test_a_caller_that_gave_up_does_not_hinder_the_others(store: Store):
    ids = add(store, 5)

    async def main() -> None:
        async with writing(store) as writer:
            calls = [asyncio.ensure_future(writer.claim(each)) for each in ids]
            await asyncio.sleep(0)
            calls[2].cancel()
            got = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(each).__name__ for each in got] == ["Claimed"] * 2 + ["CancelledError"] + [
                "Claimed"
            ] * 2

    asyncio.run(main())


def test_closing_writes_what_is_pending(store: Store):
    ids = add(store, 50)

    async def main() -> None:
        writer = Writer(store, worker="w1", lease_seconds=60, max_attempts=3)
        calls = [asyncio.ensure_future(writer.save_answer(answer(each))) for each in ids]
        await asyncio.sleep(0)
        await writer.close()
        assert len(answers(store)) == 50
        assert await asyncio.gather(*calls) == [None] * 50
        with pytest.raises(Unavailable, match="closing"):
            await writer.claim(ids[0])

    asyncio.run(main())


def test_closing_an_idle_writer_ends_its_thread(store: Store):
    async def main() -> None:
        await Writer(store, worker="w1", lease_seconds=60, max_attempts=3).close()

    asyncio.run(main())
    assert not [thread for thread in threading.enumerate() if thread.name == "store-writer"]


def test_the_event_loop_stays_free_while_the_database_is_locked(tmp_path: Any):
    path = tmp_path / "farm.db"
    with opened(f"sqlite:///{path}", busy_timeout_seconds=0.05) as store:
        [task_id] = add(store)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        async def main() -> None:
            async with writing(store) as writer:
                waiting = asyncio.ensure_future(writer.claim(task_id))
                begun, turns = time.monotonic(), 0
                while time.monotonic() - begun < 0.4:
                    await asyncio.sleep(0.01)
                    turns += 1
                assert not waiting.done()
                assert turns > 10
                holder.execute("COMMIT")
                claimed = await asyncio.wait_for(waiting, 10)
                assert claimed is not None
                assert claimed.id == task_id

        asyncio.run(main())
        holder.close()


def test_closing_while_the_database_is_locked_tells_the_callers(tmp_path: Any):
    path = tmp_path / "farm.db"
    with opened(f"sqlite:///{path}", busy_timeout_seconds=0.05) as store:
        [task_id] = add(store)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        async def main() -> None:
            writer = Writer(store, worker="w1", lease_seconds=60, max_attempts=3)
            waiting = asyncio.ensure_future(writer.claim(task_id))
            await asyncio.sleep(0.1)
            await writer.close()
            with pytest.raises(Unavailable, match="locked"):
                await asyncio.wait_for(waiting, 10)

        asyncio.run(main())
        holder.close()


def test_a_full_disk_is_waited_out(tmp_path: Any):
    """SQLite's own page limit stands for the disk: the same error, without root's tricks."""
    limit = {"pages": 1_000_000}
    with opened(f"sqlite:///{tmp_path / 'farm.db'}") as store:
        [task_id] = add(store)

        def cap(connection: sqlite3.Connection, *_: Any) -> None:
            connection.execute(f"PRAGMA max_page_count={limit['pages']}")

        event.listen(store.engine, "checkout", cap)

        async def main() -> None:
            async with writing(store) as writer:
                limit["pages"] = 1
                waiting = asyncio.ensure_future(writer.save_answer(answer(task_id, raw="x" * 1_000_000)))
                await asyncio.sleep(0.3)
                assert not waiting.done()
                limit["pages"] = 1_000_000
                await asyncio.wait_for(waiting, 10)

        asyncio.run(main())
        assert answers(store) == ["x" * 1_000_000]


def test_a_postgres_that_is_away_is_waited_for(postgres_database: str, postgres_url: str):
    name = sql.Identifier(str(make_url(postgres_database).database))
    with opened(postgres_database) as store, psycopg.connect(postgres_url, autocommit=True) as server:
        first, second = add(store, 2)

        async def main() -> None:
            async with writing(store) as writer:
                assert await writer.claim(first)
                server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
                server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [make_url(postgres_database).database],
                )
                waiting = asyncio.ensure_future(writer.claim(second))
                await asyncio.sleep(0.4)
                assert not waiting.done()
                server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
                claimed = await asyncio.wait_for(waiting, 20)
                assert claimed is not None
                assert claimed.id == second

        asyncio.run(main())


def test_a_paid_answer_read_back_is_the_one_that_was_saved_first(store: Store):
    [task_id] = add(store)
    save_answer(store, answer(task_id, raw="first"))

    async def main() -> None:
        async with writing(store) as writer:
            await asyncio.gather(*(writer.save_answer(answer(task_id, raw="again")) for _ in range(3)))

    asyncio.run(main())
    assert answers(store) == ["first"]
