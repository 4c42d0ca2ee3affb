"""The farm at a glance: what waits, who works, how fast, how well, at what cost; and pausing a queue."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient
from support.store import accepted, add, answer, claim, end, finish, rejected, save_answer
from support.web import ON_BOTH, TOKENS, post

from farm.api import Farm
from farm.store import actions, rollup, workers
from farm.store.engine import now
from farm.store.statistics import Throughput
from farm.store.tables import TaskRow
from farm.web.counting import Counting, capped
from farm.web.pages.farm import bars


@pytest.fixture
def settings() -> dict[str, Any]:
    return TOKENS


def test_an_empty_farm_says_what_to_do(farm: Farm, reader: TestClient):
    page = reader.get("/farm").text
    assert "No worker is alive. <code>farm up</code> starts some" in page
    farm.scale({"default": 0, "big": 0})
    assert "All queues are scaled to 0" in reader.get("/farm").text
    assert "No task ended within the last hour." in page
    assert "No model call has been summed up yet" in page


@ON_BOTH
def test_what_was_done_is_told_with_links_to_why(farm: Farm, reader: TestClient):
    ids = add(farm.store, 4)
    held = claim(farm.store, ids[:3])
    finish(farm.store, accepted(held[ids[0]]), accepted(held[ids[1]]), rejected(held[ids[2]], "no_sql"))
    earlier = now() - timedelta(minutes=5)
    save_answer(farm.store, answer(ids[0], created_at=earlier, model="stub <model>", latency_ms=321.0))
    with farm.store.write() as connection:
        connection.execute(update(TaskRow).where(TaskRow.id != ids[3]).values(finished_at=earlier))
    while rollup.advance(farm.store):
        pass
    page = reader.get("/farm").text
    assert "66.7%" in page, "accepted of those that ended"
    assert '<a href="/tasks?reason=no_sql">no_sql</a>' in page
    assert '<a href="/tasks?state=queued&amp;queue=default">default</a>' in page
    assert "stub &lt;model&gt;" in page
    assert "$0.5000" in page
    assert "321 ms" in page
    assert "5 min ago: 3 tasks" in page
    assert "66.7%" in reader.get("/farm?hours=168").text
    assert reader.get("/farm?hours=5000000").status_code == 200


def test_workers_are_shown_with_what_ended_before_them(farm: Farm, reader: TestClient):
    with farm.store.write() as connection:
        for name in ("first", "second"):
            slot = {"slot": "default-1", "host": "here", "pid": 42, "queue": "default"}
            workers.register(connection, name=name, **slot)
        end(connection, "first", "killed by <signal> 9")
        workers.beat(connection, "second", state="busy", in_flight=7, tasks_done=1234)
    page = reader.get("/farm").text
    assert "1,234" in page
    assert "killed by &lt;signal&gt; 9" in page
    assert "default-1 on here" in page


def test_an_operator_pauses_and_resumes_a_queue_and_the_log_tells(farm: Farm, operator: TestClient):
    assert post(operator, "/farm/queues/default/pause", form="/farm").status_code == 303
    page = operator.get("/farm").text
    assert "Resume default" in page
    assert "Pause big" in page
    with farm.store.read() as connection:
        assert workers.paused(connection) == {"default"}
    assert post(operator, "/farm/queues/default/resume", form="/farm").status_code == 303
    with farm.store.read() as connection:
        assert workers.paused(connection) == set()
        told = [(one.actor, one.action, one.detail) for one in actions.page(connection)]
    assert told == [("operator", "resume", {"queue": "default"}), ("operator", "pause", {"queue": "default"})]
    assert post(operator, "/farm/queues/nowhere/pause", form="/farm").status_code == 404


def test_a_queue_whose_name_has_a_slash_is_paused_as_well(browse):
    browser = browse(pools={"eu/large": {"model": "big-model"}})
    assert 'action="/farm/queues/eu/large/pause"' in browser.get("/farm").text
    assert post(browser, "/farm/queues/eu/large/pause", form="/farm").status_code == 303
    assert "Resume eu/large" in browser.get("/farm").text


def test_a_reader_cannot_pause(farm: Farm, reader: TestClient):
    page = reader.get("/farm").text
    assert "/pause" not in page
    assert post(reader, "/farm/queues/default/pause", form="/farm").status_code == 403


def test_counts_are_exact_and_soon_told_anew(farm: Farm):
    counting = Counting(farm.store, ["default", "big"])
    try:
        add(farm.store, 3)
        counts = counting.now()
        assert (counts.tasks["queued"].tasks, counts.tasks["queued"].exact) == (3, True)
        assert [(queue.name, queue.depth) for queue in counts.queues] == [("default", 3), ("big", 0)]
    finally:
        counting.close()


def test_counts_up_to_a_cap_say_so(farm: Farm, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("farm.web.counting.CAP", 2)
    add(farm.store, 3)
    counts = capped(farm.store, ["default"])
    assert (counts.tasks["queued"].tasks, counts.tasks["queued"].exact) == (2, False)
    assert counts.tasks["dead"].exact
    assert counts.queues[0].depth == 2


def test_bars_are_as_high_as_the_busiest_minute():
    drawn = bars(Throughput(since=now(), tasks=(0, 5, 10)))
    assert [(bar.y, bar.height, bar.minutes_ago) for bar in drawn] == [(100, 0, 3), (50, 50, 2), (0, 100, 1)]
    assert [bar.height for bar in bars(Throughput(since=now(), tasks=(0, 0)))] == [0, 0]
