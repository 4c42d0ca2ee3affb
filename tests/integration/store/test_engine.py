"""A store that cannot be used says why; one that can keeps its transactions apart."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event, make_url, select, text
from sqlalchemy.exc import IntegrityError, NotSupportedError
from support.store import add, claim, opened, save_answer, task
from support.store import answer as answer_row

from farm.errors import StoreTrouble, Unavailable
from farm.store import engine, enqueue, targets, tasks
from farm.store.engine import Store
from farm.store.tables import TaskRow


def use(store: Store) -> list[str]:
    """What any program of the farm does first."""
    with store:
        return targets.names(store)


def test_a_write_is_whole_or_not_at_all(store: Store):
    def fail_half_way() -> None:
        with store.write() as connection:
            connection.execute(text("DELETE FROM targets"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert targets.names(store) == ["shop"]


def test_a_reader_sees_one_state_whatever_others_commit(store: Store):
    def count(connection: Any) -> int:
        return len(connection.execute(select(TaskRow.id)).all())

    with store.read() as connection:
        before = count(connection)
        add(store, 3)
        assert count(connection) == before
    with store.read() as connection:
        assert count(connection) == before + 3


def test_a_reader_does_not_hold_up_a_writer(store: Store):
    with store.read() as connection:
        connection.execute(select(TaskRow.id)).all()
        begun = time.monotonic()
        add(store)
        assert time.monotonic() - begun < 5


def test_writers_wait_for_their_turn(store: Store):
    """Read, think, write: without the writer's lock from the start, SQLite would fail half-way."""
    [task_id] = add(store)

    def increase() -> None:
        for _ in range(10):
            with store.write() as connection:
                if store.dialect == "postgresql":
                    connection.execute(text("LOCK TABLE tasks"))
                old = connection.execute(select(TaskRow.priority).where(TaskRow.id == task_id)).scalar_one()
                connection.execute(
                    text("UPDATE tasks SET priority = :new WHERE id = :id"), {"new": old + 1, "id": task_id}
                )

    threads = [threading.Thread(target=increase) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert connection.execute(select(TaskRow.priority)).scalar_one() == 40


def test_who_freezes_while_writing_holds_up_nobody_for_long(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
):
    """A host that is stopped between two statements keeps its locks, and another host's reconciler waits."""
    monkeypatch.setattr(engine, "MOST_IDLE_SECONDS", 0.3)
    with opened(postgres_database) as frozen, Store.open(postgres_database) as other:
        [task_id] = add(frozen)
        claim(frozen, [task_id], lease_seconds=-1.0)

        def write_while_frozen() -> None:
            with frozen.write() as connection:
                tasks.renew(connection, [task_id], worker="w1", lease_seconds=-1.0)
                with other.write() as others:
                    assert tasks.expire(others, max_attempts=3) == 1
                tasks.renew(connection, [task_id], worker="w1", lease_seconds=60.0)

        with pytest.raises(Unavailable):
            write_while_frozen()


def test_sqlite_is_set_up_for_many_processes(sqlite_store: Store):
    with sqlite_store.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1}


def test_sqlite_can_be_made_to_sync_each_commit(sqlite_url: str):
    with Store.open(sqlite_url, synchronous="FULL") as store, store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_sqlite_knows_small_letters_of_any_script(sqlite_store: Store):
    with sqlite_store.read() as connection:
        assert connection.execute(text("SELECT lower('ÄRGER'), lower(NULL)")).one() == ("ärger", None)


# What cannot be used


def test_a_folder_is_no_store(tmp_path: Path):
    with pytest.raises(StoreTrouble, match=r"cannot be opened .*check the path"):
        use(Store.open(f"sqlite:///{tmp_path}"))


@pytest.mark.parametrize("size", [20, 5_000])
def test_another_file_is_no_store_and_stays_as_it_is(tmp_path: Path, size: int):
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear reader, " * size)
    with pytest.raises(StoreTrouble, match="no SQLite database"):
        use(Store.open(f"sqlite:///{path}"))
    assert path.read_bytes() == b"Dear reader, " * size


def test_a_database_without_our_tables_needs_a_migration(database_url: str):
    with pytest.raises(StoreTrouble, match="farm migrate"):
        use(Store.open(database_url))


def test_a_damaged_store_is_said_to_be_so(tmp_path: Path):
    path = tmp_path / "farm.db"
    with opened(f"sqlite:///{path}") as store:
        add(store, 500)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    with pytest.raises(StoreTrouble, match="damaged"):
        use(Store.open(f"sqlite:///{path}"))


def test_a_store_that_may_only_be_read_says_so_and_can_be_read(tmp_path: Path):
    with opened(f"sqlite:///{tmp_path / 'farm.db'}"):
        pass
    # SQLite's own switch, as file modes do not stop root.
    with Store.open(f"sqlite:///file:{tmp_path / 'farm.db'}?mode=ro&uri=true") as store:
        assert targets.names(store) == ["shop"]
        with pytest.raises(StoreTrouble, match="read-only"):
            add(store)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="file modes do not stop root")
def test_a_file_that_may_only_be_read_says_so(tmp_path: Path):
    path = tmp_path / "farm.db"
    with opened(f"sqlite:///{path}") as store:
        path.chmod(0o400)
        with Store.open(f"sqlite:///{path}") as second, pytest.raises(StoreTrouble, match="read-only"):
            add(second)
        path.chmod(0o600)
        add(store)


def test_a_locked_store_is_waited_for_and_then_named(tmp_path: Path):
    path = tmp_path / "farm.db"
    with opened(f"sqlite:///{path}", busy_timeout_seconds=0.3) as store:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="locked by another program"):
            add(store)
        assert 0.25 < time.monotonic() - begun < 5
        assert targets.names(store) == ["shop"], "reading goes on"
        holder.execute("COMMIT")
        holder.close()
        assert add(store)


def test_a_full_disk_loses_nothing(tmp_path: Path):
    limit = {"pages": 1_000_000}

    def cap(connection: sqlite3.Connection, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={limit['pages']}")

    with opened(f"sqlite:///{tmp_path / 'farm.db'}") as store:
        event.listen(store.engine, "checkout", cap)
        kept = add(store, 3)
        limit["pages"] = 1
        with pytest.raises(Unavailable, match="Free some space"):
            enqueue.enqueue(store, ((task(f"more {number}"), "default") for number in range(3_000)))
        limit["pages"] = 1_000_000
        with store.read() as connection:
            assert list(connection.scalars(select(TaskRow.id).order_by(TaskRow.id))) == kept
        assert len(add(store, 3_000)) == 3_000


LIMITED = """
import resource, sys
from support.store import opened, task
from farm.errors import Unavailable
from farm.store import enqueue
with opened(sys.argv[1]) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    try:
        enqueue.enqueue(store, ((task(number), "default") for number in range(20_000)))
    except Unavailable as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of files")
def test_a_file_that_cannot_grow_loses_nothing(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'farm.db'}"
    tests = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, url],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])},
    )
    assert "Free some space" in done.stdout, done.stderr
    with opened(url) as store:
        with store.read() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(select(TaskRow.id)).all() == []
        assert add(store)


def test_a_server_that_is_not_there_passes_by_itself():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match="cannot be reached"):
            use(Store.open(f"postgresql://u:hush@127.0.0.1:{port}/farm"))


def test_a_host_that_does_not_exist_is_named_without_the_password():
    with pytest.raises(Unavailable, match=r"nowhere\.invalid") as caught:
        use(Store.open("postgresql://u:hush@nowhere.invalid/farm"))
    assert "hush" not in str(caught.value)


def test_a_database_that_does_not_exist_is_named(postgres_url: str):
    url = make_url(postgres_url).set(database="no_such_database").render_as_string(hide_password=False)
    with pytest.raises(StoreTrouble, match=r"no_such_database.*create it"):
        use(Store.open(url))


def test_no_connection_stays_with_a_server_that_became_a_replica(postgres_database: str):
    """It lives on there, while the name of the store leads to another one."""

    def forget(store: Store) -> None:
        with store.write() as connection:
            connection.execute(text("DELETE FROM tasks"))

    opened(postgres_database).close()
    change = f'ALTER DATABASE "{make_url(postgres_database).database}" SET default_transaction_read_only = '
    with (
        psycopg.connect(postgres_database, autocommit=True) as server,
        Store.open(postgres_database) as store,
    ):
        server.execute(change + "on")
        with pytest.raises(Unavailable, match="takes no writes for now"):
            forget(store)
        server.execute(change + "off")
        forget(store)


def test_what_a_standby_says_to_who_has_read_before_passes_by_itself():
    said = psycopg.errors.FeatureNotSupported("cannot set transaction read-write mode during recovery")
    trouble = engine.explain(NotSupportedError("BEGIN", None, said), "here")
    assert isinstance(trouble, Unavailable)
    assert "takes no writes for now" in str(trouble)


def test_a_limit_that_somebody_has_set_is_named(postgres_database: str):
    def take_long(store: Store) -> None:
        with store.write() as connection:
            connection.execute(text("SET LOCAL statement_timeout = '50ms'"))
            connection.execute(text("SELECT pg_sleep(60)"))

    with Store.open(postgres_database) as store, pytest.raises(Unavailable, match="raise the limit"):
        take_long(store)


@pytest.fixture
def password_user(postgres_url: str, postgres_database: str) -> Iterator[str]:
    """A user whose password the server asks for, also where it trusts all others; yields its URL."""
    name = "farm_test_password"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
        server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'right'").format(sql.Identifier(name)))
        found = server.execute("SHOW hba_file").fetchone()
        assert found is not None
        rules = Path(found[0])
        before = rules.read_text() if rules.is_file() else None
        if before is not None:
            rules.write_text(f"local all {name} scram-sha-256\nhost all {name} all scram-sha-256\n{before}")
            server.execute("SELECT pg_reload_conf()")
            time.sleep(0.2)
        try:
            url = make_url(postgres_database).set(username=name, password="wrong")
            yield url.render_as_string(hide_password=False)
        finally:
            if before is not None:
                rules.write_text(before)
                server.execute("SELECT pg_reload_conf()")
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_wrong_password_is_said_to_be_so_and_not_repeated(password_user: str):
    with pytest.raises(
        StoreTrouble, match=r"refuses the user or password .*check FARM_DATABASE_URL"
    ) as caught:
        use(Store.open(password_user))
    assert "wrong" not in str(caught.value)


def test_an_error_never_carries_what_was_written(store: Store):
    """Parameters are questions and answers: they belong in no log."""
    private = "".join(["the private", " answer"])
    with pytest.raises(IntegrityError) as caught:
        save_answer(store, answer_row(987_654, raw=private))
    shown = "".join(traceback.format_exception(caught.value))
    assert "INSERT INTO answers" in shown
    assert private not in shown
