"""Grouped commits: many coroutines share few commits, and each gets what is its own."""

import asyncio
import sqlite3
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event, make_url, select, text
from support.late import LATE_SECONDS
from support.store import accepted, add, answer, claim, expire, opened, rejected, row, save_answer, state

from farm.errors import StoreTrouble, Unavailable, Unstorable
from farm.store import tasks
from farm.store.engine import Store
from farm.store.spool import Spool
from farm.store.tables import AnswerRow
from farm.store.tasks import Claimed, StoredAnswer
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


@asynccontextmanager
async def held(store: Store, lease_seconds: float) -> AsyncIterator[tuple[Writer, Claimed]]:
    """A task, claimed through the writer of w1."""
    [task_id] = add(store)
    writer = Writer(store, worker="w1", lease_seconds=lease_seconds, max_attempts=3)
    try:
        claimed = await writer.claim(task_id)
        assert claimed is not None
        yield writer, claimed
    finally:
        await writer.close()


def test_a_lease_that_was_just_taken_is_known_to_hold_without_asking_the_store(store: Store):
    async def main() -> None:
        async with held(store, lease_seconds=60) as (writer, claimed):
            with counted(store) as commits:
                assert await writer.holds(claimed)
            assert commits == []

    asyncio.run(main())


def test_a_lease_that_may_have_run_out_is_renewed_if_nobody_has_taken_the_task(store: Store):
    async def main() -> None:
        async with held(store, lease_seconds=0) as (writer, claimed):
            assert await writer.holds(claimed)
            expire(store)
            assert not await writer.holds(claimed)
            claim(store, [claimed.id], "w2")
            assert not await writer.holds(claimed)

    asyncio.run(main())


def test_a_renewal_that_found_the_lease_lost_is_believed(store: Store):
    async def main() -> None:
        async with held(store, lease_seconds=60) as (writer, claimed):
            with store.write() as connection:
                tasks.free_worker(connection, "w1", max_attempts=3)
            assert await writer.holds(claimed), "nothing has told it yet"
            assert await writer.renew([claimed.id]) == {claimed.id}
            assert not await writer.holds(claimed)

    asyncio.run(main())


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
    failed = {place: type(each) for place, each in enumerate(done) if isinstance(each, Exception)}
    assert failed == {7: Unstorable, 11: Unstorable, 20: ZeroDivisionError}
    assert answers(store) == [str(each) for place, each in enumerate(ids) if place not in (7, 11)]


@pytest.mark.parametrize("begins", [True, False])
def test_giving_back_a_last_attempt_leaves_two_behind_whether_or_not_it_was_begun(store: Store, begins: bool):
    """What was not counted is not counted back: a task must not gain attempts each time its worker drains."""
    [task_id] = add(store)
    for _ in range(2):
        claim(store, [task_id], lease_seconds=-1)
        expire(store)

    async def main() -> None:
        async with writing(store) as writer:
            for _ in range(2):
                claimed = await writer.claim(task_id)
                assert claimed.last
                assert not begins or await writer.begin(claimed)
                assert await writer.release([task_id]) == 1
                assert row(store, task_id).attempt == 2

    asyncio.run(main())


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
        assert [kept.text for kept in await asyncio.gather(*calls)] == ["SELECT 1"] * 50
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


POISON = {
    "a NUL": ("postgres", {"model": "a\0b"}),
    "half a character": ("both", {"finish_reason": "\ud83d"}),
    "a number that does not fit": ("both", {"prompt_tokens": 2**70}),
    "nothing where something must be": ("both", {"raw": None}),
    "a task that is gone": ("both", {"task_id": 987_654}),
}


@pytest.mark.parametrize("poison", POISON)
def test_a_row_that_no_store_takes_ends_its_task_and_hinders_nobody(store: Store, poison: str):
    where, values = POISON[poison]
    if where == "postgres" and store.dialect == "sqlite":
        return  # it takes this one
    first, second, third = add(store, 3)

    async def main() -> None:
        async with writing(store) as writer:
            claimed = [await writer.claim(each) for each in (first, second, third)]
            done = await asyncio.gather(
                writer.save_answer(answer(first)),
                writer.save_answer(answer(second) | values),
                writer.save_answer(answer(third)),
                return_exceptions=True,
            )
            assert [type(each) for each in done] == [StoredAnswer, Unstorable, StoredAnswer]
            assert str(done[1]).startswith("the store refuses what came of the task: ")
            settled = [
                writer.finish(accepted(claimed[0])),
                writer.finish(accepted(claimed[1], target="gone" if where == "both" else "a\0b")),
                writer.finish(accepted(claimed[2])),
            ]
            assert [
                each if isinstance(each, bool) else type(each)
                for each in await asyncio.gather(*settled, return_exceptions=True)
            ] == [True, Unstorable, True]

    asyncio.run(asyncio.wait_for(main(), 20))
    assert answers(store) == ["SELECT 1", "SELECT 1"]
    assert [state(store, each) for each in (first, second, third)] == ["accepted", "leased", "accepted"]


def test_a_right_that_is_missing_is_named(postgres_database: str, postgres_url: str):
    user = f"poor_{uuid.uuid4().hex[:8]}"
    with opened(postgres_database) as store, psycopg.connect(postgres_database, autocommit=True) as server:
        [task_id] = add(store)
        server.execute(sql.SQL("CREATE USER {}").format(sql.Identifier(user)))
        server.execute(
            sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(user))
        )
        url = make_url(postgres_database).set(username=user).render_as_string(hide_password=False)

        async def main(poor: Store) -> None:
            async with writing(poor) as writer:
                with pytest.raises(
                    StoreTrouble, match=r"refuses its user a right \(permission denied.*GRANT"
                ):
                    await asyncio.wait_for(writer.claim(task_id), 10)

        try:
            with Store.open(url) as poor:
                asyncio.run(main(poor))
        finally:
            server.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(user)))
            server.execute(sql.SQL("DROP USER {}").format(sql.Identifier(user)))


class Locked:
    """A SQLite store that another program keeps from being written."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self._holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def lock(self) -> None:
        self._holder.execute("BEGIN IMMEDIATE")

    def free(self) -> None:
        self._holder.execute("COMMIT")

    def close(self) -> None:
        self._holder.close()


@pytest.fixture
def locked(sqlite_store: Store, tmp_path: Path) -> Iterator[Locked]:
    locked = Locked(tmp_path / "farm.db")
    yield locked
    locked.close()


def test_an_outage_is_said_once_and_lasts_no_longer_than_a_third_of_a_lease_beyond_its_end(
    locked: Locked, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    with Store.open(locked.url, busy_timeout_seconds=0.01) as store:
        [task_id] = add(store)
        locked.lock()

        async def main() -> None:
            writer = Writer(store, worker="w1", lease_seconds=0.9, max_attempts=3)
            waiting = asyncio.ensure_future(writer.claim(task_id))
            await asyncio.sleep(2.0)
            locked.free()
            begun = time.monotonic()
            await asyncio.wait_for(waiting, 10)
            assert time.monotonic() - begun < 0.6
            await writer.close()

        asyncio.run(main())
    said = [record.getMessage() for record in caplog.records if record.name == "farm.store.writer"]
    assert [line.split(":")[0] for line in said] == ["waiting for the store", "the store is back after 2 s"]


def test_a_store_that_hangs_is_named_while_it_does(
    locked: Locked, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("farm.store.writer.STALL_SECONDS", 0.3)
    monkeypatch.setattr("farm.store.writer.LOOK_SECONDS", 0.05)
    with Store.open(locked.url, busy_timeout_seconds=30) as store:
        [task_id] = add(store)
        locked.lock()

        async def main() -> None:
            async with writing(store) as writer:
                waiting = asyncio.ensure_future(writer.claim(task_id))
                await asyncio.sleep(1.0)
                locked.free()
                await asyncio.wait_for(waiting, 10)

        asyncio.run(main())
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["waiting for the store: it has not answered for 0 s"]


def test_a_lease_that_was_lost_during_an_outage_keeps_the_answer_and_drops_the_outcome(
    locked: Locked, sqlite_store: Store
):
    [task_id] = add(sqlite_store)
    mine = claim(sqlite_store, [task_id], lease_seconds=-1)[task_id]
    with Store.open(locked.url, busy_timeout_seconds=0.01) as store:

        async def main() -> None:
            async with writing(store) as writer:
                locked.lock()
                saving = asyncio.ensure_future(writer.save_answer(answer(task_id, raw="paid")))
                await asyncio.sleep(0.3)
                assert not saving.done()
                locked.free()
                expire(sqlite_store)
                other = claim(sqlite_store, [task_id], "w2")[task_id]
                await asyncio.wait_for(saving, 10)
                assert await writer.finish(rejected(mine)) is False
                assert await writer.finish(accepted(other)) is True

        asyncio.run(main())
    assert answers(sqlite_store) == ["paid"]
    assert state(sqlite_store, task_id) == "accepted"


@pytest.mark.parametrize("busy_timeout_seconds", [0.01, 30.0], ids=["that refuses", "that hangs"])
def test_answers_that_cannot_be_stored_before_the_end_wait_for_the_next_worker(
    locked: Locked,
    sqlite_store: Store,
    tmp_path: Path,
    busy_timeout_seconds: float,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level("INFO")
    ids = add(sqlite_store, 3)
    claim(sqlite_store, ids, "w1", lease_seconds=-1)
    spool = Spool(tmp_path / "unsaved")

    async def end() -> None:
        with Store.open(locked.url, busy_timeout_seconds=busy_timeout_seconds) as store:
            writer = Writer(store, worker="w1", lease_seconds=60, max_attempts=3, spool=spool)
            await writer.save_answer(answer(ids[0], raw="in time"))
            locked.lock()
            calls = [
                asyncio.ensure_future(writer.save_answer(answer(each, raw=f"paid {each}")))
                for each in ids[1:]
            ]
            calls.append(asyncio.ensure_future(writer.claim(ids[0])))
            await asyncio.sleep(0.1)
            calls[0].cancel()  # nobody waits for it any more, and it is paid all the same
            begun = time.monotonic()
            await writer.close(timeout_seconds=0.3)
            assert time.monotonic() - begun < 0.3 + LATE_SECONDS
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(end())
    assert "2 paid answers wait in" in caplog.text
    locked.free()
    assert answers(sqlite_store)[0] == "in time"

    async def begin() -> int:
        writer = Writer(sqlite_store, worker="w2", lease_seconds=60, max_attempts=3, spool=spool)
        count = await writer.recover()
        await writer.close()
        return count

    assert asyncio.run(begin()) == 2
    assert answers(sqlite_store) == ["in time", f"paid {ids[1]}", f"paid {ids[2]}"]
    assert asyncio.run(begin()) == 0
    expire(sqlite_store)
    again = claim(sqlite_store, ids, "w2")
    assert [again[each].answers[0].text for each in ids] == answers(sqlite_store)


def test_a_worker_that_meets_no_outage_leaves_no_file(store: Store, tmp_path: Path):
    [task_id] = add(store)

    async def main() -> None:
        writer = Writer(
            store, worker="w1", lease_seconds=60, max_attempts=3, spool=Spool(tmp_path / "unsaved")
        )
        await writer.save_answer(answer(task_id))
        with pytest.raises(Unstorable):
            await writer.save_answer(answer(987_654))
        await writer.close()

    asyncio.run(main())
    assert not (tmp_path / "unsaved").exists()


@contextmanager
def lost_replies(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each first commit of a group is done, and then the store seems to have gone away."""
    write, lost = store.write, []

    @contextmanager
    def commits_and_goes() -> Iterator[Any]:
        with write() as connection:
            yield connection
        if len(lost) % 2 == 0:
            lost.append(1)
            raise Unavailable("the connection broke after COMMIT")
        lost.append(0)

    monkeypatch.setattr(store, "write", commits_and_goes)
    yield
    monkeypatch.undo()
    assert lost, "no reply was lost"


def test_what_was_committed_without_our_hearing_of_it_is_still_ours(store: Store, monkeypatch):
    [task_id] = add(store)

    async def main() -> None:
        async with writing(store) as writer:
            with lost_replies(store, monkeypatch):
                claimed = await writer.claim(task_id)
                assert claimed is not None
                assert claimed.attempt == 1
                await writer.save_answer(answer(task_id))
                assert await writer.renew([task_id]) == set()

    asyncio.run(main())
    assert (row(store, task_id).attempt, row(store, task_id).state) == (1, "leased")
    assert len(answers(store)) == 1


def test_a_last_attempt_begun_without_our_hearing_of_it_counts_once(store: Store, monkeypatch):
    [task_id] = add(store)
    for _ in range(2):
        claim(store, [task_id], lease_seconds=-1)
        expire(store)

    async def main() -> None:
        async with writing(store) as writer:
            with lost_replies(store, monkeypatch):
                claimed = await writer.claim(task_id)
                assert claimed is not None
                assert (claimed.attempt, claimed.last) == (3, True)
                assert row(store, task_id).attempt == 2
                assert await writer.begin(claimed)
                assert row(store, task_id).attempt == 3
                assert await writer.rest(claimed)
                assert row(store, task_id).attempt == 2
                assert await writer.begin(claimed)
            assert await writer.release([task_id]) == 1

    asyncio.run(main())
    assert (row(store, task_id).attempt, row(store, task_id).state) == (2, "queued")


def test_an_answer_of_an_earlier_worker_that_no_store_takes_is_laid_by(store: Store, tmp_path: Path, caplog):
    [task_id] = add(store)
    spool = Spool(tmp_path / "unsaved")
    good, bad = answer(task_id), answer(task_id, call_no=2)
    del bad["prompt_hash"]
    spool.keep("w0", [good, bad])

    async def main() -> None:
        writer = Writer(store, worker="w1", lease_seconds=60, max_attempts=3, spool=spool)
        assert await writer.recover() == 1
        assert await writer.recover() == 0
        await writer.close()

    asyncio.run(main())
    assert len(answers(store)) == 1
    assert [path.name for path in (tmp_path / "unsaved").iterdir()] == ["w0.refused"]
    assert "cannot be stored" in caplog.text
