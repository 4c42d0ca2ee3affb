"""`make screenshots`: the pictures of the pages in docs/images, from a farm that has answered the demo.

The answers are the demo's own gold queries, given by a scripted model server; all else is real. Needs
Chromium and what the tests need.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from support.llm import Reply, StubLLM
from support.web import served

from farm.api import Farm
from farm.demo import shop
from farm.demo.grading import shop_path
from farm.demo.questions import questions
from farm.watchdog.runner import Runner
from jobs.task import Task

IMAGES = Path(__file__).parent / "images"
NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1280, "height": 860}
REVENUE = "revenue month"
MONTHLY = "What was the revenue in each month of 2025?"
THINKING_SECONDS = 0.4
SETTLE_MS = 1_500


@contextmanager
def farm_at_work() -> Iterator[Farm]:
    """A farm with the demo's shop and its forty questions, all but the last few answered."""
    folder = Path(tempfile.mkdtemp(prefix="farm-screenshots-"))
    try:
        with StubLLM() as llm:
            llm.script = {q.text: Reply(text=q.gold, delay_seconds=THINKING_SECONDS) for q in questions()}
            settings = {"home": folder, "openai_base_url": llm.url, "model": "stub-model", "concurrency": 4}
            with Farm.connect(**settings) as farm:
                path = shop_path(folder)
                shop.build(path)
                farm.add_target("shop", dialect="sqlite", url=f"sqlite:///{path}", notes=shop.notes())
                batch = farm.enqueue((Task(question=q.text, target="shop") for q in questions()), name="demo")
                with Runner(farm.settings, farm.store) as runner:
                    runner.work(until=lambda: batch.progress().done == batch.progress().total)
                yield farm
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take(page: Page, name: str) -> None:
    """One picture of what is in the window."""
    page.wait_for_timeout(SETTLE_MS)  # pages that stay connected are never idle
    page.screenshot(path=IMAGES / f"{name}.png")


def tour(page: Page, address: str) -> None:
    """The way through the pages that a newcomer takes."""
    page.goto(f"{address}/reports?q={REVENUE.replace(' ', '+')}")
    take(page, "reports")
    page.get_by_role("link", name=MONTHLY).click()
    take(page, "report")
    run(page)
    take(page, "result")
    for name in ("batches", "databases", "farm"):
        page.goto(f"{address}/{name}")
        if name != "farm":
            page.locator(f"main a[href^='/{name}/']").first.click()
        take(page, name)


def run(page: Page) -> None:
    """Run the report that is open, confirming where that is asked for."""
    page.get_by_role("button", name="Run on shop").click()
    page.get_by_role("button", name="Run it").click()
    page.locator("canvas, svg.marks").first.wait_for()


def main() -> None:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise SystemExit("there is no Chromium here: install the package `chromium`")
    IMAGES.mkdir(exist_ok=True)
    with farm_at_work() as farm, served(farm) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        tour(browser.new_page(viewport=SIZE), address)  # type: ignore[arg-type]  # a plain dict will do
        browser.close()
    for picture in sorted(IMAGES.glob("*.png")):
        print(f"{picture.relative_to(IMAGES.parent.parent)}  {picture.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
