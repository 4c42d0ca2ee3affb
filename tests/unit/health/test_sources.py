"""Where each setting comes from, and that no secret leaves."""

from pathlib import Path

import pytest

from farm.health.sources import misspelt, settings_with_sources, variable
from farm.settings import Settings


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No setting of the caller's counts."""
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    monkeypatch.delenv("FARM_CONFIG", raising=False)
    monkeypatch.setenv("FARM_SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found() -> dict[str, tuple[str, str]]:
    rows = settings_with_sources(Settings.load())
    return {row["name"]: (row["value"], row["source"]) for row in rows}


def test_every_setting_stands_there_once_by_its_variable() -> None:
    rows = settings_with_sources(Settings.load())
    assert [row["name"] for row in rows] == [variable(field) for field in Settings.model_fields]
    assert variable("openai_api_key") == "OPENAI_API_KEY"
    assert variable("workers") == "FARM_WORKERS"


def test_the_strongest_source_is_named(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (alone / "farm.toml").write_text("workers = 3\nrow_limit = 4\nmax_repairs = 1\n")
    (alone / "secrets").mkdir()
    (alone / "secrets" / "farm_row_limit").write_text("5")
    monkeypatch.setenv("FARM_WORKERS", "6")
    rows = found()
    assert rows["FARM_WORKERS"] == ("6", "environment")
    assert rows["FARM_ROW_LIMIT"] == ("5", str(alone / "secrets"))
    assert rows["FARM_MAX_REPAIRS"] == ("1", "farm.toml")
    assert rows["FARM_MODEL"][1] == "default"


def test_a_misspelt_variable_is_told_with_the_one_that_was_meant() -> None:
    given = (
        "FARM_WOKERS",
        "farm_concurency",
        "FARM_WORKERS",
        "FARM_CONFIG",
        "FARM_POOLS__BIG__MODEL",
        "PATH",
    )
    assert misspelt(given) == {"FARM_WOKERS": "FARM_WORKERS", "farm_concurency": "FARM_CONCURRENCY"}
    assert misspelt(["FARM_TEST_MARK", "FARM_SECRETS_DIR"]) == {}


def test_no_secret_is_shown(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-topsecret")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:topsecret@host/v1")
    monkeypatch.setenv("FARM_DATABASE_URL", "postgresql://farm:topsecret@host/farm")
    monkeypatch.setenv("FARM_REDIS_URL", "redis://:topsecret@host/0")
    monkeypatch.setenv("FARM_TARGETS__SHOP__URL", "postgresql://u:topsecret@host/shop")
    rows = found()
    assert "topsecret" not in str(rows)
    assert rows["OPENAI_API_KEY"] == ("********", "environment")
    assert rows["FARM_DATABASE_URL"][0] == "postgresql://farm:***@host/farm"
    assert rows["OPENAI_BASE_URL"][0] == "https://me:***@host/v1"
    assert "shop" in rows["FARM_TARGETS"][0]
