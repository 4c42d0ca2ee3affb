"""A batch as a file, opened without any server: nothing is fetched, nothing runs, nobody is left out."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from support import scene

from farm.api import Farm
from farm.store import runs
from farm.store.runs import NewRun
from farm.web.standalone import write_report


@pytest.fixture
def address(tmp_path: Path) -> str:
    """The file, with the chart of a result."""
    path = tmp_path / "batch.html"
    with Farm.connect(home=tmp_path) as farm:
        scene.play(farm, tmp_path)
        new = NewRun(
            query_id=6,
            version=1,
            target="shop",
            sql=scene.REVENUE,
            parameters={},
            started_by=None,
            row_limit=10,
            timeout_seconds=1.0,
        )
        rows = [[f"2025-{month:02}", month] for month in range(1, 13)]
        with farm.store.write() as connection:
            run_id = runs.start(connection, new)
            columns = ["month", "revenue"]
            runs.finish(connection, run_id, columns=columns, rows=rows, truncated=False, duration_ms=1.0)
        write_report(farm, 1, path)
    return path.as_uri()


def test_the_file_is_whole_by_itself(watched):
    page = watched.go("")
    expect(page).to_have_title(scene.IMAGE)
    expect(page.locator("section")).to_have_count(8)
    chart = page.get_by_alt_text("Lines: revenue by month")
    assert chart.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
    assert (
        page.locator("pre").first.evaluate("each => getComputedStyle(each).whiteSpaceCollapse") == "preserve"
    )
    assert watched.violations() == []
    page.emulate_media(color_scheme="dark")
    assert watched.violations() == []
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 33, 40)"
