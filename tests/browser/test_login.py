"""Signing in, in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.web import served

from farm.api import Farm


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with Farm.connect(home=tmp_path, web_reader_token="seven horses") as farm, served(farm) as at:
        yield at


def test_a_stranger_signs_in_with_a_token_and_is_led_on(watched):
    page = watched.go("/nowhere?x=1")
    expect(page.get_by_role("heading", name="Not Found")).to_be_visible()
    page = watched.go("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert watched.violations() == []
    page.get_by_label("Token").fill("eight horses")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No such token")).to_be_visible()
    assert watched.violations() == []
    page.get_by_label("Token").fill("seven horses")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
