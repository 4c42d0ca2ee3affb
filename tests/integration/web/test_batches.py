"""Batches in the browser: how far they have come, what became of each task, and what can be done about it."""

import csv
import io
import json
from pathlib import Path

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient
from support.store import SHOP, accepted, answer, claim, finish, rejected, row, save_answer, task
from support.web import ON_BOTH, client, post

from farm.api import Farm
from farm.store import actions, batch_tasks, batches, enqueue, targets
from farm.store.batches import Limits
from farm.web.pages.batches import LINES, TASKS

MARKUP = "<script>alert(1)</script><b>"
TINY = Limits(exact=3, few=3, sample=10)


def ask(farm: Farm, *numbers: object, name: str | None = None) -> tuple[int, list[int]]:
    """A batch of so many tasks, and their ids in order."""
    batch = enqueue.enqueue(farm.store, [(task(number), "default") for number in numbers], name=name).batch_id
    with farm.store.read() as connection:
        page = batch_tasks.page(connection, batch, total=len(numbers), limit=1_000)
    return batch, [each.task_id for each in page.tasks]


def settle(farm: Farm, *ids: int, well: bool = True, sql: str = "SELECT 1") -> None:
    held = claim(farm.store, ids)
    finish(farm.store, *(accepted(held[each], sql) if well else rejected(held[each]) for each in ids))


@ON_BOTH
def test_a_batch_tells_how_each_task_stands(farm: Farm, browser: TestClient):
    batch, (good, bad, waiting, _) = ask(farm, *range(4), name="Nightly")
    settle(farm, good)
    settle(farm, bad, well=False)
    save_answer(farm.store, answer(good), answer(bad))
    claim(farm.store, [waiting])
    page = browser.get(f"/batches/{batch}").text
    assert "Batch 1: Nightly" in page
    assert '<progress max="4" value="2"' in page
    assert "2 of 4 tasks done" in page
    assert '<a href="/reports/1">Question 0?</a>' in page
    assert "<strong>syntax</strong>: it does not parse" in page
    assert "syntax (1)" in page
    assert "$1.00" in page
    assert "220" in page
    assert f'hx-sse:connect="/batches/{batch}/live' in page


def test_a_batch_that_is_done_is_not_followed(farm: Farm, browser: TestClient):
    batch, ids = ask(farm, 1)
    settle(farm, *ids)
    page = browser.get(f"/batches/{batch}").text
    assert "hx-sse:connect" not in page
    assert "1 of 1 task done." in page


def test_tasks_are_filtered_and_paged_by_links_alone(farm: Farm, browser: TestClient):
    batch, ids = ask(farm, *range(TASKS + 5))
    settle(farm, ids[3], well=False)
    first = browser.get(f"/batches/{batch}").text
    assert "Question 49?" in first
    assert "Question 50?" not in first
    second = browser.get(f"/batches/{batch}?after=49").text
    assert "Question 50?" in second
    assert "Question 49?" not in second
    assert 'rel="next"' in first
    assert 'rel="next"' not in second
    refused = browser.get(f"/batches/{batch}?state=refused").text
    assert "Question 3?" in refused
    assert refused.count("<td class=") == 3 * 1
    assert "No task of this batch is accepted" in browser.get(f"/batches/{batch}?state=accepted").text


@pytest.mark.parametrize(
    "query", ["state=nonsense", "after=x", "after=-1", "after=9999999999999999999999", "form=x"]
)
def test_nonsense_in_the_address_shows_the_batch(farm: Farm, browser: TestClient, query: str):
    batch, _ = ask(farm, 1)
    answer = browser.get(f"/batches/{batch}?{query}")
    assert answer.status_code == 200
    assert "Question 1?" in answer.text


@pytest.mark.parametrize(
    "path", [f"/batches/{rest}" for rest in ("7", "x", "7/live", "7/results.csv", "7/requeue")]
)
def test_a_batch_that_there_is_not_is_not_found(browser: TestClient, path: str):
    assert browser.get(path).status_code == 404


def test_what_a_database_cannot_compare_is_looked_for_in_vain(farm: Farm, browser: TestClient):
    batch, _ = ask(farm, 1, name="Mine")
    assert "No batch is here" in browser.get("/batches?q=a%00b").text
    for far in (10**12, 10**17 - 1):
        assert "Question 1?" not in browser.get(f"/batches/{batch}?after={far}").text
        assert browser.get(f"/api/v1/batches/{batch}/results?after={far}").json()["results"] == []


def test_markup_in_names_questions_queries_and_reasons_is_inert(farm: Farm, browser: TestClient):
    batch, (good, _) = ask(farm, MARKUP, f"two {MARKUP}", name=MARKUP)
    settle(farm, good, sql=f"SELECT '{MARKUP}' -- {MARKUP}")
    for path in (f"/batches/{batch}", "/batches"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_following_a_batch_sends_the_part_that_changes(farm: Farm, browser: TestClient, monkeypatch):
    batch, ids = ask(farm, 1)
    settle(farm, *ids)
    sent = []
    # The test client reads a stream to its end, so the stream is cut after its first event.
    monkeypatch.setattr(
        "farm.web.pages.batches.stream",
        lambda request, *, key, load, render, every_seconds: sent.append(render(load())) or _empty(),
    )
    assert browser.get(f"/batches/{batch}/live?state=accepted").status_code == 204
    assert "1 of 1 task done" in sent[0]
    assert "<html" not in sent[0]


def _empty():
    from starlette.responses import Response

    return Response(status_code=204)


def test_requeueing_names_the_number_first(farm: Farm, browser: TestClient):
    batch, ids = ask(farm, *range(3))
    settle(farm, *ids[:2], well=False)
    page = browser.get(f"/batches/{batch}/requeue?which=refused&model=big-model").text
    assert "Requeue 2 tasks?" in page
    assert "by big-model" in page
    assert row(farm.store, ids[0]).state == "rejected", "nothing was done yet"
    sent = post(
        browser,
        f"/batches/{batch}/requeue",
        {"which": "refused", "model": "big-model"},
        form=f"/batches/{batch}/requeue",
    )
    assert sent.headers["location"] == f"/batches/{batch}?requeued=2"
    assert "2 tasks will be worked again" in browser.get(sent.headers["location"]).text
    assert [(row(farm.store, each).state, row(farm.store, each).model) for each in ids] == [
        ("queued", "big-model"),
        ("queued", "big-model"),
        ("queued", None),
    ]
    with farm.store.read() as connection:
        [action] = actions.page(connection)
    assert (action.actor, action.action, action.detail["tasks"]) == ("local", "requeue", 2)


def test_requeueing_only_what_died_leaves_the_rejected(farm: Farm, browser: TestClient):
    batch, ids = ask(farm, *range(2))
    settle(farm, ids[0], well=False)
    post(browser, f"/batches/{batch}/cancel", form=f"/batches/{batch}/cancel")
    post(browser, f"/batches/{batch}/requeue", {"which": "dead"}, form=f"/batches/{batch}/requeue")
    assert [row(farm.store, each).state for each in ids] == ["rejected", "queued"]


def test_requeueing_with_a_model_that_no_pool_asks_is_refused(farm: Farm, browser: TestClient):
    batch, ids = ask(farm, 1)
    settle(farm, *ids, well=False)
    form = f"/batches/{batch}/requeue"
    assert post(browser, form, {"which": "refused", "model": "no-model"}, form=form).status_code == 400
    assert post(browser, form, {"which": "accepted"}, form=form).status_code == 400
    assert row(farm.store, ids[0]).state == "rejected"


def test_cancelling_names_the_number_first_and_leaves_what_is_in_work(farm: Farm, browser: TestClient):
    batch, ids = ask(farm, *range(3))
    claim(farm.store, ids[:1])
    assert "Cancel 2 tasks?" in browser.get(f"/batches/{batch}/cancel").text
    sent = post(browser, f"/batches/{batch}/cancel", form=f"/batches/{batch}/cancel")
    assert sent.headers["location"] == f"/batches/{batch}?cancelled=2"
    assert [row(farm.store, each).state for each in ids] == ["leased", "dead", "dead"]
    assert "No task of batch 1 waits" in browser.get(f"/batches/{batch}/cancel").text


def test_runners_see_batches_and_steer_none(tmp_path: Path, sqlite_url: str):
    with Farm.connect(home=tmp_path, database_url=sqlite_url, web_runner_token="horse") as farm:
        targets.save(farm.store, SHOP)
        batch, ids = ask(farm, 1)
        with client(farm, token="horse") as browser:
            page = browser.get(f"/batches/{batch}")
            assert page.status_code == 200
            assert "Steer" not in page.text
            for path in (f"/batches/{batch}/cancel", f"/batches/{batch}/requeue"):
                assert browser.get(path).status_code == 403
                assert post(browser, path, {"which": "dead"}, form="/batches").status_code == 403
        assert row(farm.store, ids[0]).state == "queued"


def test_results_are_downloaded_in_the_order_asked(farm: Farm, browser: TestClient):
    pairs = [(task(number), "default") for number in ('with "quotes", commas\nand lines', "=1+1")]
    pairs.append((task(3, key="=HYPERLINK(1)"), "default"))
    batch = enqueue.enqueue(farm.store, pairs).batch_id
    with farm.store.read() as connection:
        ids = [each.task_id for each in batch_tasks.page(connection, batch, total=3).tasks]
    settle(farm, ids[0], sql="SELECT 'ü'\n, 2")
    settle(farm, ids[1], well=False)
    answer = browser.get(f"/batches/{batch}/results.csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="batch-{batch}.csv"'
    head = browser.head(f"/batches/{batch}/results.csv")
    assert (head.text, head.headers["content-type"]) == ("", answer.headers["content-type"])
    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [each["state"] for each in found] == ["accepted", "rejected", "queued"]
    assert found[0]["question"] == 'Question with "quotes", commas\nand lines?'
    assert found[0]["sql"] == "SELECT 'ü'\n, 2"
    assert found[1]["question"] == "Question =1+1?"
    assert found[2]["key"].startswith("'="), "no formula for a spreadsheet"
    lines = [json.loads(line) for line in browser.get(f"/batches/{batch}/results.jsonl").text.splitlines()]
    assert [(each["task_id"], each["reason_code"]) for each in lines] == [
        (ids[0], None),
        (ids[1], "syntax"),
        (ids[2], None),
    ]
    assert browser.get(f"/batches/{batch}/results.exe").status_code == 404


def test_batches_are_listed_by_keyset_in_a_fixed_number_of_statements(farm: Farm, browser: TestClient):
    ask(farm, 0)
    few = statements(farm, browser)
    for number in range(1, LINES + 2):
        ask(farm, number, name=f"Import {number}")
    assert statements(farm, browser) == few
    page = browser.get("/batches").text
    assert "Import 26" in page
    assert "Import 1<" not in page
    assert '/batches?before=3"' in page
    older = browser.get("/batches?before=3").text
    assert "Import 1<" in older
    assert 'rel="next"' not in older
    assert browser.get("/batches?q=import+26").text.count('<th scope="row">') == 1
    assert "No batch is here" in browser.get("/batches?q=zebra").text


def statements(farm: Farm, browser: TestClient) -> int:
    seen: list[str] = []

    def note(connection, cursor, statement: str, *_: object) -> None:
        if "batch" in statement:  # and not what is summed up in the background
            seen.append(statement)

    event.listen(farm.store.engine, "before_cursor_execute", note)
    try:
        assert browser.get("/batches").status_code == 200
    finally:
        event.remove(farm.store.engine, "before_cursor_execute", note)
    return len(seen)


def test_without_batches_the_page_says_how_to_begin(browser: TestClient):
    assert '<a href="/ask">Ask a question</a>' in browser.get("/batches").text


def test_what_is_estimated_is_said_to_be(farm: Farm, browser: TestClient, monkeypatch: pytest.MonkeyPatch):
    batch, ids = ask(farm, *range(20))
    settle(farm, *ids[:10])
    monkeypatch.setattr(batches, "ONE", TINY)
    monkeypatch.setattr(batches.standing, "__defaults__", (TINY,))
    page = browser.get(f"/batches/{batch}").text
    assert "about 10 of 20 tasks done" in page
    assert "<dd>about 10</dd>" in page
