"""Every page that links lead to, on a farm full of strangers' markup: nothing runs, nothing is broken.

On both stores; with axe on one of them, in light and dark. What else is watched stands in conftest.py.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from support import scene
from support.web import served

from farm.api import Farm
from farm.store import migrate
from farm.store.engine import Store

MAIN = ("/reports", "/ask", "/batches", "/databases", "/farm", "/tasks", "/actions")
PAGES_PER_SHAPE = 2
MOST_PAGES = 45
DOWNLOAD = re.compile(r"\.(csv|jsonl|parquet|svg|png)$|/export|/events|/logout")
PLANTED = "script:not([src]):not([type='application/json']), img[src='x'], [onerror], [onload], [style]"


@pytest.fixture
def address(tmp_path: Path, database_url: str) -> Iterator[str]:
    with Store.open(database_url) as store:
        migrate.migrate(store)
    with Farm.connect(home=tmp_path, database_url=database_url) as farm:
        scene.play(farm, tmp_path)
        with served(farm) as at:
            yield at


@pytest.mark.timeout(300)
def test_every_page_is_whole_whatever_strangers_write(watched, database_url):
    seen: Counter[str] = Counter()
    wanted, known = deque(MAIN), set(MAIN)
    faults: list[str] = []
    most = MOST_PAGES if "sqlite" in database_url else MOST_PAGES - 10
    while wanted and seen.total() < most:
        path = wanted.popleft()
        shape = shape_of(path)
        if seen[shape] >= (1 if "?" in shape else PAGES_PER_SHAPE):
            continue
        seen[shape] += 1
        answer = watched.page.goto(watched.address + path)
        assert answer is not None
        if not answer.ok:
            faults.append(f"{path}: {answer.status}")
        if watched.page.locator("h1").count() != 1:
            faults.append(f"{path}: not one h1")
        if watched.page.evaluate(f'() => document.querySelectorAll("{PLANTED}").length'):
            faults.append(f"{path}: markup of a stranger is markup of the page")
        if seen[shape] == 1 and "?" not in shape and "sqlite" in database_url:
            faults += [f"{path}: {said}" for said in violations_in_light_and_dark(watched)]
            faults += [f"{path}: {said}" for said in too_wide(watched)]
        fresh = [link for link in links(watched, path) if link not in known]
        wanted.extend(fresh)
        known.update(fresh)
    assert not faults, "\n".join(faults)
    assert {shape_of(path) for path in MAIN} <= set(seen)
    assert "/reports/N" in seen
    assert "/tasks/N" in seen
    assert "/batches/N" in seen
    assert "/databases/shop" in seen


def violations_in_light_and_dark(watched) -> list[str]:
    found = watched.violations()
    watched.page.emulate_media(color_scheme="dark")
    found += [f"dark: {said}" for said in watched.violations() if "contrast" in said]
    watched.page.emulate_media(color_scheme="light")
    return found


def too_wide(watched) -> list[str]:
    """What has to be scrolled sideways on a small screen, or at 400 %; tables do so by themselves."""
    watched.page.set_viewport_size({"width": 320, "height": 900})
    width = watched.page.evaluate("() => document.documentElement.scrollWidth")
    watched.page.set_viewport_size({"width": 1280, "height": 900})
    return [] if width <= 320 else [f"{width} pixels wide"]


def links(watched, path: str) -> list[str]:
    """Where the page leads to within the farm, each once."""
    here = watched.address + path
    hrefs = watched.page.eval_on_selector_all(
        "a[href]", "links => links.map(link => link.getAttribute('href'))"
    )
    led = [urldefrag(urljoin(here, href)).url for href in hrefs]
    ours = [to.removeprefix(watched.address) for to in led if to.startswith(watched.address + "/")]
    return [to for to in dict.fromkeys(ours) if not DOWNLOAD.search(urlsplit(to).path)]


def shape_of(path: str) -> str:
    """A path without its numbers and values; the names of its parameters stay."""
    parts = urlsplit(path)
    names = sorted({pair.split("=")[0] for pair in parts.query.split("&") if pair})
    return re.sub(r"\d+", "N", parts.path) + ("?" + "&".join(names) if names else "")
