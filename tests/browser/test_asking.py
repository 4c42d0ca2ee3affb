"""From a database to a question, to its batch while it is worked, in a real browser with a real worker."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.llm import Reply, StubLLM
from support.web import served
from support.yard import BAD_SQL, GOOD_SQL, Yard

from farm.api import Farm
from farm.demo import shop
from farm.store import targets
from farm.targets.target import Target

SEEN_SECONDS = 1.5
DROP = """text => {
    const carried = new DataTransfer();
    carried.items.add(new File([text], "dropped.csv"));
    const event = new DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true});
    document.querySelector("[data-drop]").dispatchEvent(event);
}"""
CSV = "question,priority\nHow many customers?,\nHow much?,soon\n"


@pytest.fixture
def yard(tmp_path: Path, sqlite_url: str, redis_url: str, llm: StubLLM) -> Iterator[Yard]:
    with Yard(home=tmp_path, database_url=sqlite_url, redis_url=redis_url, llm=llm) as yard:
        targets.save(yard.store, Target(name="shop", dialect="sqlite", ddl=shop.ddl()))
        yield yard


@pytest.fixture
def address(yard: Yard) -> Iterator[str]:
    with Farm.connect(yard.settings()) as farm, served(farm) as at:
        yield at


def test_somebody_asks_and_watches_the_answer_come(watched, yard: Yard):
    yard.llm.default = Reply(text=GOOD_SQL, delay_seconds=SEEN_SECONDS)
    yard.start()
    page = watched.go("/databases")
    assert watched.violations() == []
    page.get_by_role("link", name="shop", exact=True).click()
    assert watched.violations() == []
    page.get_by_role("link", name="orders", exact=True).first.click()
    expect(page.get_by_role("heading", name="Foreign keys around orders")).to_be_visible()
    assert watched.violations() == []
    page.get_by_role("link", name="Ask about it").click()
    expect(page.get_by_label("About which database?")).to_have_value("shop")
    assert watched.violations() == []
    page.get_by_label("What do you want to know?").fill("How many orders?\nHow many customers?")
    page.get_by_label("Each line is a question of its own").check()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("2 new tasks")).to_be_visible()
    expect(page.get_by_text("0 of 2 tasks done")).to_be_visible()
    assert watched.violations() == []
    expect(page.get_by_text("2 of 2 tasks done")).to_be_visible()
    expect(page.get_by_role("link", name="How many orders?")).to_have_attribute(
        "href", re.compile(r"/reports/\d+")
    )
    assert watched.violations() == []


def test_a_file_with_a_bad_row_is_mended_and_what_is_refused_requeued(watched, yard: Yard):
    yard.llm.answer("How many customers?", BAD_SQL, BAD_SQL, BAD_SQL, GOOD_SQL)
    yard.start()
    page = watched.go("/ask")
    file = {"name": "<b>questions.csv", "mimeType": "text/csv", "buffer": CSV.encode()}
    page.get_by_label("Or ask a file").set_input_files(file)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("1 row is bad")
    expect(page.get_by_role("alert").get_by_role("row").last).to_contain_text("'soon' is not a whole number")
    assert watched.violations() == []
    page.evaluate(DROP, CSV)
    expect(page.get_by_label("Or ask a file")).to_have_value(re.compile(r"dropped\.csv$"))
    page.get_by_label("Keep the good rows").check()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("1 bad row left out")).to_be_visible()
    expect(page.get_by_text("1 of 1 task done")).to_be_visible()
    expect(page.get_by_text("unknown_column").first).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Requeue …").click()
    expect(page.get_by_role("heading", name="Requeue 1 task?")).to_be_visible()
    assert watched.violations() == []
    page.get_by_role("button", name="Requeue 1 task").click()
    expect(page.get_by_text("1 task will be worked again")).to_be_visible()
    expect(page.get_by_role("link", name="How many customers?")).to_be_visible()
    page.get_by_role("link", name="All batches").click()
    expect(page.get_by_role("row")).to_have_count(2)
    assert watched.violations() == []
