import pytest

from farm.errors import TargetTrouble
from farm.targets.engine import open_engine
from farm.targets.target import Target


def test_a_sqlite_check_uses_the_schema_and_never_the_file() -> None:
    target = Target(
        name="shop", dialect="sqlite", ddl="CREATE TABLE t (a);", url="sqlite:////no/such/file.db"
    )
    engine = open_engine(target, purpose="check")
    assert engine is not None
    assert engine.prepare("SELECT a FROM t") is None
    assert engine.prepare("SELECT b FROM t") == "no such column: b"
    engine.close()


def test_a_postgres_schema_alone_has_nothing_to_check_it() -> None:
    target = Target(name="shop", dialect="postgres", ddl="CREATE TABLE t (a int);")
    assert open_engine(target, purpose="check") is None


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_running_needs_a_database(dialect: str) -> None:
    target = Target(name="shop", dialect=dialect, ddl="CREATE TABLE t (a int);")  # type: ignore[arg-type]
    with pytest.raises(TargetTrouble, match="farm target add shop"):
        open_engine(target, purpose="run")


def test_a_postgres_that_is_not_there_is_named_without_its_password() -> None:
    url = "postgresql://reader:s%40cret@127.0.0.1:1/shop"
    target = Target(name="shop", dialect="postgres", ddl="", url=url)
    with pytest.raises(TargetTrouble) as caught:
        open_engine(target, purpose="check")
    said = str(caught.value)
    assert "postgresql://reader:***@127.0.0.1:1/shop" in said
    assert "Start it" in said
    assert "s%40cret" not in said
    assert "s@cret" not in said


def test_a_url_that_the_driver_cannot_read_is_explained() -> None:
    target = Target(name="shop", dialect="postgres", ddl="", url="postgresql://u:secret@host/db?nonsense=1")
    with pytest.raises(TargetTrouble, match="special characters as %XX") as caught:
        open_engine(target, purpose="run")
    assert "secret" not in str(caught.value)
