"""The farm from Python: what a program asks, and what it is told."""

import asyncio
import contextlib
import os
import pickle
import socket
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from support.late import LATE_SECONDS
from support.queue_server import QueueServer
from support.store import accepted, answer, claim, finish, rejected, save_answer

from farm import (
    BadInput,
    BadSetting,
    Farm,
    InvalidTask,
    NotFound,
    Settings,
    StoreTrouble,
    Task,
    UnknownTarget,
    check,
)
from farm.errors import TargetTrouble
from farm.queue.hints import Hints
from farm.store import migrate
from farm.store.engine import Store

DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL)"
SECRET = "hush-hush"


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and an environment that sets nothing."""
    for name in os.environ:
        if name.startswith(("FARM_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FARM_SECRETS_DIR", str(tmp_path / "no-secrets"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def farm(home: Path) -> Iterator[Farm]:
    """A farm on SQLite that knows the target `shop`; nothing runs."""
    with Farm.connect(home=home) as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        yield farm


@pytest.fixture
def shop_db(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute(DDL)
        connection.executemany("INSERT INTO orders (total) VALUES (?)", [(n,) for n in range(5)])
    connection.close()
    return path


def task(number: object = 1, **options: Any) -> Task:
    return Task(question=f"Question {number}?", **{"target": "shop", **options})


def kept(farm: Farm, sql: str = "SELECT count(*) AS n FROM orders") -> int:
    """The id of a query that was accepted just now."""
    [result] = farm.enqueue([task(sql)]).results(wait=False)
    save_answer(farm.store, answer(result.task_id))
    finish(farm.store, accepted(claim(farm.store, [result.task_id])[result.task_id], sql))
    query_id = farm.task(result.task_id).query_id
    assert query_id is not None
    return query_id


def count(farm: Farm, table: str = "tasks") -> int:
    with farm.store.read() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


# Connecting


def test_a_farm_begins_with_nothing(home: Path):
    with Farm.connect(home=home) as farm:
        assert farm.targets() == []
        assert list(farm.queries()) == []
    assert (home / "farm.db").is_file()


def test_what_was_enqueued_is_there_after_connecting_again(home: Path):
    with Farm.connect(home=home) as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        batch = farm.enqueue([task()])
    with Farm.connect(home=home) as farm:
        assert [result.question for result in farm.batch(batch.id).results(wait=False)] == ["Question 1?"]


def test_a_farm_can_be_looked_at_while_another_program_writes(farm: Farm, home: Path):
    holder = sqlite3.connect(home / "farm.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with Farm.connect(home=home, busy_timeout_seconds=30) as second:
        assert [target.name for target in second.targets()] == ["shop"]
    assert time.monotonic() - begun < 10 + LATE_SECONDS
    holder.execute("ROLLBACK")
    holder.close()


def test_postgres_must_be_migrated_by_somebody(postgres_database: str, home: Path):
    with pytest.raises(StoreTrouble, match="farm migrate"):
        Farm.connect(home=home, database_url=postgres_database)
    with Store.open(postgres_database) as store:
        migrate.migrate(store)
    with Farm.connect(home=home, database_url=postgres_database) as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        batch = farm.enqueue([task(1), task(2)])
        assert (batch.added, batch.known) == (2, 0)
        assert farm.batch(batch.id).progress().queued == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"database_url": "oracle://h/d"}, "FARM_DATABASE_URL"),
        ({"redis_url": "http://h"}, "FARM_REDIS_URL"),
        ({"workers": 0}, "workers"),
    ],
)
def test_a_bad_setting_is_refused_at_once(home: Path, arguments: dict[str, Any], said: str):
    with pytest.raises(BadSetting, match=said):
        Farm.connect(home=home, **arguments)


def test_settings_are_handed_over_ready_or_one_by_one(home: Path):
    for settings, more in ((Settings.load(home=home), {"workers": 2}), ("sqlite:///farm.db", {})):
        with pytest.raises(BadSetting, match="either ready Settings or single ones by name"):
            Farm.connect(settings, **more)


def test_settings_can_be_handed_over_ready(home: Path):
    with Farm.connect(Settings.load(home=home, model="small")) as farm:
        assert farm.settings.model == "small"


# Targets


def test_a_target_can_be_its_ddl_alone(farm: Farm):
    target = farm.add_target("bank", dialect="postgres", ddl="CREATE TABLE t (a int)", notes="in cents")
    assert (target.ddl, target.notes, target.url) == ("CREATE TABLE t (a int)", "in cents", None)
    assert farm.target("bank") == target
    assert [each.name for each in farm.targets()] == ["bank", "shop"]


def test_a_schema_is_read_from_the_database(farm: Farm, shop_db: Path):
    farm.add_target("real", dialect="sqlite", url="sqlite:///shop.db")
    target = farm.target("real")
    assert "orders" in target.ddl
    assert target.url == f"sqlite:///{shop_db}", "absolute, as workers may run elsewhere"


def test_a_postgres_schema_is_read_too(farm: Farm, postgres_database: str):
    import psycopg

    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE TABLE payments (id int PRIMARY KEY, paid_at date)")
    farm.add_target("bank", dialect="postgres", url=postgres_database)
    assert "payments" in farm.target("bank").ddl


def test_a_given_ddl_wins_over_what_the_database_has(farm: Farm, shop_db: Path):
    target = farm.add_target("part", dialect="sqlite", url=f"sqlite:///{shop_db}", ddl="CREATE TABLE o (a)")
    assert target.ddl == "CREATE TABLE o (a)"
    assert farm.target("part").url is not None


def test_a_changed_schema_is_read_again(farm: Farm, shop_db: Path):
    before = farm.add_target("real", dialect="sqlite", url=f"sqlite:///{shop_db}", notes="kept")
    with sqlite3.connect(shop_db) as connection:
        connection.execute("CREATE TABLE returns (id INTEGER PRIMARY KEY)")
    connection.close()
    after = farm.refresh_target("real")
    assert "returns" in after.ddl
    assert after.fingerprint != before.fingerprint
    assert farm.target("real").notes == "kept"


def test_a_database_without_tables_is_no_target_and_replaces_no_schema(farm: Farm, home: Path):
    with contextlib.closing(sqlite3.connect(home.parent / "shop.db")) as shop:
        shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        before = farm.add_target("real", dialect="sqlite", url=f"sqlite:///{home.parent}/shop.db")
        shop.execute("DROP TABLE orders")
    with pytest.raises(BadInput, match="no table in the database of target real"):
        farm.refresh_target("real")
    with pytest.raises(BadInput, match="no table in the database of target bare"):
        farm.add_target("bare", dialect="sqlite", url=f"sqlite:///{home.parent}/shop.db")
    assert farm.target("real").ddl == before.ddl


def test_a_target_without_a_database_cannot_be_read_again(farm: Farm):
    with pytest.raises(BadInput, match="no URL to read its schema from"):
        farm.refresh_target("shop")
    with pytest.raises(UnknownTarget, match="known are shop"):
        farm.refresh_target("nowhere")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("bank", {"dialect": "sqlite"}, "needs a schema"),
        ("bank", {"dialect": "sqlite", "ddl": "  \n"}, "needs a schema"),
        ("bank", {"dialect": "sqlite", "ddl": "CREATE TABEL t (a int)"}, "defines no table"),
        ("bank", {"dialect": "sqlite", "ddl": "CREATE TABLE t (a int;"}, "in line 1 is never closed"),
        ("bank", {"dialect": "oracle", "ddl": DDL}, "no dialect 'oracle'.*sqlite, postgres"),
        ("", {"dialect": "sqlite", "ddl": DDL}, "no name for a target"),
        ("my bank", {"dialect": "sqlite", "ddl": DDL}, "no name for a target"),
        ("../bank", {"dialect": "sqlite", "ddl": DDL}, "no name for a target"),
        ("bank\n", {"dialect": "sqlite", "ddl": DDL}, "no name for a target"),
        ("b" * 101, {"dialect": "sqlite", "ddl": DDL}, "no name for a target"),
        ("bank", {"dialect": "sqlite", "url": "shop.db"}, "no database URL"),
        ("bank", {"dialect": "sqlite", "url": "sqlite://", "ddl": DDL}, "names no SQLite file"),
        ("bank", {"dialect": "sqlite", "url": "postgresql://u:hush-hush@h/d"}, "said to be sqlite"),
        ("bank", {"dialect": "postgres", "url": "sqlite:///shop.db"}, "said to be postgres"),
        ("bank", {"dialect": "postgres", "url": "mysql://u:hush-hush@h/d", "ddl": DDL}, "said to be"),
        ("bank", {"dialect": "postgres", "url": "oracle://u:hush-hush@h/d", "ddl": DDL}, "no database URL"),
    ],
)
def test_a_target_that_cannot_be_is_refused_and_nothing_kept(
    farm: Farm, home: Path, name: str, options: dict[str, Any], said: str
):
    with pytest.raises(BadInput, match=said) as caught:
        farm.add_target(name, **options)
    assert SECRET not in str(caught.value)
    assert [target.name for target in farm.targets()] == ["shop"]
    assert not (home / "targets.toml").exists()


@pytest.mark.parametrize(
    ("dialect", "url"),
    [
        ("sqlite", "sqlite:///missing.db"),
        ("sqlite", "sqlite:////"),
        ("postgres", "postgresql://u:hush-hush@nowhere.invalid/d"),
    ],
)
def test_a_database_that_cannot_be_reached_is_no_target(farm: Farm, home: Path, dialect: str, url: str):
    with pytest.raises(TargetTrouble) as caught:
        farm.add_target("bank", dialect=dialect, url=url)
    assert SECRET not in str(caught.value)
    assert [target.name for target in farm.targets()] == ["shop"]
    assert not Path("missing.db").exists()
    assert not (home / "targets.toml").exists()


def test_a_url_never_enters_the_store(farm: Farm, home: Path, shop_db: Path):
    farm.add_target("real", dialect="sqlite", url=f"sqlite:///{shop_db.rename(f'{SECRET}.db').absolute()}")
    farm.add_target("bank", dialect="postgres", ddl=DDL, url=f"postgresql://u:{SECRET}@nowhere.invalid/d")
    farm.enqueue([task(target="bank")])
    with farm.store.write() as connection:
        connection.exec_driver_sql("SELECT 1")
    found = [path.name for path in home.iterdir() if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert found == ["targets.toml"]
    assert stat.S_IMODE((home / "targets.toml").stat().st_mode) == 0o600
    assert farm.target("bank").url == f"postgresql://u:{SECRET}@nowhere.invalid/d"
    assert farm.target("real").url is not None
    assert SECRET not in repr(farm.targets())


def test_the_settings_url_wins_over_the_remembered_one(
    farm: Farm, home: Path, monkeypatch: pytest.MonkeyPatch
):
    farm.add_target("bank", dialect="postgres", ddl=DDL, url="postgresql://remembered/d")
    monkeypatch.setenv("FARM_TARGETS__BANK__URL", "postgresql://configured/d")
    with Farm.connect(home=home) as again:
        assert again.target("bank").url == "postgresql://configured/d"


# Asking


@pytest.mark.parametrize(
    ("tasks", "error", "said"),
    [
        ([task(1), task(2, target="shpo")], UnknownTarget, "no target 'shpo' .known are shop."),
        ([task(1), task(2, model="huge")], BadInput, "no pool asks the model 'huge'; pools are .*default"),
        ([], BadInput, "nothing to enqueue"),
    ],
)
def test_what_cannot_be_worked_is_refused_whole(farm: Farm, tasks: list[Task], error: type, said: str):
    with pytest.raises(error, match=said):
        farm.enqueue(tasks)
    assert (count(farm), count(farm, "batches")) == (0, 0)


def test_what_is_no_task_is_refused_whole(farm: Farm):
    with pytest.raises(BadInput, match=r"as a list, also a single one: farm\.enqueue\(\[task\]\)"):
        farm.enqueue(task())
    with pytest.raises(BadInput, match=r"no\. 2 is dict, not a Task"):
        farm.enqueue([task(), {"question": "Why?", "target": "shop"}])
    for name in (5, "half \ud800", "a\0b"):
        with pytest.raises(BadInput, match="a batch cannot be called"):
            farm.enqueue([task()], name=name)
    assert farm.tasks() == []


def test_a_bad_task_half_way_keeps_nothing(farm: Farm):
    with pytest.raises(InvalidTask):
        farm.enqueue(task(number) if number < 5 else Task(question="", target="shop") for number in range(9))
    assert count(farm) == 0


def test_a_model_chooses_its_pool(home: Path):
    with Farm.connect(home=home, model="small", pools={"big": {"model": "large"}}) as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        farm.enqueue([task(1), task(2, model="large"), task(3, model="small")])
        with farm.store.read() as connection:
            queues = connection.exec_driver_sql("SELECT queue FROM tasks ORDER BY id").scalars().all()
    assert queues == ["default", "big", "default"]


def test_asking_again_is_free(farm: Farm):
    first = farm.enqueue([task(1), task(2)], name="june")
    second = farm.enqueue([task(2), task(3)])
    assert (first.added, first.known, second.added, second.known) == (2, 0, 1, 1)


# Redis


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_without_redis_tasks_are_durable_and_the_call_is_quick(home: Path):
    with Farm.connect(home=home, redis_url=f"redis://127.0.0.1:{closed_port()}/0") as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        begun = time.monotonic()
        batch = farm.enqueue(task(number) for number in range(100))
        assert time.monotonic() - begun < 3 + LATE_SECONDS
    with sqlite3.connect(home / "farm.db") as connection:
        assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (100,)
    connection.close()
    assert batch.added == 100


@pytest.mark.skipif(sys.platform == "win32", reason="freezes a process with a Unix signal")
@pytest.mark.parametrize(
    ("trouble", "most_seconds"),
    [("gone", 3), ("full", 3), ("read_only", 3), ("locked", 3), ("forbidding", 3), ("frozen", 9)],
)
def test_tasks_are_enqueued_while_redis_is_in_trouble_and_hinted_when_it_is_over(
    home: Path, tmp_path: Path, trouble: str, most_seconds: float
):
    with (
        QueueServer(tmp_path / "queue-server") as server,
        Farm.connect(home=home, redis_url=server.url) as farm,
    ):
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        with getattr(server, trouble)():
            begun = time.monotonic()
            batch = farm.enqueue([task(1), task(2)])
            assert time.monotonic() - begun < most_seconds
            assert (batch.added, batch.announced) == (2, False)
        again = farm.enqueue([task(1), task(2)])
        assert (again.added, again.known, again.announced) == (0, 2, True)
        with server.admin() as connection:
            assert Hints(connection).waiting("default") == {"task-1", "task-2"}


def test_where_no_queue_server_runs_yet_there_is_nobody_to_tell(home: Path):
    with Farm.connect(home=home) as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        assert farm.enqueue([task()]).announced is None


def test_a_redis_that_never_answers_costs_seconds_at_most(home: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with Farm.connect(home=home, redis_url=url) as farm:
            farm.add_target("shop", dialect="sqlite", ddl=DDL)
            begun = time.monotonic()
            assert farm.enqueue([task()]).added == 1
            assert time.monotonic() - begun < 8 + LATE_SECONDS


@pytest.fixture
def hinting(home: Path, redis_url: str) -> Iterator[tuple[Farm, Hints]]:
    with (
        redis.Redis.from_url(redis_url) as connection,
        Farm.connect(home=home, redis_url=redis_url, hint_window=10) as farm,
    ):
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        yield farm, Hints(connection)


def test_with_redis_workers_are_told_at_once_of_a_window(hinting: tuple[Farm, Hints]):
    farm, hints = hinting
    farm.enqueue([task("few")])
    assert hints.depth("default") == 1
    farm.enqueue(task(number) for number in range(100))
    assert hints.depth("default") == 10, "the rest waits in the store"


def test_a_paused_queue_gets_no_hints_until_it_is_resumed(hinting: tuple[Farm, Hints]):
    farm, hints = hinting
    farm.pause("default")
    farm.enqueue([task(1)])
    assert hints.depth("default") == 0
    farm.resume("default")
    farm.enqueue([task(2)])
    assert hints.depth("default") == 2


def test_requeued_tasks_are_hinted_again(hinting: tuple[Farm, Hints]):
    farm, hints = hinting
    [result] = farm.enqueue([task()]).results(wait=False)
    finish(farm.store, rejected(claim(farm.store, [result.task_id])[result.task_id]))
    hints.clear("default")
    assert farm.requeue(task_ids=[result.task_id]) == 1
    assert hints.depth("default") == 1


@pytest.mark.parametrize("steer", ["pause", "resume"])
def test_only_queues_that_exist_can_be_steered(farm: Farm, steer: str):
    with pytest.raises(NotFound, match="no queue 'bgi'; queues are default"):
        getattr(farm, steer)("bgi")


def test_workers_are_counted_in_whole_numbers(farm: Farm):
    for count in (1.5, "3", True, -1):
        with pytest.raises(BadInput, match="from 0 to 512 can be run"):
            farm.scale({"default": count})


# Looking and steering


def test_what_does_not_exist_is_said_to_be_so(farm: Farm):
    for look, said in [(farm.task, "no task 7"), (farm.query, "no query 7"), (farm.batch, "no batch 7")]:
        with pytest.raises(NotFound, match=said):
            look(7)
    assert farm.attempts(7) == []


def test_states_may_be_named_and_one_alone_will_do(farm: Farm):
    farm.enqueue([task()])
    assert len(farm.tasks(states="queued")) == 1
    with pytest.raises(BadInput, match="'open' is not a valid TaskState; states are queued, leased"):
        farm.tasks(states=["open"])
    with pytest.raises(BadInput, match="only rejected and dead tasks"):
        farm.requeue(states="queued")


def test_connections_do_not_travel_and_say_so(farm: Farm):
    for holder in (farm, farm.enqueue([task()])):
        with pytest.raises(TypeError, match="connections cannot be pickled"):
            pickle.dumps(holder)


def test_a_check_says_what_it_needs(farm: Farm):
    for sql, target in (("SELECT 1", "shop"), (b"SELECT 1", farm.target("shop"))):
        with pytest.raises(BadInput, match="the query as text and its target"):
            check(sql, target)

    async def within() -> None:
        check("SELECT 1", farm.target("shop"))

    with pytest.raises(RuntimeError, match=r"await asyncio\.to_thread\(check"):
        asyncio.run(within())


def test_an_accepted_query_is_found_with_where_it_came_from(farm: Farm):
    query_id = kept(farm, "SELECT sum(total) FROM orders")
    [report] = farm.queries("SUM orders")
    assert (report.id, report.sql) == (query_id, "SELECT sum(total) FROM orders")
    assert farm.query(query_id) == report
    [attempt] = farm.attempts(report.task_id)
    assert [sql for sql, _ in attempt.candidates] == ["SELECT sum(total) FROM orders"]
    assert list(farm.queries("nothing like it")) == []
    assert list(farm.queries(target="nowhere")) == []


def test_a_query_runs_on_its_target(home: Path, shop_db: Path):
    with Farm.connect(home=home) as farm:
        farm.add_target("shop", dialect="sqlite", url=f"sqlite:///{shop_db}")
        result = farm.run(kept(farm))
        assert (result.columns, result.rows, result.truncated) == (("n",), [(5,)], False)
        capped = farm.run(kept(farm, "SELECT id FROM orders ORDER BY id"), row_limit=2)
        assert (capped.rows, capped.truncated) == ([(1,), (2,)], True)


def test_a_query_for_a_schema_alone_cannot_run(farm: Farm):
    with pytest.raises(TargetTrouble, match="only a schema; add one with `farm target add shop"):
        farm.run(kept(farm))


def test_requeueing_can_change_the_model(home: Path):
    with Farm.connect(home=home, model="small", pools={"big": {"model": "large"}}) as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
        results = list(farm.enqueue([task(1), task(2)]).results(wait=False))
        held = claim(farm.store, [result.task_id for result in results])
        finish(farm.store, *(rejected(each) for each in held.values()))
        assert farm.requeue(task_ids=[]) == 0, "an empty list means no task"
        with pytest.raises(BadInput, match="no pool asks the model 'huge'"):
            farm.requeue(model="huge")
        assert farm.requeue(model="large") == 2
        claimed = claim(farm.store, list(held))
        assert {each.model for each in claimed.values()} == {"large"}


def test_one_farm_serves_many_threads(farm: Farm):
    errors: list[BaseException] = []

    def produce(worker: int) -> None:
        try:
            for number in range(10):
                farm.enqueue([task(f"{worker}-{number}"), task(f"shared-{number}")])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=produce, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (count(farm), count(farm, "batches")) == (50, 40)
