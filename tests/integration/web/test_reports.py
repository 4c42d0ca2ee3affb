"""The list of reports, and a report, as a browser without JavaScript sees them; on both databases."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from starlette.testclient import TestClient
from support.reports import keep
from support.store import SHOP, answer, save_answer
from support.web import ON_BOTH, client, post

from farm.api import Farm
from farm.store import targets
from farm.web.pages import reports as list_page

MARKUP = "<script>alert('x')</script>\"'&"


def titles(html: str) -> list[str]:
    return re.findall(r'<h3 id="report-\d+"><a href="/reports/\d+">(.*?)</a>', html)


def test_without_reports_the_page_says_what_to_do_next(browser: TestClient):
    assert browser.get("/").headers["location"] == "/reports"
    page = browser.get("/reports").text
    assert "No query has been accepted yet" in page
    assert 'href="/ask"' in page


@ON_BOTH
def test_reports_are_found_by_words_and_facets(farm: Farm, browser: TestClient):
    keep(farm.store, "Revenue per month?", "SELECT total FROM orders", tags=("board",), tables=("orders",))
    keep(farm.store, "Buyers?", "SELECT id FROM orders", mark="good", model="other")
    assert titles(browser.get("/reports").text) == ["Buyers?", "Revenue per month?"]
    assert titles(browser.get("/reports?q=reven").text) == ["Revenue per month?"]
    assert titles(browser.get("/reports?q=select&tag=board").text) == ["Revenue per month?"]
    assert titles(browser.get("/reports?mark=good").text) == ["Buyers?"]
    narrowed = browser.get("/reports?model=other&q=revenue").text
    assert titles(narrowed) == []
    assert "No report matches" in narrowed
    assert 'href="/reports?q=revenue" class="chip">model other' in narrowed
    table = browser.get("/reports?view=table").text
    assert '<th scope="row"><a href="/reports/' in table
    assert "2 reports" in table
    assert "holds no word" in browser.get("/reports", params={"q": "%"}).text


def test_long_questions_are_cut_where_many_stand(farm: Farm, browser: TestClient):
    whole = "Revenue per month? " + "And why is that? " * 400
    query_id = keep(farm.store, whole, "SELECT total FROM orders")
    for view in ("cards", "table"):
        assert len(browser.get("/reports", params={"view": view}).text) < 10_000
    assert whole.strip() in browser.get(f"/reports/{query_id}").text


def test_going_back_to_a_list_goes_to_no_new_place(browser: TestClient):
    typed = {"hx-request": "true"}
    assert browser.get("/reports?q=x&first=", headers=typed).headers["hx-push-url"] == "/reports?q=x"
    back = {**typed, "hx-history-restore-request": "true"}
    assert "hx-push-url" not in browser.get("/reports?q=x", headers=back).headers


def test_facets_link_to_the_narrower_list(farm: Farm, browser: TestClient):
    keep(farm.store, "A?", "SELECT 1", tags=("board & co",), tables=("orders",), model="m1")
    keep(farm.store, "B?", "SELECT 2", model="m2")
    page = browser.get("/reports?q=select").text
    for address in ("q=select&amp;model=m1", "q=select&amp;table=orders", "q=select&amp;tag=board+%26+co"):
        assert f'<a href="/reports?{address}">' in page
        assert titles(browser.get("/reports?" + address.replace("&amp;", "&")).text) == ["A?"]


def test_the_list_comes_in_pages(farm: Farm, browser: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(list_page, "PAGE", 2)
    for n in range(5):
        keep(farm.store, f"Q{n}?", "SELECT 1")
    seen, address = [], "/reports?q=select"
    while address:
        page = browser.get(address).text
        seen.append(titles(page))
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older[1].replace("&amp;", "&") if older else ""
    assert seen == [["Q4?", "Q3?"], ["Q2?", "Q1?"], ["Q0?"]]
    assert titles(browser.get("/reports?after=1").text) == []


def test_a_report_says_what_it_reads_and_where_it_came_from(farm: Farm, browser: TestClient):
    query_id = keep(farm.store, "Revenue?", "select total from orders where total>1", tables=("orders",))
    other = keep(farm.store, "Other?", "SELECT id FROM orders", tables=("orders",))
    report = farm.query(query_id)
    save_answer(farm.store, answer(report.task_id, prompt_hash="abcdef0123456789"))
    page = browser.get(f"/reports/{query_id}").text
    for said in (
        "Revenue?",
        "stub-model",
        "abcdef0123456789",
        report.schema_fingerprint,
        "Formatted",
        'data-copy="sql"',
        f'href="/reports/{other}"',
        'href="/reports?target=shop&amp;table=orders"',
        "100 + 10 tokens",
        "accepted</strong>",
        '<section id="run"',
    ):
        assert said in page, said
    assert "The schema has changed" not in page
    assert browser.get("/reports/987654").status_code == 404
    assert browser.get("/reports/x").status_code == 404


def test_stars_marks_tags_and_titles_are_set_by_forms(farm: Farm, browser: TestClient):
    query_id = keep(farm.store, "Revenue?", "SELECT total FROM orders")
    here = f"/reports/{query_id}"

    def send(path: str, **fields: str) -> str:
        answered = post(browser, f"{here}/{path}", fields, form=here)
        assert answered.status_code == 303
        return str(answered.headers["location"])

    assert send("star", starred="yes", next="/reports?q=revenue") == "/reports?q=revenue"
    assert send("star", starred="yes", next="https://elsewhere.example") == here
    assert send("mark", mark="good") == here
    assert send("tags", tag="board, monthly") == here
    assert send("tags/remove", tag="board") == here
    assert send("title", title="Turnover") == here
    report = farm.query(query_id)
    assert (report.title, report.mark, report.starred_at is not None) == ("Turnover", "good", True)
    page = browser.get(here).text
    assert 'href="/reports?tag=monthly"' in page
    assert 'href="/reports?tag=board"' not in page
    assert "<h1>Turnover</h1>" in page
    refused = post(browser, f"{here}/tags", {"tag": " , "}, form=here)
    assert (refused.status_code, "there is no tag" in refused.text) == (400, True)
    assert browser.post(f"{here}/star", data={"starred": "no"}).status_code == 403


def test_a_star_set_by_script_answers_with_its_form_alone(farm: Farm, browser: TestClient):
    query_id = keep(farm.store, "Revenue?", "SELECT total FROM orders")
    here = f"/reports/{query_id}"
    answered = post(browser, f"{here}/star", {"starred": "yes"}, form=here, headers={"hx-request": "true"})
    assert answered.status_code == 200
    assert answered.text.strip().startswith("<form")
    assert 'aria-pressed="true"' in answered.text


def test_a_correction_is_checked_and_kept_as_a_version(farm: Farm, browser: TestClient):
    query_id = keep(farm.store, "Revenue?", "SELECT id FROM orders")
    here = f"/reports/{query_id}"
    edit = f"{here}/edit"
    fields = {"version": "1", "note": f"the sum {MARKUP}", "sql": "SELECT\r\n  nope\r\nFROM orders"}
    refused = post(browser, edit, fields, form=edit)
    assert refused.status_code == 422
    assert "line 2, column 3" in refused.text
    assert "unknown_column" in refused.text
    assert "  nope" in refused.text
    assert farm.query(query_id).version == 1
    saved = post(browser, edit, fields | {"sql": "SELECT total\r\nFROM orders"}, form=edit)
    assert (saved.status_code, saved.headers["location"]) == (303, f"{here}?done=corrected")
    assert "version 2</a>, corrected by local" in browser.get(here).text
    late = post(browser, edit, fields | {"sql": "SELECT 5 AS five"}, form=edit)
    assert late.status_code == 409
    assert "SELECT 5 AS five" in late.text
    assert "SELECT</span>" in late.text
    same = post(browser, edit, {"version": "2", "sql": "SELECT total\nFROM orders"}, form=edit)
    assert (same.status_code, "same as before" in same.text) == (400, True)
    history = browser.get(f"{here}/versions").text
    assert "<del>- SELECT id FROM orders</del>" in history
    assert "<ins>+ SELECT total</ins>" in history
    assert "as the model wrote it" in history
    assert MARKUP not in history


def test_a_correction_of_no_known_version_is_one_of_the_version_now(farm: Farm, browser: TestClient):
    here = f"/reports/{keep(farm.store, 'Revenue?', 'SELECT total FROM orders')}"
    same = {"sql": "SELECT total FROM orders", "version": "\N{SUPERSCRIPT TWO}"}
    answer = post(browser, f"{here}/edit", same, form=here)
    assert (answer.status_code, "the same as before" in answer.text) == (400, True)


def test_a_report_on_another_schema_is_stale_until_it_is_checked_again(farm: Farm, browser: TestClient):
    query_id = keep(farm.store, "Revenue?", "SELECT total FROM orders")
    here = f"/reports/{query_id}"
    targets.save(farm.store, replace(SHOP, ddl=SHOP.ddl.replace("total REAL", "total REAL, paid INTEGER")))
    assert "The schema has changed" in browser.get(here).text
    assert post(browser, f"{here}/recheck", form=here).headers["location"] == f"{here}?done=rechecked"
    page = browser.get(here).text
    assert "The schema has changed" not in page
    assert "it passes" in page
    targets.save(farm.store, replace(SHOP, ddl="CREATE TABLE orders (id INTEGER)"))
    post(browser, f"{here}/recheck", form=here)
    page = browser.get(here).text
    assert "it no longer passes" in page
    assert "unknown_column" in page


def test_readers_see_reports_and_change_nothing(farm: Farm, browse: Callable[..., TestClient]):
    query_id = keep(farm.store, "Revenue?", "SELECT total FROM orders")
    reader = browse("read")
    page = reader.get(f"/reports/{query_id}").text
    assert "Revenue?" in page
    assert "<form" not in page.split("<main")[1]
    assert reader.get(f"/reports/{query_id}/edit").status_code == 403
    sent = post(reader, f"/reports/{query_id}/star", {"starred": "yes"}, form="/login")
    assert sent.status_code == 403
    assert farm.query(query_id).starred_at is None


@pytest.fixture
def browse(farm: Farm) -> Iterator[Callable[..., TestClient]]:
    with ExitStack() as stack:
        settings = type(farm.settings).load(
            home=farm.settings.home, database_url=farm.settings.store_url, web_reader_token="read"
        )
        yield lambda token: stack.enter_context(client(Farm(settings, farm.store), token=token))


def test_markup_in_whatever_is_stored_is_shown_as_text(farm: Farm, browser: TestClient):
    targets.save(farm.store, replace(SHOP, ddl=f"{SHOP.ddl} -- {MARKUP}"))
    query_id = keep(
        farm.store,
        f"Q {MARKUP}",
        f"SELECT '{MARKUP}' AS x FROM orders",
        title=f"T {MARKUP}",
        tags=(f"tag {MARKUP}",),
        tables=(f"t {MARKUP}",),
        model=f"m {MARKUP}",
        mark="good",
    )
    for address in (
        "/reports",
        "/reports?view=table",
        f"/reports/{query_id}",
        f"/reports/{query_id}/edit",
        f"/reports/{query_id}/versions",
    ):
        page = browser.get(address)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
    searched = browser.get("/reports", params={"q": f'"{MARKUP}', "tag": MARKUP, "target": MARKUP})
    assert searched.status_code == 200
    assert "<script>alert" not in searched.text
