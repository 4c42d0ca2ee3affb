"""`Farm.add_target` and `farm check` on each database that an extra brings, by its URL and by DDL alone."""

import sys
from pathlib import Path

import duckdb
import pytest
from support.mariadb import execute

from farm import Farm
from farm.checking import check
from farm.errors import BadInput, TargetTrouble
from farm.targets import extras
from farm.targets.target import Target

TABLES = (
    "CREATE TABLE customers (id integer PRIMARY KEY, name varchar(20) NOT NULL)",
    "CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer, total decimal(10, 2), "
    "FOREIGN KEY (customer_id) REFERENCES customers (id))",
    "INSERT INTO customers VALUES (1, 'Ann')",
)
GOOD = "SELECT c.name, sum(total) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.name"


@pytest.fixture
def duckdb_url(tmp_path: Path) -> str:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        for statement in TABLES:
            connection.execute(statement)
    return f"duckdb:///{tmp_path}/shop.duckdb"


@pytest.fixture
def mysql_shop_url(mysql_database: str) -> str:
    execute(mysql_database, *TABLES)
    return mysql_database


@pytest.mark.parametrize(("dialect", "fixture"), [("mysql", "mysql_shop_url"), ("duckdb", "duckdb_url")])
def test_a_target_is_added_by_its_url_checked_and_refreshed(
    dialect: str, fixture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue(fixture)
    with Farm.connect(home=tmp_path / "home") as farm:
        target = farm.add_target("shop", dialect=dialect, url=url)
        assert "CREATE TABLE orders" in target.ddl
        assert "REFERENCES customers" in target.ddl
        assert farm.refresh_target("shop").fingerprint == target.fingerprint
        found = check(GOOD, farm.target("shop"))
        assert found.accepted
        assert found.dry_run is not None
        assert found.dry_run.startswith({"mysql": ("mariadb", "mysql"), "duckdb": "duckdb"}[dialect])
        refused = check("SELECT nam FROM customers", farm.target("shop"))
        assert not refused.accepted
        assert refused.first_error is not None
        assert refused.first_error.nearest == ("name",)


def test_duckdb_is_dry_run_from_ddl_alone_and_mysql_says_that_it_was_not() -> None:
    ddl = ";\n".join(TABLES)
    verdict = check(GOOD, Target(name="shop", dialect="duckdb", ddl=ddl))
    assert verdict.accepted
    assert (verdict.dry_run or "").startswith("duckdb")
    verdict = check(GOOD, Target(name="shop", dialect="mysql", ddl=ddl))
    assert verdict.accepted
    assert verdict.dry_run is None
    assert [finding.code for finding in verdict.findings] == ["no_dry_run"]
    assert "on its own server" in verdict.findings[0].message


@pytest.mark.parametrize(
    ("dialect", "url", "module"),
    [
        ("mysql", "mysql://u:secret@127.0.0.1:1/shop", "pymysql"),
        ("duckdb", "duckdb:////no/such/file.db", "duckdb"),
    ],
)
def test_a_missing_driver_is_named_with_how_to_install_it(
    dialect: str, url: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(f"farm.targets.{dialect}")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    says = rf"pip install 'sqlfarm\[{extras.DRIVERS[module]}\]'"
    with Farm.connect(home=tmp_path / "home") as farm, pytest.raises(TargetTrouble, match=says):
        farm.add_target("shop", dialect=dialect, url=url)


def test_a_mysql_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with Farm.connect(home=tmp_path / "home") as farm, pytest.raises(TargetTrouble) as caught:
        farm.add_target("shop", dialect="mysql", url="mariadb://reader:s%40cret@127.0.0.1:1/shop")
    said = str(caught.value)
    assert "mysql://reader:***@127.0.0.1:1/shop" in said
    assert "Start it" in said
    assert "s%40cret" not in said
    assert "s@cret" not in said


@pytest.mark.parametrize("options", ["nonsense=1", "ssl_verify_cert=perhaps", "local_infile=1"])
def test_options_that_a_mysql_url_does_not_take_are_refused(options: str, tmp_path: Path) -> None:
    url = f"mysql://u:secret@127.0.0.1:1/shop?{options}"
    with (
        Farm.connect(home=tmp_path / "home") as farm,
        pytest.raises(TargetTrouble, match="behind '\\?' may stand") as caught,
    ):
        farm.add_target("shop", dialect="mysql", url=url)
    assert "secret" not in str(caught.value)


def test_the_dialect_has_to_be_the_urls(tmp_path: Path) -> None:
    with Farm.connect(home=tmp_path / "home") as farm, pytest.raises(BadInput, match="is said to be mysql"):
        farm.add_target("shop", dialect="mysql", url="duckdb:////shop.db")
