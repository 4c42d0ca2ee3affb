"""The pages for tests: an application over a store, with forms sent as a browser sends them."""

import contextlib
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from farm.api import Farm
from farm.web.app import build
from farm.web.serving import Server, address_of, listen

BASE_URL = "http://127.0.0.1"
START_SECONDS = 30
TOKENS = {"web_reader_token": "read", "web_runner_token": "run", "web_operator_token": "steer"}
ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
"""For the few pages where the store's dialect matters; each store function has its own test on both."""


@contextlib.contextmanager
def client(farm: Farm, *, token: str | None = None) -> Iterator[TestClient]:
    """A browser without JavaScript at the pages of `farm`; signed in where a token is given."""
    with TestClient(build(farm), base_url=BASE_URL, follow_redirects=False) as made:
        if token is not None:
            assert post(made, "/login", {"token": token}, form="/login").status_code == 303
        yield made


def post(
    browser: TestClient, path: str, fields: dict[str, Any] | None = None, *, form: str, **more: Any
) -> Response:
    """Send a form as the page `form` has it: with the code that stands there."""
    code = csrf(browser.get(form).text)
    return browser.post(path, data={**(fields or {}), "csrf": code}, **more)


def csrf(html: str) -> str:
    """The code in the first form of a page."""
    finder = _Csrf()
    finder.feed(html)
    assert finder.code, "there is no form with a csrf field on this page"
    return finder.code


class _Csrf(HTMLParser):
    code = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("name") == "csrf":
            self.code = given.get("value") or ""


@contextlib.contextmanager
def served(farm: Farm) -> Iterator[str]:
    """The address of a real server with the pages of `farm`, in a thread of this process."""
    server = Server(build(farm))
    with listen("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            give_up_at = time.monotonic() + START_SECONDS
            while not server.started:
                assert thread.is_alive(), "the server has ended"
                assert time.monotonic() < give_up_at, "the server does not start"
                time.sleep(0.01)
            yield address_of(listening)
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)
            assert not thread.is_alive(), "the server does not end"
