"""Tasks in the browser: finding them, reading what became of one, and steering many at once."""

from typing import Any

import pytest
from starlette.testclient import TestClient
from support.store import (
    accepted,
    add,
    answer,
    claim,
    failed_call,
    finish,
    rejected,
    row,
    save_answer,
    save_failed_call,
    state,
    task,
)
from support.web import ON_BOTH, TOKENS, post

from farm.api import Farm
from farm.store import actions, browse, enqueue

MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def settings() -> dict[str, Any]:
    return TOKENS


def reject(farm: Farm, *ids: int, code: str = "no_sql") -> None:
    finish(farm.store, *(rejected(held, code) for held in claim(farm.store, ids).values()))


def log(farm: Farm) -> list[tuple[str, dict[str, Any]]]:
    with farm.store.read() as connection:
        return [(one.action, one.detail) for one in actions.page(connection)]


def test_failed_tasks_are_found_with_the_reason_on_their_row(farm: Farm, reader: TestClient):
    waits, bad = add(farm.store, 2)
    reject(farm, bad)
    page = reader.get("/tasks?state=failed").text
    assert "<strong>no_sql</strong>: it does not parse" in page
    assert f'<a href="/tasks/{bad}">' in page
    assert f'<a href="/tasks/{waits}">' not in page
    assert "1 task." in page
    assert 'value="failed" selected' in page
    assert "checkbox" not in page, "a reader steers nothing"


def test_pages_go_on_by_id_and_keep_the_filters(
    farm: Farm, reader: TestClient, monkeypatch: pytest.MonkeyPatch
):
    ids = add(farm.store, browse.PAGE + 2)
    first = reader.get("/tasks?state=queued").text
    assert first.count('<a href="/tasks/') == browse.PAGE
    onward = f"/tasks?state=queued&after={ids[2]}"
    assert f'href="{onward.replace("&", "&amp;")}"' in first
    second = reader.get(onward).text
    assert second.count('<a href="/tasks/') == 2
    assert 'rel="next"' not in second


def test_a_long_search_says_how_far_it_came(farm: Farm, reader: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("farm.web.pages.tasks.PATIENCE", browse.Patience(tasks=2))
    ids = add(farm.store, 5)
    page = reader.get("/tasks?q=nowhere").text
    assert "None of the 2 tasks looked through matches" in page
    assert f'<a href="/tasks?q=nowhere&amp;after={ids[3]}" rel="next">Go on looking</a>' in page
    assert "No further task matches" in reader.get(f"/tasks?q=nowhere&after={ids[0]}").text


def test_questions_cannot_break_the_page(farm: Farm, reader: TestClient):
    enqueue.enqueue(farm.store, [(task(MARKUP), "default")])
    page = reader.get(
        "/tasks", params={"q": MARKUP, "reason": MARKUP, "target": MARKUP, "queue": "a\0b"}
    ).text
    assert MARKUP not in page
    found = reader.get("/tasks", params={"q": MARKUP}).text
    assert "&lt;script&gt;" in found
    assert MARKUP not in found
    for address in ("/tasks?batch=x&after=y&id=z", "/tasks?batch=9" + "9" * 30, "/tasks?state=odd"):
        assert reader.get(address).status_code == 200


def test_a_task_tells_its_attempts(farm: Farm, reader: TestClient):
    [bad] = add(farm.store)
    save_answer(farm.store, answer(bad, raw=f"I say {MARKUP}" + "x" * 30_000))
    save_failed_call(farm.store, failed_call(bad, message=MARKUP))
    reject(farm, bad)
    page = reader.get(f"/tasks/{bad}").text
    assert "Candidate 1" in page
    assert "30,031 characters" in page
    assert "x" * 20_001 not in page
    assert "Cut after 20,000 characters" in page
    assert "<strong>empty</strong>" in page
    assert MARKUP not in page
    assert "Requeue this task" not in page
    assert reader.get("/tasks/987654").status_code == 404
    assert reader.get("/tasks/1x").status_code == 404


def test_an_accepted_task_leads_to_its_report(farm: Farm, reader: TestClient):
    [good] = add(farm.store)
    finish(farm.store, *(accepted(held) for held in claim(farm.store, [good]).values()))
    assert '<a href="/reports/1">' in reader.get(f"/tasks/{good}").text
    assert '<a href="/reports/1">Report 1</a>' in reader.get("/tasks").text


@ON_BOTH
def test_all_that_match_are_requeued_after_a_question_that_names_the_number(farm: Farm, operator: TestClient):
    ids = add(farm.store, 5)
    reject(farm, *ids[:3])
    reject(farm, ids[3], code="syntax_error")
    asked = operator.get("/tasks/requeue?reason=no_sql").text
    assert "Requeue 3 tasks?" in asked
    assert "reason “no_sql”" in asked
    fields = {"reason": "no_sql", "expected": "3", "exact": "yes", "model": "big-model"}
    answered = post(operator, "/tasks/requeue", fields, form="/tasks/requeue?reason=no_sql")
    assert answered.headers["location"] == "/tasks?reason=no_sql&requeued=3"
    assert [state(farm.store, each) for each in ids] == ["queued"] * 3 + ["rejected", "queued"]
    assert {(row(farm.store, each).model, row(farm.store, each).queue) for each in ids[:3]} == {
        ("big-model", "big")
    }
    assert "3 tasks will be worked again" in operator.get(answered.headers["location"]).text
    assert log(farm) == [("requeue", {"reason": "no_sql", "tasks": 3, "model": "big-model"})]


def test_more_than_were_named_are_asked_about_again(farm: Farm, operator: TestClient):
    ids = add(farm.store, 3)
    reject(farm, *ids)
    fields = {"state": "rejected", "expected": "2", "exact": "yes"}
    answered = post(operator, "/tasks/requeue", fields, form="/tasks/requeue")
    assert answered.status_code == 409
    assert "3 tasks instead of 2" in answered.text
    assert {state(farm.store, each) for each in ids} == {"rejected"}
    assert log(farm) == []


def test_chosen_tasks_are_cancelled_and_others_are_not(farm: Farm, operator: TestClient):
    ids = add(farm.store, 4)
    claim(farm.store, ids[:1])
    chosen = f"/tasks/cancel?id={ids[0]}&id={ids[1]}&id={ids[2]}"
    assert "Cancel 2 tasks?" in operator.get(chosen).text, "one is in work"
    fields = {"id": [str(each) for each in ids[:3]], "expected": "2", "exact": "yes"}
    answered = post(operator, "/tasks/cancel", fields, form=chosen)
    assert answered.headers["location"] == "/tasks?cancelled=2"
    assert [state(farm.store, each) for each in ids] == ["leased", "dead", "dead", "queued"]
    assert log(farm) == [("cancel", {"ids": ids[:3], "tasks": 2})]


def test_one_task_is_steered_from_its_page(farm: Farm, operator: TestClient):
    [one] = add(farm.store)
    assert f'href="/tasks/cancel?id={one}"' in operator.get(f"/tasks/{one}").text
    fields = {"id": str(one), "expected": "1", "exact": "yes"}
    answered = post(operator, "/tasks/cancel", fields, form=f"/tasks/cancel?id={one}")
    assert answered.headers["location"] == f"/tasks/{one}"
    assert "Requeue this task" in operator.get(f"/tasks/{one}").text


def test_what_cannot_be_steered_is_refused(farm: Farm, operator: TestClient):
    add(farm.store, 2)
    assert "There is nothing to requeue" in operator.get("/tasks/requeue").text
    assert operator.get("/tasks/requeue?state=queued").status_code == 400
    assert operator.get("/tasks/cancel?state=rejected").status_code == 400
    assert "Cancel 2 tasks?" in operator.get("/tasks/cancel").text
    assert "every such task of this farm" in operator.get("/tasks/cancel").text


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"chosen": "yes"}, "no task was chosen"),
        ({"id": "x"}, "no task was chosen"),
        ({"batch": "x"}, "no batch"),
    ],
)
def test_what_names_no_task_is_not_taken_for_all_of_them(farm: Farm, operator: TestClient, wanted, said):
    [waits] = add(farm.store)
    asked = operator.get("/tasks/cancel", params=wanted)
    assert (asked.status_code, said in asked.text) == (400, True)
    sent = post(operator, "/tasks/cancel", {**wanted, "expected": "9"}, form="/farm")
    assert (sent.status_code, state(farm.store, waits)) == (400, "queued")
    assert '<input type="hidden" name="chosen" value="yes">' in operator.get("/tasks").text


def test_a_reader_steers_nothing(farm: Farm, reader: TestClient):
    [one] = add(farm.store)
    for address in ("/tasks/cancel", "/tasks/requeue"):
        assert reader.get(address).status_code == 403
        assert post(reader, address, {"id": str(one)}, form="/farm").status_code == 403
    assert state(farm.store, one) == "queued"
