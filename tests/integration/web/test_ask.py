"""Asking from the browser: a question, several, a file; kept when the page answers, and only once."""

import threading
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient
from support.store import SHOP
from support.web import ON_BOTH, client, csrf, post

from farm.api import Farm
from farm.store import targets
from farm.store.tables import BatchRow, TaskRow

MARKUP = '<script>alert(1)</script><img src=x onerror="alert(2)">'
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
CSV = "question,priority\nHow many orders?,\nHow much?,soon\nWhat for?,3\n"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"upload_limit_mib": 0.5}


def rows(farm: Farm) -> list[Any]:
    with farm.store.read() as connection:
        return list(connection.execute(select(TaskRow.__table__).order_by(TaskRow.id)))


def batch_count(farm: Farm) -> int:
    with farm.store.read() as connection:
        return len(connection.execute(select(BatchRow.id)).all())


def send(browser: TestClient, **fields: str) -> Response:
    return post(browser, "/ask", {"target": "shop", "form_key": token_hex(8), **fields}, form="/ask")


def drop(browser: TestClient, content: bytes, name: str = "questions.csv", **fields: str) -> Response:
    code = csrf(browser.get("/ask").text)
    given = {"target": "shop", "csrf": code, **fields}
    return browser.post("/ask", data=given, files={"file": (name, content, "text/csv")})


def follow(browser: TestClient, answer: Response) -> str:
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"]).text


def test_a_question_is_kept_and_leads_to_its_batch(farm: Farm, browser: TestClient):
    answer = send(
        browser, question="How many orders?\nBy month, please.", tags="a, b", priority="7", name="Mine"
    )
    page = follow(browser, answer)
    [task] = rows(farm)
    assert (task.question, task.target, task.state) == (
        "How many orders?\nBy month, please.",
        "shop",
        "queued",
    )
    assert (task.tags, task.priority, task.model) == (["a", "b"], 7, None)
    assert "Batch 1: Mine" in page
    assert "Kept." in page
    assert "No farm runs yet" in page


def test_several_lines_are_several_questions_when_asked_for(farm: Farm, browser: TestClient):
    follow(browser, send(browser, question="One?\n\n  Two? \r\nThree?", several="on"))
    assert [task.question for task in rows(farm)] == ["One?", "Two?", "Three?"]


def test_a_question_may_go_to_another_model_and_dialect(farm: Farm, browser: TestClient):
    follow(browser, send(browser, question="One?", model="big-model", dialect="postgres"))
    [task] = rows(farm)
    assert (task.model, task.queue, task.dialect) == ("big-model", "big", "postgres")


def test_the_next_question_starts_with_the_same_choice(browser: TestClient):
    page = follow(browser, send(browser, question="One?", model="big-model", tags="a & b"))
    assert '<a href="/ask?target=shop&amp;model=big-model&amp;tags=a+%26+b">' in page
    assert '<a href="/ask?target=shop">' in browser.get("/batches/1").text


def test_the_address_brings_a_choice_along(browser: TestClient):
    page = browser.get("/ask?target=shop&model=big-model&tags=monthly").text
    assert '<option value="big-model" selected>' in page
    assert 'value="monthly"' in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"question": "  \n "}, "there is no question"),
        ({"question": "One?", "target": "bank"}, "there is no target"),
        ({"question": "One?", "model": "no-model"}, "no pool asks the model"),
        ({"question": "One?", "dialect": "cobol"}, "there is no dialect"),
        ({"question": "One?", "priority": "soon"}, "is not a whole number"),
        ({"question": "x" * 9_000}, "keep it under 8,000"),
        ({"question": "One?", "name": "x" * 300}, "shorten it"),
        ({"question": "One?", "name": "nul \0 nul"}, "NUL character"),
        ({"question": "nul \0 nul"}, "NUL character"),
        ({"question": "One?", "dialect": MARKUP}, ESCAPED),
    ],
)
def test_what_cannot_be_asked_is_said_beside_what_was_typed(
    farm: Farm, browser: TestClient, fields: dict[str, str], words: str
):
    answer = send(browser, **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert "<script>alert" not in answer.text
    assert fields["question"].strip().split("\0")[0][:20] in answer.text
    assert batch_count(farm) == 0


def test_a_form_that_is_sent_again_is_enqueued_once(farm: Farm, browser: TestClient):
    first, second = (send(browser, question="One?", form_key="k1") for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert batch_count(farm) == 1
    follow(browser, send(browser, question="One?", form_key="k2"))
    assert len(rows(farm)) == 1, "the same question is the same task"
    assert batch_count(farm) == 2


def test_a_form_that_is_sent_again_after_a_restart_is_enqueued_once(farm: Farm, browser: TestClient):
    file = b"question\nOne?\n"
    follow(browser, drop(browser, file, form_key="k"))
    with client(farm) as later:
        follow(later, drop(later, file, form_key="k"))
        assert batch_count(farm) == 1
        follow(later, drop(later, file + b"Two?\n", form_key="k"))
    assert batch_count(farm) == 2


def test_whoever_goes_back_and_changes_the_question_asks_another_one(farm: Farm, browser: TestClient):
    for question in ("One?", "Two?"):
        follow(browser, send(browser, question=question, form_key="k"))
    assert [task.question for task in rows(farm)] == ["One?", "Two?"]
    assert batch_count(farm) == 2


@ON_BOTH
def test_a_double_click_is_enqueued_once(farm: Farm, browser: TestClient):
    code = csrf(browser.get("/ask").text)
    fields = {"target": "shop", "question": "One?", "form_key": "k", "csrf": code}
    answers: list[Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(browser.post("/ask", data=fields))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert [answer.status_code for answer in answers] == [303] * 4
    assert batch_count(farm) == 1


def test_a_form_that_failed_can_be_mended_and_sent(farm: Farm, browser: TestClient):
    assert send(browser, question="", form_key="k").status_code == 422
    follow(browser, send(browser, question="One?", form_key="k"))
    assert len(rows(farm)) == 1


def test_asking_works_while_redis_is_away(tmp_path: Path, sqlite_url: str):
    with Farm.connect(home=tmp_path, database_url=sqlite_url, redis_url="redis://127.0.0.1:9/0") as farm:
        targets.save(farm.store, SHOP)
        with client(farm) as browser:
            page = follow(browser, send(browser, question="One?", form_key="k"))
        assert "the tasks wait in the farm's database" in page
        assert len(rows(farm)) == 1


def test_a_file_is_enqueued_with_what_the_form_adds(farm: Farm, browser: TestClient):
    lines = '{"question": "One?"}\n{"question": "Two?", "tags": ["own"], "priority": 5}\n'
    follow(browser, drop(browser, lines.encode(), "q.jsonl", tags="form", priority="2", model="big-model"))
    assert [(row.question, row.tags, row.priority, row.queue) for row in rows(farm)] == [
        ("One?", ["form"], 2, "big"),
        ("Two?", ["own"], 5, "big"),
    ]


def test_bad_rows_are_named_by_their_lines_and_nothing_is_enqueued(farm: Farm, browser: TestClient):
    answer = drop(browser, CSV.encode())
    assert answer.status_code == 422
    assert "1 row is bad" in answer.text
    assert '<td class="number">3</td>' in answer.text
    assert "&#39;soon&#39; is not a whole number" in answer.text
    assert batch_count(farm) == 0


def test_good_rows_are_kept_where_that_is_asked_for(farm: Farm, browser: TestClient):
    page = follow(browser, drop(browser, CSV.encode(), keep_going="on", form_key="k"))
    assert [(row.question, row.priority) for row in rows(farm)] == [("How many orders?", 0), ("What for?", 3)]
    assert "1 bad row left out" in page
    assert "Line 3:" in page


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"question\nOne?\n", "q.txt", "q.txt is neither .csv nor .jsonl"),
        (b"questions\nOne?\n", "q.csv", "q.csv has no column `question`"),
        (b"question\n\xff\xfe\n", "q.csv", "q.csv is no UTF-8 text"),
        (b"", "q.csv", "q.csv has no column `question` (it is empty)"),
        (b"question\n", "q.csv", "there is nothing to enqueue"),
        (b"question,target\nOne?,bank\n", "q.csv", "there is no target"),
        (b"{", "q.jsonl", "this is no JSON"),
        (
            b"question\nOne?\n",
            "<img src=x onerror=alert(2)>.txt",
            "&lt;img src=x onerror=alert(2)&gt;.txt is",
        ),
        (b"question\nOne?\n", "..\\..\\etc\\passwd", "<p>passwd is neither"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    farm: Farm, browser: TestClient, content: bytes, name: str, words: str
):
    answer = drop(browser, content, name)
    assert answer.status_code == 422
    assert words in answer.text
    assert "<script>alert" not in answer.text
    assert batch_count(farm) == 0


def test_a_file_that_is_too_large_is_refused(farm: Farm, browser: TestClient):
    answer = drop(browser, b"question\n" + b"x" * (2 << 20))
    assert answer.status_code == 413
    assert "MiB" in answer.text
    assert batch_count(farm) == 0


def test_a_file_beside_a_question_is_refused(farm: Farm, browser: TestClient):
    answer = drop(browser, b"question\nOne?\n", question="Two?")
    assert answer.status_code == 422
    assert "one after the other" in answer.text
    assert batch_count(farm) == 0


def test_many_bad_rows_are_counted_and_the_first_ones_shown(browser: TestClient):
    answer = drop(browser, b"question,priority\n" + b"One?,x\n" * 500)
    assert "The first 50 of 500 bad rows" in answer.text
    assert answer.text.count("is not a whole number") == 50


def test_readers_may_not_ask(tmp_path: Path, sqlite_url: str):
    with (
        Farm.connect(home=tmp_path, database_url=sqlite_url, web_reader_token="horse") as farm,
        client(farm, token="horse") as browser,
    ):
        assert browser.get("/ask").status_code == 403
        assert post(browser, "/ask", {"question": "One?"}, form="/batches").status_code == 403


def test_a_form_without_its_code_is_refused(farm: Farm, browser: TestClient):
    answer = browser.post("/ask", data={"question": "One?", "target": "shop"})
    assert answer.status_code == 403
    assert batch_count(farm) == 0


def test_without_a_database_the_page_says_how_to_add_one(tmp_path: Path, sqlite_url: str):
    with Farm.connect(home=tmp_path, database_url=sqlite_url) as farm, client(farm) as browser:
        assert "farm target add" in browser.get("/ask").text
