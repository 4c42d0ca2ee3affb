import stat
import threading
from pathlib import Path

import pytest

from farm.errors import BadInput
from farm.settings import Settings
from farm.targets import urls


def test_a_remembered_url_is_found_again_and_can_be_forgotten(tmp_path: Path) -> None:
    urls.remember(tmp_path, "shop", "sqlite:////data/shop.db")
    urls.remember(tmp_path, 'odd "näme"\n\x7f', "postgresql://u:p%40ss@host/db")
    assert urls.lookup(tmp_path, "shop") == "sqlite:////data/shop.db"
    assert urls.lookup(tmp_path, 'odd "näme"\n\x7f') == "postgresql://u:p%40ss@host/db"
    urls.forget(tmp_path, "shop")
    assert urls.lookup(tmp_path, "shop") is None
    assert urls.lookup(tmp_path, 'odd "näme"\n\x7f') is not None


def test_the_file_is_for_its_owner_only_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    urls.remember(home, "shop", "postgresql://u:secret@host/db")
    assert stat.S_IMODE((home / "targets.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert sorted(path.name for path in home.iterdir()) == [".targets.toml.lock", "targets.toml"]


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    names = [f"target{number}" for number in range(20)]
    writers = [
        threading.Thread(target=urls.remember, args=(tmp_path, name, f"sqlite:////{name}.db"))
        for name in names
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert all(urls.lookup(tmp_path, name) for name in names)


def test_the_settings_come_before_what_is_remembered(tmp_path: Path) -> None:
    urls.remember(tmp_path, "shop", "sqlite:////remembered.db")
    urls.remember(tmp_path, "crm", "sqlite:////crm.db")
    settings = Settings(home=tmp_path, targets={"shop": {"url": "postgres://u:p@host/shop"}})  # type: ignore[dict-item]
    assert urls.find(settings, "shop") == "postgresql://u:p@host/shop"
    assert urls.find(settings, "crm") == "sqlite:////crm.db"
    assert urls.find(settings, "none") is None


def test_evidence_is_remembered_beside_the_urls_and_the_settings_come_first(tmp_path: Path) -> None:
    urls.remember(tmp_path, "shop", "sqlite:////shop.db")
    settings = Settings(home=tmp_path)
    assert not urls.wants_evidence(settings, "shop")
    urls.remember_evidence(tmp_path, "shop", True)
    urls.remember_evidence(tmp_path, 'odd "näme"', True)
    urls.remember(tmp_path, "crm", "sqlite:////crm.db")
    assert urls.wants_evidence(settings, "shop")
    assert urls.lookup(tmp_path, "shop") == "sqlite:////shop.db"
    urls.remember_evidence(tmp_path, 'odd "näme"', False)
    assert not urls.wants_evidence(settings, 'odd "näme"')
    never = Settings(home=tmp_path, targets={"shop": {"evidence": False}, "crm": {"evidence": True}})  # type: ignore[dict-item]
    assert not urls.wants_evidence(never, "shop")
    assert urls.find(never, "shop") == "sqlite:////shop.db"
    assert urls.wants_evidence(never, "crm")
    urls.forget(tmp_path, "shop")
    assert not urls.wants_evidence(settings, "shop")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text("[targets\n")
    with pytest.raises(BadInput, match=r"targets\.toml cannot be read.*Mend it"):
        urls.lookup(tmp_path, "shop")
    (tmp_path / "targets.toml").write_text("evidence = 3\n[targets]\n")
    with pytest.raises(BadInput, match="evidence is no list"):
        urls.lookup(tmp_path, "shop")
    (tmp_path / "targets.toml").write_text("[targets]\nshop = 3\n")
    with pytest.raises(BadInput, match="mend it or delete it"):
        urls.lookup(tmp_path, "shop")


def test_a_relative_sqlite_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert urls.remember(tmp_path, "shop", "sqlite:///my shop.db") == f"sqlite:///{tmp_path}/my shop.db"
    assert urls.file_path("sqlite:////abs/shop.db") == Path("/abs/shop.db")
    assert urls.normal("duckdb:///shop.duckdb") == f"duckdb:///{tmp_path}/shop.duckdb"


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_mysql_and_mariadb_are_one_dialect(scheme: str) -> None:
    assert urls.dialect_of(f"{scheme}://u@host/db") == "mysql"
    assert urls.normal(f"{scheme}://u:p%40@host:3307/db?ssl_ca=x") == "mysql://u:p%40@host:3307/db?ssl_ca=x"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "sqlite:///relative.db"),
        ("shop.db", "sqlite:///relative.db"),
        ("oracle://u:secret@host/db", "sqlite:///relative.db"),
        ("mysql://u:secret@host", "mysql://user:password@host:3306/database"),
        ("mysql://u:secret@[::1/db", "mysql://user:password@host:3306/database"),
        ("duckdb://", "names no DuckDB file"),
        ("duckdb:///:memory:", "names no DuckDB file"),
        ("sqlite:shop.db", "sqlite:///relative.db"),
        ("sqlite://shop.db", "names no SQLite file"),
        ("sqlite://", "names no SQLite file"),
        ("sqlite:///:memory:", "names no SQLite file"),
        ("sqlite:///shop.db?mode=rw", "leave them out"),
        ("postgresql://", "postgresql://user:password@host:5432/database"),
        ("postgresql://u:secret@[::1/db", "postgresql://user:password@host:5432/database"),
    ],
)
def test_a_bad_url_is_refused_with_how_to_write_it(url: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        urls.normal(url)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
