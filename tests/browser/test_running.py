"""Run a report, look at its chart in another way, take its rows away, send somebody the link."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support import shop
from support.web import served

from farm.api import Farm

EVIL = '</script><img src=x onerror="alert(1)">{{7*7}}'


@pytest.fixture
def farm(sqlite_url: str, tmp_path: Path) -> Iterator[Farm]:
    with shop.opened(tmp_path, sqlite_url, shop.make_sqlite(tmp_path / "shop.db")) as farm:
        yield farm


@pytest.fixture
def address(farm: Farm) -> Iterator[str]:
    with served(farm) as at:
        yield at


def drawn(page, kind: str):
    """The chart of the page, once it is there."""
    figure = page.locator(f"figure[data-drawn={kind}]")
    expect(figure.locator("svg")).to_be_visible()
    return figure


def test_run_chart_download_and_send_the_link(watched, farm: Farm, tmp_path: Path):
    report = shop.report(farm)
    page = watched.go(f"/reports/{report}")
    page.get_by_role("link", name="CSV").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Run this for the first time?")
    page.get_by_role("link", name="Back to the report").click()
    page.get_by_label("country").fill("FR")
    page.get_by_role("button", name="Run on shop").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Run this for the first time?")
    assert watched.violations() == []
    page.get_by_role("button", name="Run it").click()

    expect(page.get_by_role("table", name="Result of run")).to_contain_text("2025-01")
    expect(drawn(page, "line").locator("svg")).to_contain_text("revenue")
    assert watched.violations() == []
    page.emulate_media(color_scheme="dark")
    drawn(page, "line")
    assert watched.violations() == []

    page.get_by_label("Chart").press("ArrowDown")
    expect(page.get_by_label("Chart")).to_have_value("bar")
    page.get_by_label("Chart").press("ArrowDown")
    expect(page.get_by_label("Chart")).not_to_have_value("bar")
    page.get_by_label("Chart").press("ArrowUp")
    page.get_by_role("button", name="Draw").press("Enter")
    drawn(page, "bar")
    assert "chart=bar" in page.url
    page.get_by_label("Chart").select_option("line")
    drawn(page, "line")
    page.get_by_label("Chart").select_option("bar")
    drawn(page, "bar")
    assert "chart=bar" in page.url
    page.locator("figure svg .mark-rect path").first.hover()
    expect(page.locator("#vg-tooltip-element")).to_contain_text("2025-")

    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    waiting.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 7

    page.get_by_role("link", name="Link to the report").click()
    expect(page.get_by_label("country")).to_have_value("FR")
    page.get_by_role("button", name="Run on shop").click()
    drawn(page, "bar")


def test_a_page_that_waits_shows_the_result_when_it_is_there(watched, farm: Farm, monkeypatch):
    monkeypatch.setattr("farm.web.pages.runs.FIRST_WAIT_SECONDS", 0.01)
    slow = (
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 2000000) SELECT sum(i) FROM n"
    )
    page = watched.go(f"/reports/{shop.report(farm, slow)}/run")
    page.get_by_role("button", name="Run it").click()
    expect(page.locator(".tile")).to_have_text("2000001000000")


def test_what_strangers_wrote_is_drawn_as_text(watched, farm: Farm):
    quoted = EVIL.replace("'", "''")
    sql = f"""SELECT '{quoted}' AS "{EVIL.replace('"', '""')}", 2 AS "n.[0]" UNION ALL SELECT 'b', 1"""
    page = watched.go(f"/reports/{shop.report(farm, sql)}/run")
    page.get_by_role("button", name="Run it").click()
    figure = drawn(page, "bar")
    figure.locator("svg .mark-rect path").first.hover()
    expect(page.locator("#vg-tooltip-element")).to_contain_text("{{7*7}}")
    assert page.locator("img[src='x']").count() == 0
