"""Exports by a real server: whole, cut off where they fail, and ended when nobody reads them."""

import contextlib
import csv
import io
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
from support import shop
from support.web import served

from farm.api import Farm
from farm.store import runs
from farm.store.runs import NewRun
from farm.targets.serving import __name__ as SERVING

ENDLESS = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i, 'some text' FROM n"
FAILING = """
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
    SELECT CASE WHEN i < 40000 THEN i ELSE abs(-9223372036854775807 - 1) END AS i FROM n
"""
WAIT_SECONDS = 30.0


@pytest.fixture
def farm(sqlite_url: str, tmp_path: Path) -> Iterator[Farm]:
    with shop.opened(tmp_path, sqlite_url, shop.make_sqlite(tmp_path / "shop.db"), row_limit=3) as farm:
        yield farm


@pytest.fixture
def address(farm: Farm) -> Iterator[str]:
    with served(farm) as address:
        yield address


def confirmed(farm: Farm, sql: str) -> int:
    """A report that has run before."""
    report = shop.report(farm, sql)
    new = {"version": 1, "target": "shop", "sql": sql, "parameters": {}, "started_by": None}
    with farm.store.write() as connection:
        run = runs.start(connection, NewRun(query_id=report, row_limit=1, timeout_seconds=1, **new))  # type: ignore[arg-type]
        runs.finish(connection, run, columns=[], rows=[], truncated=False, duration_ms=1)
    return report


def children() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if any(SERVING in word for word in one.cmdline())]


def test_the_whole_result_comes_in_each_format(farm: Farm, address: str):
    report = confirmed(farm, "SELECT id, country, total FROM orders WHERE country = 'DE' ORDER BY id")
    base = f"{address}/reports/{report}/export"
    answer = httpx2.get(f"{base}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="report-{report}-question-0.csv"'
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert (rows[0], rows[1], len(rows)) == (["id", "country", "total"], ["1", "DE", "1.25"], 121)
    other = httpx2.get(f"{base}.jsonl", params={"p_country": "FR"})
    assert {json.loads(line)["country"] for line in other.text.splitlines()} == {"FR"}
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
    table = parquet.read_table(io.BytesIO(httpx2.get(f"{base}.parquet").content))
    assert (table.num_rows, table.column_names) == (120, ["id", "country", "total"])


@pytest.mark.parametrize(("form", "text"), [("csv", "id\r\n"), ("jsonl", "")])
def test_no_rows_are_a_file_without_any(farm: Farm, address: str, form: str, text: str):
    report = confirmed(farm, "SELECT id FROM orders WHERE id < 0")
    answer = httpx2.get(f"{address}/reports/{report}/export.{form}")
    assert (answer.status_code, answer.text) == (200, text)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_error_half_way_is_in_the_file_and_breaks_it_off(farm: Farm, address: str, form: str):
    report = confirmed(farm, FAILING)
    with asked(address, f"/reports/{report}/export.{form}") as connection:
        came = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert came.startswith(b"HTTP/1.1 200")
    assert b"error" in came[-300:]
    assert b"integer overflow" in came[-300:]
    assert not came.endswith(b"0\r\n\r\n"), "a whole answer ends so"


@contextlib.contextmanager
def asked(address: str, path: str) -> Iterator[socket.socket]:
    """A connection that has asked for a page, without a client that would hide how it ends."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=WAIT_SECONDS) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        yield connection


def test_an_error_before_the_first_row_is_a_page(farm: Farm, address: str):
    report = confirmed(farm, "SELECT nothing FROM orders")
    answer = httpx2.get(f"{address}/reports/{report}/export.csv")
    assert answer.status_code == 400
    assert "nothing" in answer.text


def test_who_goes_away_ends_the_query(farm: Farm, address: str):
    report = confirmed(farm, ENDLESS)
    with asked(address, f"/reports/{report}/export.csv") as connection:
        assert connection.recv(1 << 16)
        (child,) = children()
    wait_for_rest(child)
    assert httpx2.get(f"{address}/healthz").status_code == 200


def test_who_goes_away_before_the_first_row_ends_the_query_too(farm: Farm, address: str):
    report = confirmed(farm, f"SELECT count(*) FROM ({ENDLESS}) AS q")
    with asked(address, f"/reports/{report}/export.csv"):
        until = time.monotonic() + WAIT_SECONDS
        while not (found := children()) or found[0].cpu_times().user < 0.5:
            assert time.monotonic() < until
            time.sleep(0.05)
    wait_for_rest(found[0])


def wait_for_rest(child: psutil.Process) -> None:
    """Until the query that a child runs has ended, with or without the child."""
    until = time.monotonic() + WAIT_SECONDS
    while child.is_running() and child.status() == psutil.STATUS_RUNNING:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_an_export_that_nobody_confirmed_leads_to_the_question(farm: Farm, address: str):
    report = shop.report(farm)
    answer = httpx2.get(f"{address}/reports/{report}/export.csv", params={"p_country": "FR"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/reports/{report}/run?p_country=FR"


def test_no_other_site_starts_an_export(farm: Farm, address: str):
    report = confirmed(farm, shop.MONTHLY)
    url = f"{address}/reports/{report}/export.csv"
    for elsewhere in ("cross-site", "same-site"):  # such as another port of this machine
        assert httpx2.get(url, headers={"sec-fetch-site": elsewhere}).status_code == 403
    assert httpx2.get(url, headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_asking_for_the_head_runs_nothing(farm: Farm, address: str):
    report = confirmed(farm, ENDLESS)
    answer = httpx2.head(f"{address}/reports/{report}/export.csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert children() == []


def test_an_unknown_format_is_not_found(farm: Farm, address: str):
    report = confirmed(farm, shop.MONTHLY)
    assert httpx2.get(f"{address}/reports/{report}/export.exe").status_code == 404


def test_the_end_of_the_server_ends_an_export(farm: Farm):
    report = confirmed(farm, ENDLESS)
    with contextlib.ExitStack() as stack, served(farm) as address:
        connection = stack.enter_context(asked(address, f"/reports/{report}/export.csv"))
        assert connection.recv(1 << 16)
    assert children() == []
