"""Steering a farm in a real browser: watching it change, pausing a queue, requeueing all that match."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from support.store import SHOP, accepted, add, claim, end, finish, rejected, state
from support.web import served

from farm.api import Farm
from farm.store import targets, workers


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with Farm.connect(home=tmp_path, pools={"big": {"model": "big-model"}}) as farm:
        targets.save(farm.store, SHOP)
        yield farm


@pytest.fixture
def address(farm: Farm) -> Iterator[str]:
    with served(farm) as at:
        yield at


def test_somebody_watches_the_farm_change_and_pauses_a_queue(watched, farm: Farm):
    page = watched.go("/farm")
    waiting = page.locator("#tasks dd").first
    expect(waiting).to_have_text("0")
    add(farm.store, 1_234)
    expect(waiting).to_have_text("1,234")
    with farm.store.write() as connection:
        for name in ("before", "w"):
            slot = {"slot": "default-1", "host": "<b>here</b>", "pid": 42, "queue": "default"}
            workers.register(connection, name=name, **slot)
        end(connection, "before", "killed by signal 9")
    expect(page.get_by_role("table", name="Workers")).to_contain_text("<b>here</b>")
    page.get_by_text("Workers that ended unwanted").click()
    expect(page.get_by_text("killed by signal 9").last).to_be_visible()
    assert watched.violations() == []

    pause = page.get_by_role("button", name="Pause default")
    pause.focus()
    add(farm.store, 1)
    expect(waiting).to_have_text("1,235")
    expect(pause).to_be_focused()  # what changes leaves the keyboard where it is
    expect(page.locator("#ends")).to_have_attribute("open", "")  # and open what was opened
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Resume default")).to_be_visible()
    page.get_by_role("link", name="Log", exact=True).click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("pause")


def test_a_tab_that_is_hidden_rests_and_catches_up_when_it_is_seen(watched, farm: Farm):
    page = watched.go("/farm")
    waiting = page.locator("#tasks dd").first
    add(farm.store, 1_234)
    expect(waiting).to_have_text("1,234")
    with page.expect_event("requestfailed", lambda request: "/farm/live" in request.url):
        see(page, hidden=True)
    add(farm.store, 1)
    with page.expect_request(lambda request: "/farm/live" in request.url):
        see(page, hidden=False)
    expect(waiting).to_have_text("1,235")


def test_live_updates_begin_however_late_their_script_comes(watched, farm: Farm):
    page = watched.page
    page.route("**/hx-sse.min.js*", lambda route: (time.sleep(0.5), route.continue_()))
    watched.go("/farm")
    add(farm.store, 1_234)
    expect(page.locator("#tasks dd").first).to_have_text("1,234")


def test_a_page_that_is_not_live_says_so_and_begins_anew(watched, farm: Farm):
    page, asked, told = watched.page, [], page_of_trouble()

    def fail_thrice(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort()
        elif len(asked) < 4:
            route.fulfill(status=503, content_type="text/html", body=told)
        else:
            route.continue_()

    page.route("**/farm/live*", fail_thrice)
    watched.go("/farm")
    expect(page.get_by_role("status")).to_contain_text("does not change by itself for now")
    expect(page.locator("#tasks dd").first).to_have_text("0")
    assert watched.violations() == []
    add(farm.store, 1_234)
    expect(page.locator("#tasks dd").first).to_have_text("1,234")
    expect(page.locator("#trouble")).to_be_hidden()
    assert page.get_by_text("away").count() == 0
    assert len(asked) == 4
    expected = ("503: ", "console: htmx: htmx:error: Failed to fetch")
    watched.wrongs[:] = [wrong for wrong in watched.wrongs if not wrong.startswith(expected)]


def page_of_trouble() -> str:
    return "<!doctype html><title>x</title><main id=content><h1>Service Unavailable</h1><p>away</p></main>"


def see(page: Page, *, hidden: bool) -> None:
    """Tell the page what a browser with windows tells it; one without hides no tab behind another."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_all_that_match_are_requeued_once_the_number_was_confirmed(watched, farm: Farm):
    ids = add(farm.store, 6)
    held = claim(farm.store, ids)
    finish(farm.store, *(rejected(held[each], "no_sql") for each in ids[:3]))
    finish(farm.store, rejected(held[ids[3]], "syntax_error"), accepted(held[ids[4]]), accepted(held[ids[5]]))

    page = watched.go("/tasks")
    page.get_by_label("State").select_option("rejected or dead")
    page.get_by_label("Reason").select_option("no_sql")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("3 tasks.")).to_be_visible()
    assert watched.violations() == []
    page.get_by_role("link", name="Requeue all that match").click()
    expect(page.get_by_role("heading", name="Requeue 3 tasks?")).to_be_visible()
    assert watched.violations() == []
    page.get_by_label("Model").select_option("big-model")
    page.get_by_role("button", name="Requeue 3 tasks").click()
    expect(page.get_by_text("3 tasks will be worked again.")).to_be_visible()
    assert [state(farm.store, each) for each in ids[:4]] == ["queued"] * 3 + ["rejected"]

    page = watched.go("/tasks?state=queued")
    for each in ids[:2]:
        page.get_by_label(f"Choose task {each}", exact=True).check()
    page.get_by_role("button", name="Cancel the chosen").click()
    page.get_by_role("button", name="Cancel 2 tasks").click()
    expect(page.get_by_text("2 tasks cancelled.")).to_be_visible()
    assert [state(farm.store, each) for each in ids[:3]] == ["dead", "dead", "queued"]
