"""A batch as one HTML file: whole, in order, and dead whatever strangers wrote."""

import asyncio
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from support import scene, store
from support.standalone import Page
from support.web import ON_BOTH, TOKENS, client

from farm.api import Farm
from farm.errors import NotFound
from farm.reporting.entry import Wanted
from farm.sql.evidence import evidence
from farm.sql.verdict import Finding, Verdict
from farm.store import batches, runs
from farm.store.runs import NewRun
from farm.web import standalone
from farm.web.pages import batch_report
from farm.web.standalone import Document
from jobs.task import Task


def written(farm: Farm, batch_id: int = 1, wanted: Wanted | None = None) -> Page:
    with Document(farm, batch_id, wanted) as document:
        assert list(document.collect()) == [line.number for line in document.summary.lines]
        return Page("".join(document.pieces()))


def keep_rows(farm: Farm, query_id: int, *, kept: bool = False) -> None:
    """Rows of twelve months with markup in them, as a run of the query."""
    new = NewRun(
        query_id=query_id,
        version=1,
        target="shop",
        sql=scene.REVENUE,
        parameters={},
        started_by=None,
        row_limit=100,
        timeout_seconds=5.0,
    )
    rows = [[f"2025-{month:02}", month * 10, scene.IMAGE] for month in range(1, 13)] + [["2026-01", 5, None]]
    with farm.store.write() as connection:
        run_id = runs.start(connection, new)
        columns = ["month", "revenue", scene.ALERT]
        runs.finish(connection, run_id, columns=columns, rows=rows, truncated=True, duration_ms=1.0)
        if kept:
            runs.keep(connection, run_id)


@ON_BOTH
def test_what_strangers_wrote_stays_text(farm: Farm, tmp_path: Path) -> None:
    scene.play(farm, tmp_path)
    keep_rows(farm, 6)
    page = written(farm)
    assert page.wrongs == []
    asked = [f"{number}. {number - 1}: {text}" for number, text in enumerate(scene.EVIL, start=1)]
    assert page.headings == [scene.IMAGE, *asked, "8. Revenue per month?"]
    assert [each for each in page.ids if each.startswith("q")] == [f"q{number}" for number in range(1, 9)]
    assert f"unknown_column: there is no column {scene.IMAGE}" in page.text
    assert "Why questions were refused: unknown_column (2)." in page.text
    assert "The first 13 rows of more, read 2" in page.text
    assert [alt for _, alt in page.images] == ["Lines: revenue by month"]
    for text in (*scene.EVIL, scene.SQL):
        assert text in page.text
    policy = page.metas["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "script" not in policy


@pytest.fixture
def dozen(farm: Farm) -> Farm:
    """A batch of 14 questions: the first accepted with evidence, the second refused, the others waiting."""
    batch = farm.enqueue([Task(question=f"Number {n}?", target="shop") for n in range(1, 15)], name="dozen")
    first, second = store.claim(farm.store, [one.task_id for one in batch.results(wait=False)][:2]).values()
    rows = [("a", 1), ("b", 2)]
    warned = Verdict(
        findings=(Finding(code="empty_column", message="of no value", severity="warning"),),  # type: ignore[arg-type]
        dry_run="sqlite",
        evidence=evidence(("kind", "count"), rows, more=False, elapsed_ms=1.0),
    )
    good = store.accepted(first, "SELECT kind, count(*) FROM t GROUP BY 1")
    kept = {**store.candidate(first.id, sql=good.query["sql"]), "verdict": warned.to_dict()}  # type: ignore[index]
    refused = Verdict(
        findings=(Finding(code="syntax", message="at sea", line=1, column=7, nearest=("see",)),)
    )
    bad = {**store.candidate(second.id, sql="SELEKT 1", accepted=False), "verdict": refused.to_dict()}
    store.save_answer(farm.store, store.answer(first.id), store.answer(second.id))
    store.finish(
        farm.store,
        replace(good, candidates=(kept,)),
        replace(store.rejected(second), candidates=(bad,)),
    )
    return farm


def test_each_question_is_told_with_its_figures(dozen: Farm) -> None:
    page = written(dozen)
    text = re.sub(r"\s+", " ", page.text)
    assert "Batch 1, asked 20" in text
    assert "Database shop (sqlite)." in text
    assert "Accepted queries by model: stub-model (1)." in text
    assert "12 questions had no end yet when this was written." in text
    assert "Questions14Accepted1Rejected1Dead0Tokens220Cost$1.00" in text.replace(" ", "")
    assert "accepted as report 1 · shop · sqlite · stub-model · 1 call, 110 tokens, $0.5000" in text
    assert "SELECT kind, count(*) FROM t GROUP BY 1" in text
    assert "Prepared by sqlite. empty_column: of no value" in text
    assert "2 rows, read when the query was checked" in text
    assert [alt for _, alt in page.images] == ["Bars: count by kind"]
    assert "Refused: SELEKT 1 syntax: at sea (line 1, column 7); near it: see" in text
    assert page.links == [f"#q{number}" for number in range(1, 15)]


def test_rows_are_left_out_where_they_are_not_wanted(dozen: Farm) -> None:
    page = written(dozen, wanted=Wanted(rows=False))
    assert page.images == []
    assert "read when" not in page.text


def test_what_is_left_out_is_said(dozen: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    page = written(dozen, wanted=Wanted(most=3))
    assert "The first 3 of 14 questions are here; 11 are left out." in page.text
    assert page.links == []
    monkeypatch.setattr(standalone, "MOST_BYTES", 3_000)
    page = written(dozen, wanted=Wanted(rows=False))
    shown = len(page.headings) - 1 - bool(page.links)
    assert 1 <= shown < 14
    assert f"{14 - shown} are left out, as the file would grow too large." in page.text


def test_a_batch_that_is_not_there_is_told_at_once(farm: Farm) -> None:
    with pytest.raises(NotFound, match="there is no batch 9"):
        Document(farm, 9)


def test_a_name_stands_for_its_newest_batch(dozen: Farm) -> None:
    again = dozen.enqueue([Task(question="Another?", target="shop")], name="dozen")
    with dozen.store.read() as connection:
        assert batches.named(connection, "dozen").id == again.id  # type: ignore[union-attr]
        assert batches.named(connection, "doze") is None


@pytest.fixture
def reader(tmp_path: Path, sqlite_url: str) -> Iterator[TestClient]:
    with (
        Farm.connect(home=tmp_path, database_url=sqlite_url, **TOKENS) as farm,
        client(farm, token=TOKENS["web_reader_token"]) as made,
    ):
        yield made


def test_a_browser_takes_it_along(dozen: Farm, browser: TestClient, reader: TestClient) -> None:
    keep_rows(dozen, 1)
    link = "/batches/1/export.html"
    assert f'href="{link}">' in browser.get("/batches/1").text
    for _ in range(3):  # each gives its place back
        answer = browser.get(link)
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == 'attachment; filename="batch-1.html"'
        assert len(Page(answer.text).images) == 1
    assert browser.head(link).status_code == 200
    assert browser.get("/batches/9/export.html").status_code == 404
    assert Page(reader.get(link).text).images == []
    keep_rows(dozen, 1, kept=True)
    assert len(Page(reader.get(link).text).images) == 1


def test_another_sites_page_has_no_file_drawn(dozen: Farm, browser: TestClient) -> None:
    answer = browser.get("/batches/1/export.html", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_who_takes_a_file_slowly_keeps_nobody_from_another_one(
    dozen: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = threading.BoundedSemaphore(1)
    places.acquire()
    document = Document(dozen, 1, Wanted(rows=False))

    async def stalled() -> bool:
        sent, free = asyncio.Event(), asyncio.Event()

        async def send(message: Any) -> None:
            if message.get("body"):
                sent.set()
                await free.wait()

        async def receive() -> Any:
            await free.wait()

        answer = batch_report._Download(document, places, headers={})
        taking = asyncio.create_task(answer({"type": "http", "asgi": {}}, receive, send))
        await asyncio.wait_for(sent.wait(), 30)
        was_free = places.acquire(blocking=False)
        await asyncio.wait_for(taking, 30)
        return was_free

    monkeypatch.setattr(batch_report, "LONGEST_SECONDS", 2.0)
    assert asyncio.run(stalled())
    assert document._body.closed
