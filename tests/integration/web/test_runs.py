"""Running a report in the browser: confirmation, parameters, results, charts, snapshots, and who may."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from support import shop
from support.web import TOKENS, client, csrf, post

from farm.api import Farm
from farm.store import actions, targets
from farm.targets.target import Target

MARKUP = "</script><script>alert(1)</script><b>"
SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgres": "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
}


ON_BOTH = pytest.mark.parametrize("farm", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def farm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Farm]:
    """Store and shop on SQLite, unless a test wants both on Postgres as well."""
    if getattr(request, "param", "sqlite") == "postgres":
        store_url = str(request.getfixturevalue("postgres_database"))
        shop_url = shop.make_postgres(store_url)
    else:
        store_url = str(request.getfixturevalue("sqlite_url"))
        shop_url = shop.make_sqlite(tmp_path / "shop.db")
    with shop.opened(tmp_path, store_url, shop_url, row_limit=100) as farm:
        yield farm


@pytest.fixture
def browser(farm: Farm) -> Iterator[TestClient]:
    with client(farm) as made:
        yield made


@pytest.fixture(autouse=True)
def _patient_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page shows what came of a run, however long a busy machine takes for it."""
    monkeypatch.setattr("farm.web.pages.runs.FIRST_WAIT_SECONDS", 30)


def ran(browser: TestClient, report_id: int, **fields: str) -> str:
    """The address of a run that has ended, having confirmed it."""
    form = f"/reports/{report_id}/run"
    answer = post(browser, f"/reports/{report_id}/runs", {"confirmed": "yes", **fields}, form=form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def cells(html: str) -> list[list[str]]:
    body = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL)
    assert body
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]


def test_the_first_run_is_confirmed_and_the_second_is_not(farm: Farm, browser: TestClient):
    report = shop.report(farm)
    form = f"/reports/{report}/run"
    asked = post(browser, f"/reports/{report}/runs", {"p_country": "FR", "chart": "bar"}, form=form)
    assert asked.headers["location"] == f"/reports/{report}/run?p_country=FR&chart=bar"
    page = browser.get(asked.headers["location"]).text
    assert "has not run on" in page
    assert "FR" in page
    ran(browser, report)
    again = post(browser, f"/reports/{report}/runs", {}, form=form)
    assert again.headers["location"].startswith("/runs/")


def test_a_double_click_is_one_run_and_another_value_another(farm: Farm, browser: TestClient):
    report = shop.report(farm)
    ran(browser, report)
    page = browser.get(f"/reports/{report}").text
    key = re.search(r'name="form_key" value="([^"]{20,})"', page)
    assert key
    fields = {"csrf": csrf(page), "form_key": key[1]}
    with ThreadPoolExecutor(4) as threads:
        send = partial(browser.post, f"/reports/{report}/runs", data=fields)
        answers = list(threads.map(lambda _: send(), range(4)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert ran(browser, report, **fields, p_country="FR") != answers[0].headers["location"]
    assert ran(browser, report) != ran(browser, report), "without a key, as scripts send it"
    assert 'name="form_key"' in browser.get(f"/reports/{report}/run").text


def test_a_result_is_a_table_and_a_chart(farm: Farm, browser: TestClient):
    page = browser.get(ran(browser, shop.report(farm))).text
    assert len(cells(page)) == 6
    assert "6 rows, which is all" in page
    spec = re.search(r'<script type="application/json" id="chart-spec">(.*?)</script>', page, re.DOTALL)
    assert spec
    assert json.loads(spec[1])["usermeta"]["kind"] == "line"


@ON_BOTH
def test_other_values_are_bound_kept_and_linked(farm: Farm, browser: TestClient):
    report = shop.report(farm)
    whole = browser.get(ran(browser, report)).text
    own = cells(whole)
    assert (len(own), '"kind": "line"' in whole) == (6, True)
    page = browser.get(ran(browser, report, p_country="FR")).text
    assert cells(page) != own
    assert "country = FR" in page
    assert f'href="/reports/{report}?p_country=FR"' in page
    assert f"/reports/{report}/export.csv?p_country=FR" in page


def test_a_value_cannot_become_sql(farm: Farm, browser: TestClient):
    page = browser.get(ran(browser, shop.report(farm), p_country="' OR ''='")).text
    assert "No row fits" in page
    refused = post(
        browser,
        f"/reports/{shop.report(farm, 'SELECT id FROM orders WHERE total > 5')}/runs",
        {"p_total": "5; DROP TABLE orders", "confirmed": "yes"},
        form=f"/reports/{shop.report(farm)}/run",
    )
    assert refused.status_code == 400
    assert "total is a number" in refused.text


def test_what_is_cut_is_said(farm: Farm, browser: TestClient):
    page = browser.get(ran(browser, shop.report(farm, "SELECT id FROM orders"))).text
    assert "The first 100 rows of more." in page


def test_columns_sort_by_their_headings(farm: Farm, browser: TestClient):
    where = ran(browser, shop.report(farm, "SELECT id, country AS id FROM orders WHERE id < 12"))
    assert [row[0] for row in cells(browser.get(where).text)][:2] == ["1", "2"]
    assert [row[0] for row in cells(browser.get(f"{where}?sort=-0").text)][:2] == ["11", "10"]
    assert [row[1] for row in cells(browser.get(f"{where}?sort=1").text)][:2] == ["DE", "DE"]
    assert browser.get(f"{where}?sort=99&chart=x&x=9&y=-1&colour=a").status_code == 200


def test_the_chart_is_chosen_in_the_address(farm: Farm, browser: TestClient):
    where = ran(browser, shop.report(farm), chart="bar")
    assert where.endswith("?chart=bar")
    assert '"kind": "bar"' in browser.get(where).text
    plain = where.partition("?")[0]
    assert "chart-spec" not in browser.get(f"{plain}?chart=table").text
    assert "cannot be drawn so" in browser.get(f"{plain}?chart=bar&y=0").text


def test_markup_in_names_and_values_stays_text(farm: Farm, browser: TestClient):
    sql = f"""SELECT 'x{MARKUP}' AS "{MARKUP}", 1 AS n UNION ALL SELECT 'y', 2"""
    page = browser.get(ran(browser, shop.report(farm, sql, title=MARKUP))).text
    assert "<script>alert" not in page
    assert "<b>" not in page
    assert "\\u003c/script\\u003e" in page


def test_a_database_s_error_is_shown_with_what_to_do(farm: Farm, browser: TestClient):
    page = browser.get(ran(browser, shop.report(farm, "SELECT missing FROM orders"))).text
    assert "It failed." in page
    assert "missing" in page
    assert "Run it again" in page


def test_a_long_run_is_waited_for_and_cancelled(
    farm: Farm, browser: TestClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("farm.web.pages.runs.FIRST_WAIT_SECONDS", 0.2)
    where = ran(browser, shop.report(farm, SLOW[farm.target("shop").dialect]))
    page = browser.get(where).text
    assert '<noscript><meta http-equiv="refresh"' in page
    assert browser.get(f"{where}/state").status_code == 204
    monkeypatch.setattr("farm.web.pages.runs.FIRST_WAIT_SECONDS", 30)
    post(browser, f"{where}/cancel", form=where)
    assert "Somebody cancelled this run" in browser.get(where).text
    assert browser.get(f"{where}/state").headers["hx-refresh"] == "true"


def test_runners_cancel_their_own_runs_and_operators_all(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("farm.web.pages.runs.FIRST_WAIT_SECONDS", 0)
    shop_url = shop.make_sqlite(tmp_path / "shop.db")
    with (
        shop.opened(tmp_path, sqlite_url, shop_url, **TOKENS) as farm,
        client(farm, token="run") as runner,
        client(farm, token="steer") as operator,
    ):
        report = shop.report(farm, SLOW["sqlite"])
        own, other, third = ran(runner, report), ran(operator, report), ran(runner, report)
        assert f'action="{own}/cancel"' in runner.get(own).text
        assert f'action="{other}/cancel"' not in runner.get(other).text
        refused = post(runner, f"{other}/cancel", form=other)
        assert (refused.status_code, "Somebody else started this run" in refused.text) == (403, True)
        # Each of the two is a server with its own runs: the operator's tells the runner's through the store.
        for browser, where in ((runner, own), (operator, third), (operator, other)):
            assert post(browser, f"{where}/cancel", form=where).status_code == 303
            assert "Somebody cancelled this run" in browser.get(where).text
        with farm.store.read() as connection:
            told = [(one.actor, one.action, one.detail) for one in actions.page(connection)]
    assert [(actor, detail) for actor, _, detail in told] == [
        ("operator", {"run": int(other.rpartition("/")[2])}),
        ("operator", {"run": int(third.rpartition("/")[2])}),
        ("runner", {"run": int(own.rpartition("/")[2])}),
    ]


def test_a_snapshot_keeps_its_chart_until_somebody_lets_go(farm: Farm, browser: TestClient):
    where = ran(browser, shop.report(farm))
    assert post(browser, f"{where}/keep", {"chart": "bar"}, form=where).status_code == 303
    page = browser.get(where).text
    assert "Kept as a snapshot" in page
    assert '"kind": "bar"' in page
    post(browser, f"{where}/keep", {"keep": "no"}, form=where)
    assert "Keep as a snapshot" in browser.get(where).text
    with farm.store.read() as connection:
        assert [one.action for one in actions.page(connection)] == ["let go", "keep"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"chart": "pie", "x": "1" * 500},
            "there is no chart &#39;pie&#39; of this result; choose of line, bar",
        ),
        ({"chart": "bar", "x": "2"}, "x is the place of a column, from 0 to 1"),
        ({"colour": "-1"}, "colour is the place of a column"),
        ({"chart": "bar", "y": "0"}, "cannot be drawn so"),
    ],
)
def test_a_chart_that_the_result_does_not_offer_is_not_kept(farm: Farm, browser: TestClient, fields, said):
    where = ran(browser, shop.report(farm))
    refused = post(browser, f"{where}/keep", fields, form=where)
    assert (refused.status_code, said in refused.text) == (400, True), refused.text
    assert "Keep as a snapshot" in browser.get(where).text


def test_readers_see_what_is_kept_and_run_nothing(sqlite_url: str, tmp_path: Path):
    shop_url = shop.make_sqlite(tmp_path / "shop.db")
    tokens = {"web_reader_token": "r" * 32, "web_runner_token": "u" * 32}
    with shop.opened(tmp_path, sqlite_url, shop_url, **tokens) as farm:
        report = shop.report(farm)
        with client(farm, token="u" * 32) as runner, client(farm, token="r" * 32) as reader:
            where = ran(runner, report)
            assert reader.get(where).status_code == 403
            assert reader.get(f"/reports/{report}/run").status_code == 403
            assert reader.get(f"/reports/{report}/export.csv").status_code == 403
            post(runner, f"{where}/keep", form=where)
            kept = reader.get(where)
            assert kept.status_code == 200
            assert "export.csv" not in kept.text
            code = csrf(kept.text)
            assert reader.post(f"/reports/{report}/runs", data={"csrf": code}).status_code == 403
            assert reader.post(f"{where}/keep", data={"csrf": code, "keep": "no"}).status_code == 403


def test_a_target_without_a_database_says_how_to_give_it_one(farm: Farm, browser: TestClient):
    bare = Target(name="bare", dialect="sqlite", ddl=shop.DDL)
    targets.save(farm.store, bare)
    report = shop.report(farm, target="bare")
    answer = browser.get(f"/reports/{report}/run")
    assert answer.status_code == 400
    assert "farm target add bare" in answer.text


@pytest.mark.parametrize("path", ["/runs/99999", "/runs/x", "/reports/99999/run"])
def test_what_is_not_there_is_not_found(browser: TestClient, path: str):
    assert browser.get(path).status_code == 404
