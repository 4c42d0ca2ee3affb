"""The doctor's tests, on real servers: one line on each thing, saying how to mend it."""

import sys
from pathlib import Path
from typing import Any

from support.collector import Collector
from support.llm import Fault, StubLLM
from support.queue_server import QueueServer

from farm import Farm, Settings
from farm.health import doctor
from farm.queue.connection import connect
from farm.queue.hints import Hints

DDL = "CREATE TABLE orders (id integer PRIMARY KEY)"


def checks(home: Path, llm: StubLLM, **settings: Any) -> dict[str, tuple[bool, str]]:
    given = {"home": home, "openai_base_url": llm.url, "openai_api_key": "right", "model": "stub-model"}
    return {
        check.name: (check.ok, check.message) for check in doctor.run(Settings.load(**{**given, **settings}))
    }


def test_a_well_farm_is_well(tmp_path: Path, llm: StubLLM, redis_url: str) -> None:
    with Farm.connect(home=tmp_path) as farm:
        farm.add_target("shop", dialect="sqlite", ddl=DDL)
    found = checks(tmp_path, llm, redis_url=redis_url)
    assert list(found) == ["Redis", "store", "model of default", "target shop"]
    assert all(ok for ok, _ in found.values())
    assert found["Redis"][1] == f"answers at {redis_url}"
    assert "can be written" in found["store"][1]
    assert "answers in" in found["model of default"][1]
    assert "from its DDL alone" in found["target shop"][1]


def test_a_new_farm_is_well_and_told_what_will_come(tmp_path: Path, llm: StubLLM) -> None:
    found = checks(tmp_path, llm, openai_base_url=None, openai_api_key=None)
    assert all(ok for ok, _ in found.values())
    assert "is set up at first use" in found["store"][1]
    assert "runs a local model of its own" in found["model"][1]
    assert "will be started" in found["Redis"][1]


def test_every_pools_model_is_asked(tmp_path: Path, llm: StubLLM) -> None:
    found = checks(tmp_path, llm, pools={"hard": {"model": "big-model"}})
    assert found["model of hard"][0]
    assert llm.calls.total() == 2


def test_a_refused_key_and_an_unknown_model_are_told_apart(tmp_path: Path, llm: StubLLM) -> None:
    for fault, advice in ((Fault.INVALID_KEY, "OPENAI_API_KEY"), (Fault.MODEL_NOT_FOUND, "FARM_MODEL")):
        llm.default = fault
        ok, message = checks(tmp_path, llm)["model of default"]
        assert not ok
        assert advice in message


def test_the_collector_of_traces_is_tried_where_there_is_one(tmp_path, llm, monkeypatch) -> None:
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.replace("//", "//name:pa55word@"))
        assert checks(tmp_path, llm)["traces"] == (
            True,
            f"{collector.url.replace('//', '//name:***@')}/v1/traces takes spans",
        )
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    ok, message = checks(tmp_path, llm)["traces"]
    assert not ok
    assert message.startswith("http://127.0.0.1:9/v1/traces takes no spans")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    assert not checks(tmp_path, llm)["traces"][0]


def test_an_answer_that_makes_no_sense_is_a_fault_of_the_endpoint(tmp_path: Path, llm: StubLLM) -> None:
    llm.default = Fault.HTML
    ok, message = checks(tmp_path, llm)["model of default"]
    assert not ok
    assert "OPENAI_BASE_URL" in message


def test_one_sick_server_does_not_hide_the_others(tmp_path: Path, llm: StubLLM) -> None:
    found = checks(tmp_path, llm, redis_url="redis://:topsecret@127.0.0.1:1/0", database_url="shop")
    assert {name: ok for name, (ok, _) in found.items()} == {
        "Redis": False,
        "store": False,
        "model of default": True,
    }
    assert "topsecret" not in str(found)


def test_a_target_that_changed_or_is_gone_is_named(tmp_path: Path, llm: StubLLM) -> None:
    import sqlite3

    def change(statement: str) -> None:
        with sqlite3.connect(tmp_path / "shop.db") as shop:
            shop.execute(statement)
        shop.close()

    change(DDL)
    with Farm.connect(home=tmp_path) as farm:
        farm.add_target("shop", dialect="sqlite", url=f"sqlite:///{tmp_path / 'shop.db'}")
    assert checks(tmp_path, llm)["target shop"] == (
        True,
        f"sqlite answers at sqlite:///{tmp_path / 'shop.db'}",
    )
    change("CREATE TABLE more (id integer)")
    assert "farm target refresh shop" in checks(tmp_path, llm)["target shop"][1]
    (tmp_path / "shop.db").unlink()
    assert not checks(tmp_path, llm)["target shop"][0]


def test_what_prepares_the_queries_of_a_schema_alone_is_told(tmp_path: Path, llm: StubLLM) -> None:
    nowhere = "postgresql://u:p@127.0.0.1:1/scratch"
    with Farm.connect(home=tmp_path) as farm:
        farm.add_target("light", dialect="sqlite", ddl=DDL)
        farm.add_target("heavy", dialect="postgres", ddl=DDL)
    assert "from its DDL alone, dry-run by sqlite" in checks(tmp_path, llm)["target light"][1]
    if sys.platform != "win32":
        assert "from its DDL alone, dry-run by postgres" in checks(tmp_path, llm)["target heavy"][1]
    said = checks(tmp_path, llm, scratch_postgres_url=nowhere)["target heavy"][1]
    assert "without dry runs (the database of target 'heavy' cannot be reached" in said


def test_what_was_set_aside_in_redis_is_counted(tmp_path: Path, llm: StubLLM, redis_url: str) -> None:
    with connect(redis_url) as redis:
        redis.rpush("farm:refused", "a", "b")
        redis.set("rq:queue:default", "no list")
        assert Hints(redis).depth("default") == 0
    ok, message = checks(tmp_path, llm, redis_url=redis_url)["Redis"]
    assert ok
    assert "3 things that were not the farm's set aside: see farm:refused and farm:set-aside" in message


def test_a_redis_that_takes_no_writes_is_ill(tmp_path: Path, llm: StubLLM) -> None:
    with QueueServer(tmp_path / "queue-server") as server, server.full():
        ok, message = checks(tmp_path, llm, redis_url=server.url)["Redis"]
    assert not ok
    assert "takes no writes (command not allowed when used memory > 'maxmemory'" in message
