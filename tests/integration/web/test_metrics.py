"""What Prometheus gets to see: who may scrape, and that any number of servers say the same."""

import asyncio
import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from support.metrics import disagreements, parsed
from support.store import accepted, add, answer, claim, finish, rejected, save_answer
from support.web import BASE_URL

from farm.api import Farm
from farm.store import counters
from farm.store.observation import Observation, observe
from farm.web.app import build
from farm.web.pages import metrics
from farm.web.pages.metrics import Watching

TOKENS = {"web_reader_token": "two hens", "web_operator_token": "seven horses"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: the store's part is tested on both."""
    return sqlite_url


def test_two_servers_say_what_the_store_says(farm: Farm):
    ids = add(farm.store, 3)
    held = claim(farm.store, ids[:2])
    save_answer(farm.store, answer(ids[0]), answer(ids[1]))
    finish(farm.store, accepted(held[ids[0]]), rejected(held[ids[1]], "no_sql"))
    said = []
    for _ in range(2):
        with TestClient(build(farm), base_url=BASE_URL, headers=bearer("two hens")) as scraper:
            answered = scraper.get("/metrics")
            assert answered.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert answered.headers["cache-control"] == "no-store"
            said.append(
                {key: value for key, value in parsed(answered.text).items() if "seconds" not in key[0]}
            )
        counters.fold(farm.store)
    assert said[0] == said[1]
    assert said[0]["sqlfarm_tasks_ended_total", "reason=no_sql", "state=rejected"] == 1
    assert said[0]["sqlfarm_queue_depth", "queue=big"] == 0, "a queue of the settings, though empty"
    assert disagreements(farm.store) == []


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_readers_token_is_wanted_where_there_are_tokens(tmp_path: Path, sqlite_url: str):
    with (
        Farm.connect(home=tmp_path, database_url=sqlite_url, web_hosts=["web"], **TOKENS) as farm,
        TestClient(build(farm), base_url="http://web:8000", follow_redirects=False) as scraper,
    ):
        for headers in ({}, bearer("wrong")):
            refused = scraper.get("/metrics", headers=headers)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert "sqlfarm" not in refused.text
        assert scraper.get("/metrics", headers=bearer("two hens")).status_code == 200
        elsewhere = bearer("two hens") | {"host": "evil.example"}
        assert scraper.get("/metrics", headers=elsewhere).status_code == 400


def test_a_store_that_is_away_is_told_in_time(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    with Farm.connect(home=tmp_path, database_url=sqlite_url) as farm:
        assert asyncio.run(Watching(farm).seen()) is not None
        with farm.store.write() as connection:
            connection.exec_driver_sql("DROP TABLE counter_steps")
        assert asyncio.run(Watching(farm).seen()) is None, "it is not at this version"
        released = threading.Event()
        monkeypatch.setattr(metrics, "observe", lambda *_: released.wait(30))
        assert asyncio.run(hanging(farm, released)) is None, "it hangs"


async def hanging(farm: Farm, released: threading.Event) -> Observation | None:
    watching = Watching(farm, patience_seconds=0.05)
    try:
        return await watching.seen()
    finally:
        released.set()
        await watching.close()


def test_a_look_that_took_long_is_not_told_to_who_asks_later(farm: Farm, monkeypatch: pytest.MonkeyPatch):
    """Another server may have told of later ones meanwhile: counters would fall."""
    released = threading.Event()
    looks = iter([lambda: released.wait(30) and "old", lambda: "new"])
    monkeypatch.setattr(metrics, "observe", lambda *_: next(looks)())

    async def ask() -> object:
        watching = Watching(farm, patience_seconds=0.05)
        assert await watching.seen() is None
        watching._began_at -= 60.0
        watching._patience_seconds = 30.0
        asking = asyncio.create_task(watching.seen())
        await asyncio.sleep(0)
        released.set()
        return await asking

    assert asyncio.run(ask()) == "new"


def test_the_store_is_looked_at_once_for_all_that_ask(farm: Farm, monkeypatch: pytest.MonkeyPatch):
    looks: list[Observation] = []

    def looking(*of: object) -> Observation:
        looks.append(observe(farm.store, ["default"]))
        return looks[-1]

    monkeypatch.setattr(metrics, "observe", looking)

    async def ask(life_seconds: float) -> list[Observation | None]:
        watching = Watching(farm, life_seconds=life_seconds)
        return [*await asyncio.gather(watching.seen(), watching.seen()), await watching.seen()]

    assert len({id(seen) for seen in asyncio.run(ask(60.0))}) == len(looks) == 1
    asyncio.run(ask(0.0))
    assert len(looks) == 3, "once for the two at once, and again when its time is over"
