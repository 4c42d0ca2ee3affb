"""Live parts of pages: what is sent, that it is read once for all, and that it ends with the server."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx2
import pytest
from support.store import add
from support.web import client, served

from farm.api import Farm
from farm.web.pages import live
from farm.web.pages.live import Live, event
from farm.web.places import Bounds

PATIENCE_SECONDS = 30


def events(lines: Iterator[str]) -> Iterator[str]:
    """The HTML of each event as it comes."""
    data: list[str] = []
    for line in lines:
        if line.startswith("data: "):
            data.append(line.removeprefix("data: "))
        elif not line and data:
            yield "\n".join(data)
            data = []


def test_the_farm_page_is_sent_anew_as_tasks_come(farm: Farm):
    with (
        served(farm) as address,
        httpx2.stream("GET", f"{address}/farm/live", timeout=PATIENCE_SECONDS) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = events(answer.iter_lines())
        assert 'id="queues"' in next(told)
        add(farm.store, 4_321)
        assert any("4,321" in html for html in told)


def test_a_stream_ends_after_a_while_so_that_it_is_asked_for_anew(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(live, "LIFE_SECONDS", 0.0)
    with client(farm) as browser:
        answer = browser.get("/farm/live")
        assert (answer.status_code, answer.text) == (200, "")
        assert browser.app.state.live.streams == 0


def test_asking_for_the_head_of_a_stream_has_an_end(farm: Farm):
    with client(farm) as browser:
        answer = browser.head("/farm/live")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert browser.app.state.live.streams == 0


def test_streams_end_with_the_server(farm: Farm):
    ended = threading.Event()

    def follow(address: str) -> None:
        with httpx2.stream("GET", f"{address}/farm/live", timeout=PATIENCE_SECONDS) as answer:
            for _ in answer.iter_lines():
                begun.set()
        ended.set()

    begun = threading.Event()
    with served(farm) as address:
        thread = threading.Thread(target=follow, args=(address,))
        thread.start()
        assert begun.wait(PATIENCE_SECONDS)
    assert ended.wait(PATIENCE_SECONDS), "the stream was not ended, but cut off"
    thread.join(PATIENCE_SECONDS)


def test_too_many_streams_leave_the_page_as_it_is(farm: Farm, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "BOUNDS", Bounds(in_all=0, of_name=1, of_browser=1))
    with served(farm) as address:
        assert httpx2.get(f"{address}/farm/live").status_code == 204


def test_a_browser_that_watches_in_many_windows_has_connections_left_for_other_pages():
    assert live.BOUNDS.of_browser < 6


def test_one_who_watches_in_too_many_windows_leaves_places_for_others(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(live, "BOUNDS", Bounds(in_all=9, of_name=9, of_browser=1))
    with served(farm) as address, ExitStack() as windows:
        browsers = [windows.enter_context(httpx2.Client(timeout=PATIENCE_SECONDS)) for _ in range(2)]
        for browser in browsers:
            assert browser.get(f"{address}/farm").cookies
        watch = [partial(browser.stream, "GET", f"{address}/farm/live") for browser in (*browsers, httpx2)]
        assert [windows.enter_context(begin()).status_code for begin in watch] == [200, 200, 200]
        assert [windows.enter_context(begin()).status_code for begin in watch] == [204, 204, 204]


def test_what_many_watch_is_read_once_and_no_more_when_they_have_gone():
    reads: list[float] = []

    async def watch() -> tuple[int, int]:
        watched = Live(asyncio.Event())
        topics = [watched.join("x", lambda: reads.append(time.monotonic()), 0.01) for _ in range(5)]
        assert len(set(topics)) == 1
        while topics[0].version < 3:
            await topics[0].newer(topics[0].version)
        for topic in topics:
            watched.leave("x", topic)
        await asyncio.gather(topics[0].task, return_exceptions=True)
        before = len(reads)
        assert watched.join("x", lambda: None, 60.0) is not topics[0]
        assert watched.streams == 1
        await watched.close()
        return topics[0].version, before

    version, before = asyncio.run(watch())
    assert version <= before <= version + 1
    assert len(reads) == before


def test_watching_goes_on_when_the_data_cannot_be_read_for_a_while(caplog: pytest.LogCaptureFixture):
    answers: list[Any] = [ZeroDivisionError, "later"]

    def load() -> Any:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, type):
            raise answer
        return answer

    async def watch() -> Any:
        watched = Live(asyncio.Event())
        topic = watched.join("x", load, 0.01)
        assert await topic.newer(0)
        watched.leave("x", topic)
        return topic.value

    assert asyncio.run(watch()) == "later"
    assert "cannot be read" in caplog.text


def test_watchers_are_told_that_the_server_ends():
    async def watch() -> bool:
        stopping = asyncio.Event()
        watched = Live(stopping)
        topic = watched.join("x", lambda: 1, 60.0)
        assert await topic.newer(0)
        stopping.set()
        newer = await topic.newer(topic.version)
        return topic.ended and not newer

    assert asyncio.run(watch())


def test_an_event_holds_any_text():
    assert event("<p>\r\na\nb\rc</p>") == "data: <p>\ndata: a\ndata: b\ndata: c</p>\n\n"
