"""A real browser: Chromium, headless, with an eye on what no page may do."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ABSENT = "there is no Chromium: install the package `chromium`, or name one in FARM_TEST_CHROMIUM"
TIMEOUT_MS = 30_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module's tests: Playwright's event loop would stand in the way of others' tests."""
    program = os.environ.get("FARM_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(ABSENT)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """A page that notes what must not happen: errors, refused scripts and styles, requests to others."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.wrongs: list[str] = []
        page.on("pageerror", lambda error: self.wrongs.append(f"error: {error}"))
        page.on("console", self._hear)
        page.on("response", self._check)
        page.on("dialog", lambda dialog: self.wrongs.append(f"dialog: {dialog.message}"))
        page.on("request", self._note)

    def _hear(self, said: ConsoleMessage) -> None:
        # A page may well answer 400 or 404; see _check for what may not.
        if said.type == "error" and not said.text.startswith("Failed to load resource"):
            self.wrongs.append(f"console: {said.text}")

    def _check(self, response: Response) -> None:
        if response.status >= (400 if "/assets/" in response.url else 500):
            self.wrongs.append(f"{response.status}: {response.url}")

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.wrongs.append(f"foreign request: {request.url}")

    def go(self, path: str) -> Page:
        """Open a page of the farm."""
        self.page.goto(self.address + path)
        return self.page

    def violations(self) -> list[str]:
        """What axe finds wrong with the page as it is."""
        self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate("() => axe.run()")
        return [
            f"{violation['id']}: {node['html']} ({node['failureSummary']})"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]


@pytest.fixture
def watched(chromium: Browser, address: str) -> Iterator[Watched]:
    """A tab at the pages that a test's `address` serves; a test fails with what its pages did wrong."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT_MS)
    tab = Watched(context.new_page(), address)
    yield tab
    context.close()
    assert tab.wrongs == []
