"""Databases in the browser: tables, keys, comments, what reads them; and reading a schema again."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
from sqlalchemy import insert
from starlette.testclient import TestClient
from support.store import accepted, add, claim, finish
from support.web import client, post

from farm.api import Farm
from farm.demo import shop
from farm.store import actions, targets
from farm.store.tables import QueryTableRow
from farm.targets.target import Target
from farm.web.pages.databases import TABLES

MARKUP = "<script>alert(1)</script>"
ODD = "odd \"name\" 'with' a/slash & <b> ünï"


def know(farm: Farm, ddl: str, *, name: str = "shop", dialect: str = "sqlite", notes: str = "") -> None:
    targets.save(farm.store, Target(name=name, dialect=dialect, ddl=ddl, notes=notes))


def file(tmp_path: Path, ddl: str) -> str:
    """The URL of a SQLite database with this schema."""
    with closing(sqlite3.connect(tmp_path / "own.db")) as made:
        made.executescript(ddl)
    return f"sqlite:///{tmp_path / 'own.db'}"


def test_the_list_tells_of_each_database(farm: Farm, browser: TestClient, tmp_path: Path):
    know(farm, shop.ddl())
    know(farm, "nonsense", name="broken")
    farm.add_target("own", dialect="sqlite", url=file(tmp_path, "CREATE TABLE t (id INTEGER)"))
    page = browser.get("/databases").text
    assert '<a href="/databases/shop">shop</a>' in page
    assert '<td class="number">11</td>' in page
    assert "unreadable" in page
    assert page.count("no, its URL is not known") == 2
    assert str(tmp_path) not in page, "a URL is a secret"


def test_without_databases_the_list_says_how_to_add_one(tmp_path: Path, sqlite_url: str):
    with Farm.connect(home=tmp_path, database_url=sqlite_url) as farm, client(farm) as browser:
        assert "farm target add" in browser.get("/databases").text


def test_a_schema_is_shown_as_a_tree_with_keys_and_comments(farm: Farm, browser: TestClient):
    know(farm, shop.ddl(), notes="revenue: what was paid")
    page = browser.get("/databases/shop").text
    assert "revenue: what was paid" in page
    assert "1 to 5" in page
    assert 'to <a href="/databases/shop?table=customers">customers</a> (customer_id)' in page
    assert 'Referred to by <a href="/databases/shop?table=' in page
    assert "/reports?target=shop&amp;table=orders" in page
    assert '<code class="highlight">' in page
    assert "Read the schema again" not in page, "there is no URL to read it from"


def test_foreign_keys_are_drawn_with_links_and_words(farm: Farm, browser: TestClient):
    know(farm, shop.ddl())
    page = browser.get("/databases/shop").text
    drawing = page[page.index("<svg") : page.index("</svg>")]
    assert '<a href="/databases/shop?table=orders" aria-label="orders">' in drawing
    assert "<desc" in drawing
    assert "orders refers to customers by customer_id" in drawing
    assert "style=" not in page
    around = browser.get("/databases/shop?table=suppliers").text
    drawing = around[around.index("<svg") : around.index("</svg>")]
    assert "table=products" in drawing
    assert "table=orders" not in drawing
    assert 'aria-current="true"' in drawing


def test_tables_tell_how_many_reports_read_them(farm: Farm, browser: TestClient):
    know(farm, "CREATE TABLE orders (id INTEGER PRIMARY KEY); CREATE TABLE other (id INTEGER)")
    [task_id] = add(farm.store, 1)
    finish(farm.store, accepted(claim(farm.store, [task_id])[task_id]))
    with farm.store.write() as connection:
        connection.execute(insert(QueryTableRow).values(query_id=1, table_name="orders"))
    page = browser.get("/databases/shop").text
    assert "orders <small>read by 1 report</small>" in page
    assert "1 report</a>" in page


def test_a_search_finds_tables_columns_and_comments(farm: Farm, browser: TestClient):
    know(farm, shop.ddl())
    page = browser.get("/databases/shop?q=RATING").text
    assert "1 to 1 of 1 table found" in page
    assert "Columns of reviews" in page
    assert "Columns of orders" not in page
    assert "No table here has that" in browser.get("/databases/shop?q=zebra").text
    assert "No table here is called" in browser.get("/databases/shop?table=zebra").text


def test_a_thousand_tables_come_in_pages(farm: Farm, browser: TestClient):
    know(farm, "".join(f"CREATE TABLE t{i:04} (id int REFERENCES t{i // 2:04}(id));" for i in range(1000)))
    first = browser.get("/databases/shop").text
    assert first.count("Columns of ") == TABLES
    assert "tables with the most links are shown" in first
    assert "Columns of t0100<" in browser.get("/databases/shop?from=100").text
    last = browser.get("/databases/shop?from=900").text
    assert "Columns of t0999<" in last
    assert 'rel="next"' not in last
    for nonsense in ("x", "-1", "99999999999", "5000", "²"):
        assert browser.get(f"/databases/shop?from={nonsense}").status_code == 200


def test_markup_in_a_schema_is_inert(farm: Farm, browser: TestClient):
    know(
        farm,
        f'CREATE TABLE "{MARKUP}" ("{MARKUP}" "{MARKUP}" PRIMARY KEY, -- {MARKUP}\n'
        f' up INT REFERENCES "{MARKUP}"("{MARKUP}"), b INT REFERENCES "b"(id));'
        f"CREATE TABLE b (id INT); -- {MARKUP}\n",
        name=MARKUP,
        notes=MARKUP,
    )
    for path in ("/databases", f"/databases/{quote(MARKUP, safe='')}", f"/ask?target={quote(MARKUP)}"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;" in answer.text
    around = browser.get(f"/databases/{quote(MARKUP, safe='')}", params={"table": MARKUP})
    assert "<script>alert" not in around.text
    assert "which refers to itself" in around.text


def test_odd_names_work_in_addresses(farm: Farm, browser: TestClient):
    quoted = ODD.replace('"', '""')
    know(
        farm,
        f'CREATE TABLE "{quoted}" (id INT PRIMARY KEY); CREATE TABLE x (o INT REFERENCES "{quoted}"(id));',
        name=ODD,
    )
    page = browser.get("/databases").text
    href = page[page.index('<th scope="row"><a href="') + 25 :].split('"')[0].replace("&amp;", "&")
    answer = browser.get(href)
    assert answer.status_code == 200
    assert "2 tables" in answer.text
    chosen = browser.get(answer.url.path + "?table=" + quote(ODD))
    assert "Columns of odd &#34;name&#34;" in chosen.text


def test_a_database_that_there_is_not_is_not_found(browser: TestClient):
    answer = browser.get(f"/databases/{quote(MARKUP, safe='')}")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


def test_a_name_that_no_database_can_have_is_not_found(browser: TestClient):
    assert browser.get("/databases/%00").status_code == 404


def test_a_schema_that_cannot_be_read_is_shown_with_why(farm: Farm, browser: TestClient):
    know(farm, "CREATE TABLE t (id int, 'open")
    page = browser.get("/databases/shop")
    assert page.status_code == 200
    assert "the DDL cannot be read" in page.text


def test_a_schema_is_read_again_from_its_database(farm: Farm, browser: TestClient, tmp_path: Path):
    farm.add_target("own", dialect="sqlite", url=file(tmp_path, "CREATE TABLE t (id INTEGER)"))
    sent = post(browser, "/databases/own", {"action": "refresh"}, form="/databases/own")
    assert sent.headers["location"] == "/databases/own?refreshed=same"
    file(tmp_path, "CREATE TABLE later (id INTEGER)")
    sent = post(browser, "/databases/own", {"action": "refresh"}, form="/databases/own")
    page = browser.get(sent.headers["location"]).text
    assert "has changed" in page
    assert "Columns of later" in page
    with farm.store.read() as connection:
        assert [action.detail for action in actions.page(connection)] == [
            {"target": "own", "changed": True},
            {"target": "own", "changed": False},
        ]


def test_a_database_that_is_away_leaves_the_schema_and_says_why(
    farm: Farm, browser: TestClient, tmp_path: Path
):
    farm.add_target("own", dialect="sqlite", url=file(tmp_path, "CREATE TABLE t (id INTEGER)"))
    (tmp_path / "own.db").unlink()
    sent = post(browser, "/databases/own", {"action": "refresh"}, form="/databases/own")
    assert sent.status_code == 502
    assert "could not be read again" in sent.text
    assert "Columns of t<" in sent.text


def test_runners_read_schemas_and_refresh_none(tmp_path: Path, sqlite_url: str):
    with Farm.connect(home=tmp_path, database_url=sqlite_url, web_runner_token="horse") as farm:
        farm.add_target("own", dialect="sqlite", url=file(tmp_path, "CREATE TABLE t (id INTEGER)"))
        with client(farm, token="horse") as browser:
            page = browser.get("/databases/own").text
            assert "Read the schema again" not in page
            sent = post(browser, "/databases/own", {"action": "refresh"}, form="/databases")
            assert sent.status_code == 403


def test_a_postgres_database_shows_its_comments_and_keys(
    farm: Farm, browser: TestClient, postgres_database: str
):
    schema = """
        CREATE TABLE customers (id int PRIMARY KEY, name text);
        CREATE SCHEMA sales;
        CREATE TABLE sales.orders (
            id int PRIMARY KEY, customer_id int REFERENCES customers, total numeric(10,2)
        );
        COMMENT ON TABLE sales.orders IS 'what was sold; <b>all</b> of it';
        COMMENT ON COLUMN sales.orders.total IS 'in euros';
    """
    with psycopg.connect(postgres_database) as connection:
        connection.execute(schema.encode())
    farm.add_target("bank", dialect="postgres", url=postgres_database)
    page = browser.get("/databases/bank").text
    assert "what was sold; &lt;b&gt;all&lt;/b&gt; of it" in page
    assert "<td>in euros</td>" in page
    assert "<code>numeric(10,2)</code>" in page
    assert "sales.orders refers to customers by customer_id" in page
    assert "/reports?target=bank&amp;table=sales.orders" in page
    assert postgres_database not in page
    assert "Its URL is known here" in page
