"""The action log in the browser."""

from starlette.testclient import TestClient

from farm.api import Farm
from farm.store import actions
from farm.web.pages.actions import LINES


def note(farm: Farm, count: int, actor: str = "ada") -> None:
    with farm.store.write() as connection:
        for number in range(count):
            actions.record(connection, actor=actor, action="pause", detail={"queue": f"<b>{number}</b>"})


def test_an_empty_log_says_what_would_stand_there(browser: TestClient):
    assert "Nobody has done anything yet" in browser.get("/actions").text


def test_the_log_is_leafed_through_and_narrowed(farm: Farm, browser: TestClient):
    note(farm, LINES + 1)
    note(farm, 1, actor="bob & co")
    first = browser.get("/actions").text
    assert "&lt;b&gt;50&lt;/b&gt;" in first
    assert "<b>" not in first
    assert 'href="/actions?after=3" rel="next"' in first
    assert "&lt;b&gt;0&lt;/b&gt;" in browser.get("/actions?after=3").text
    assert browser.get("/actions", params={"actor": "bob & co"}).text.count("<tr>") == 2
    assert 'href="/actions?actor=ada&amp;after=2"' in browser.get("/actions?actor=ada").text
    assert "Nothing matches" in browser.get("/actions", params={"actor": "a\0b"}).text
