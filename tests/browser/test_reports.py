"""Finding a report, and making it one's own, in a real browser and by the keyboard."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.reports import keep
from support.store import opened
from support.web import served

from farm.api import Farm


@pytest.fixture
def address(tmp_path: Path, postgres_database: str) -> Iterator[str]:
    opened(postgres_database).close()
    with Farm.connect(home=tmp_path, database_url=postgres_database) as farm:
        keep(farm.store, "Revenue per month?", "SELECT sum(total) FROM orders", tags=("board",), model="m1")
        keep(farm.store, "Revenue by city?", "SELECT id FROM orders", tables=("orders",), model="m2")
        keep(farm.store, "Buyers?", "SELECT total FROM orders", model="m2")
        with served(farm) as at:
            yield at


def test_a_report_is_found_opened_starred_tagged_and_corrected(watched):
    page = watched.page
    page.route(re.compile(r"\?q=re&"), lambda _: None)  # a search that is never answered holds up none
    watched.go("/reports")
    expect(page.get_by_role("heading", name="3 reports")).to_be_visible()
    search = page.get_by_label("Search titles, questions and SQL")
    with page.expect_request(re.compile(r"\?q=re&")):
        search.fill("re")
    search.fill("rev")
    search.fill("buyers")
    expect(page.get_by_role("heading", name="1 report")).to_be_visible()
    search.fill("")
    expect(page.get_by_role("heading", name="3 reports")).to_be_visible()
    page.get_by_label("Search titles, questions and SQL").press_sequentially("reven")
    expect(page.get_by_role("heading", name="2 reports")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/reports\?q=reven$"))
    expect(page.get_by_label("Search titles, questions and SQL")).to_be_focused()
    for step, found in (("back", 3), ("back", 1), ("forward", 3), ("forward", 2)):
        page.go_back() if step == "back" else page.go_forward()
        expect(page.get_by_role("heading", name=f"{found} report")).to_be_visible()
    page.get_by_role("region", name="Narrow the list").get_by_role("link", name="m2").click()
    expect(page.get_by_role("heading", name="1 report")).to_be_visible()
    assert watched.violations() == []

    star = page.get_by_role("button", name=re.compile("Star report"))
    star.focus()
    page.keyboard.press("Enter")
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(star).to_be_focused()
    page.go_back()
    expect(page.get_by_role("heading", name="2 reports")).to_be_visible()
    page.go_forward()

    page.get_by_role("link", name="Revenue by city?").click()
    expect(page.get_by_role("heading", name="Revenue by city?")).to_be_visible()
    expect(page.get_by_role("button", name="Copy").first).to_be_visible()
    page.get_by_label("Tag", exact=True).fill("for the board")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="for the board")).to_be_visible()
    page.get_by_role("button", name="Good", exact=True).click()
    expect(page.get_by_role("button", name="Good", exact=True)).to_have_attribute("aria-pressed", "true")
    assert watched.violations() == []

    page.get_by_role("button", name="Correct the SQL").click()
    editor = page.get_by_label(re.compile("^SQL for shop"))
    editor.fill("SELECT nope FROM orders")
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_text("The checks refuse it")).to_be_visible()
    expect(editor).to_have_value("SELECT nope FROM orders")
    assert watched.violations() == []
    editor.fill("SELECT id, total FROM orders")
    page.get_by_label(re.compile("^What was wrong")).fill("the total was missing")
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_text("this is a new version")).to_be_visible()
    page.get_by_role("link", name="version 2").click()
    expect(page.get_by_text("the total was missing")).to_be_visible()
    assert watched.violations() == []
