"""`farm report`: where it writes, and what it refuses."""

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import store
from support.cli import Ended
from support.standalone import Page

from farm import Farm, Task
from farm.charts import image
from farm.errors import BadInput
from farm.store import runs
from farm.store.runs import NewRun

Run = Callable[..., Ended]


def test_accepted_queries_are_run_where_that_is_asked_for(farm: Run, worked: Farm) -> None:
    said = farm("report", "--html", "report.html", "--run")
    assert said.code == 0
    assert said.err == f"batch 1: 3 questions and 1 chart written to report.html ({size()} MB)\n"
    page = Page(Path("report.html").read_text("utf-8"))
    assert page.wrongs == []
    assert "3 rows, read 2" in page.text
    assert "Ada" in page.text
    with worked.store.read() as connection:
        assert runs.of_query(connection, 1) == []  # nothing is kept of it
    if sys.platform != "win32":
        assert stat.S_IMODE(Path("report.html").stat().st_mode) == 0o600


def size() -> str:
    return f"{Path('report.html').stat().st_size / 1e6:,.1f}"


def test_a_run_that_fails_is_told_in_its_place(farm: Run, opened: Farm) -> None:
    opened.enqueue([Task(question="How many?", target="shop")])
    store.finish(opened.store, *map(store.accepted, store.claim(opened.store, [1]).values()))
    said = farm("report", "--html", "-", "--run")
    assert said.code == 0
    assert "It could not be run: target &#39;shop&#39; has no database here" in said.out
    assert "1 run failed; the file says why" in said.err


def test_the_library_for_charts_is_missed_once(
    farm: Run, worked: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise BadInput(image.MISSING)

    monkeypatch.setattr(image, "_library", absent)
    limits = {"row_limit": 10, "timeout_seconds": 1.0, "started_by": None}
    new = NewRun(query_id=1, version=1, target="shop", sql="", parameters={}, **limits)  # type: ignore[arg-type]
    rows = [["Ada", 10.5], ["Bob", 5]]
    with worked.store.write() as connection:
        run_id = runs.start(connection, new)
        runs.finish(connection, run_id, columns=["who", "much"], rows=rows, truncated=False, duration_ms=1.0)
    said = farm("report", "--html", "-")
    assert (said.code, said.err.count("vl-convert-python")) == (0, 1)
    assert "Ada" in said.out


def test_a_batch_goes_by_its_number_or_name(farm: Run, worked: Farm) -> None:
    for named in ("7", "nightly [x]"):
        assert farm("report", "--html", "-", "--batch", named).err == f"farm: there is no batch {named!r}\n"
    worked.enqueue([Task(question="Another?", target="shop")], name="2025")
    assert "batch 2: 1 question" in farm("report", "--html", "-", "--batch", "2025").err
    said = farm("report", "--html", "-", "--batch", "1", "--most", "2")
    assert said.out.startswith("<!doctype html>")
    assert "1 question left out: --most takes more\n" in said.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--html", "."), "no file that can be replaced"),
        (("--html", "no/such/folder.html"), "No such file or directory"),
        (("--html", "report.html", "--batch", "9"), "there is no batch '9'"),
        (("--html", "report.html", "--run", "--no-rows"), "give one of them"),
    ],
)
def test_what_cannot_be_written_leaves_nothing_behind(
    farm: Run, worked: Farm, words: tuple[str, ...], reason: str
) -> None:
    before = sorted(Path().iterdir())
    said = farm("report", *words)
    assert (said.code, said.out) == (2, "")
    assert reason in said.err
    assert sorted(Path().iterdir()) == before


def test_there_must_be_a_batch(farm: Run, opened: Farm) -> None:
    assert farm("report", "--html", "r.html").err == "farm: there is no batch yet; `farm enqueue` makes one\n"
