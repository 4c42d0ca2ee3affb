"""Where settings come from, which source wins, and what a wrong one is answered with."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from farm.errors import BadSetting
from farm.settings import DEFAULT_MODEL, ModelSettings, PoolSettings, Settings


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder and an environment that sets nothing."""
    import os

    for name in os.environ:
        if name.startswith(("FARM_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FARM_SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def secret(name: str, value: str) -> None:
    folder = Path("secrets")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(value)


def toml(text: str) -> None:
    Path("farm.toml").write_text(text, encoding="utf-8")


def test_everything_has_a_default(tmp_path: Path):
    settings = Settings.load()
    assert settings.model == DEFAULT_MODEL
    assert settings.store_url == f"sqlite:///{tmp_path / '.farm' / 'farm.db'}"
    assert settings.uses_local_model
    assert list(settings.all_pools()) == ["default"]


def test_each_source_wins_over_the_weaker_ones(monkeypatch: pytest.MonkeyPatch):
    assert Settings.load().model == DEFAULT_MODEL
    toml('model = "from-toml"')
    assert Settings.load().model == "from-toml"
    secret("farm_model", "from-secrets\n")
    assert Settings.load().model == "from-secrets"
    monkeypatch.setenv("FARM_MODEL", "from-environment")
    assert Settings.load().model == "from-environment"
    assert Settings.load(model="from-arguments").model == "from-arguments"


def test_the_names_of_openai_follow_the_same_order(monkeypatch: pytest.MonkeyPatch):
    def key() -> str | None:
        found = Settings.load().openai_api_key
        return found and found.get_secret_value()

    assert key() is None
    toml('openai_api_key = "from-toml"')
    assert key() == "from-toml"
    secret("openai_api_key", "from-secrets")
    assert key() == "from-secrets"
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    assert key() == "from-environment"
    given = Settings.load(openai_api_key="from-arguments").openai_api_key
    assert given is not None
    assert given.get_secret_value() == "from-arguments"


def test_sources_are_mixed_setting_by_setting(monkeypatch: pytest.MonkeyPatch):
    toml('workers = 3\nconcurrency = 7\n[models."a/b"]\ntemperature = 1.0\n')
    monkeypatch.setenv("FARM_WORKERS", "4")
    settings = Settings.load(max_repairs=0)
    assert (settings.workers, settings.concurrency, settings.max_repairs) == (4, 7, 0)
    assert settings.model_settings("a/b").temperature == 1.0


def test_an_empty_value_is_no_value(monkeypatch: pytest.MonkeyPatch):
    toml('redis_url = ""\nscratch_postgres_url = ""\nmodel = "from-toml"')
    secret("farm_database_url", "\n")
    monkeypatch.setenv("FARM_MODEL", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    settings = Settings.load(initializer="")
    assert settings.model == "from-toml"
    assert settings.uses_local_model
    assert settings.redis_url is settings.database_url is settings.scratch_postgres_url is None
    assert settings.initializer is None


def test_an_endpoint_replaces_the_local_model(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    assert not Settings.load().uses_local_model


def test_nested_settings_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FARM_TARGETS__SHOP__URL", "sqlite:///shop.db")
    monkeypatch.setenv("FARM_POOLS", '{"big": {"model": "large"}}')
    monkeypatch.setenv("FARM_POOLS__BIG__WORKERS", "5")
    settings = Settings.load()
    assert settings.targets["shop"].url.get_secret_value() == "sqlite:///shop.db"
    assert settings.pools == {"big": PoolSettings(model="large", workers=5)}


def test_the_file_may_stand_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    elsewhere = tmp_path / "other.toml"
    elsewhere.write_text("workers = 9")
    monkeypatch.setenv("FARM_CONFIG", str(elsewhere))
    assert Settings.load().workers == 9
    monkeypatch.setenv("FARM_CONFIG", str(tmp_path / "nowhere.toml"))
    with pytest.raises(BadSetting, match=r"FARM_CONFIG names .*nowhere.toml, which is no file"):
        Settings.load()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"workers": 0}, "workers: .*greater than or equal to 1"),
        ({"workers": "many"}, "workers: .*valid integer"),
        ({"lease_seconds": 0.5}, "lease_seconds: "),
        ({"run_timeout_seconds": "inf"}, "run_timeout_seconds: .*finite number"),
        ({"models": {"m": {"deadline_seconds": "inf"}}}, "models.m.deadline_seconds: .*finite number"),
        ({"start_method": "fork"}, "start_method: .*spawn.*forkserver"),
        ({"sqlite_synchronous": "OFF"}, "sqlite_synchronous: "),
        ({"web_hosts": "farm.example.com"}, "web_hosts: write it as a list: "),
        ({"wokers": 2}, "wokers: there is no such setting"),
        ({"pools": {"big": {"workers": 2}}}, "pools.big.model: Field required"),
        ({"pools": {"big": {"model": "m", "wokers": 2}}}, "pools.big.wokers: there is no such setting"),
        ({"pools": {"default": {"model": "m"}}}, "pools.default is set by model"),
        ({"models": {"m": {"temperature": 3}}}, "models.m.temperature: "),
        ({"targets": {"shop": {"uri": "x"}}}, "targets.shop.uri: there is no such setting"),
    ],
)
def test_a_wrong_setting_is_named(arguments: dict[str, Any], said: str):
    with pytest.raises(BadSetting, match=said):
        Settings.load(**arguments)


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FARM_WORKERS", "none")
    toml("concurrency = 0\nmystery = 1")
    with pytest.raises(BadSetting) as caught:
        Settings.load()
    assert all(name in str(caught.value) for name in ("workers", "concurrency", "mystery"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\nworkers 2", "farm.toml is no TOML: .*line 2"),
        (b"# f\xfcr uns\nworkers = 2", "farm.toml is no TOML: .*utf-8"),
        (b"workers = 2\nworkers = 3", "farm.toml is no TOML: "),
        (b"pools = 5", "pools: "),
    ],
)
def test_a_file_that_cannot_be_read_is_named(text: bytes, said: str):
    Path("farm.toml").write_bytes(text)
    with pytest.raises(BadSetting, match=said):
        Settings.load()


def test_a_variable_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FARM_POOLS", "{big")
    with pytest.raises(BadSetting, match=r'"pools".*column 2'):
        Settings.load()


def test_pools_are_found_by_their_model():
    settings = Settings.load(model="small", pools={"big": {"model": "large"}, "bigger": {"model": "large"}})
    assert list(settings.all_pools()) == ["default", "big", "bigger"]
    assert settings.queue_for(None) == "default"
    assert settings.queue_for("small") == "default"
    assert settings.queue_for("large") == "big"
    assert settings.queue_for("unknown") is None


def test_the_default_pool_is_made_of_the_plain_settings():
    settings = Settings.load(model="small", workers=3, concurrency=5)
    assert settings.all_pools()["default"] == PoolSettings(model="small", workers=3, concurrency=5)


def test_a_model_without_settings_is_called_by_the_defaults():
    settings = Settings.load(models={"m": {"max_tokens": 99}})
    assert settings.model_settings("m") == ModelSettings(max_tokens=99)
    assert settings.model_settings("other") == ModelSettings()


def test_a_store_url_is_taken_as_given():
    assert Settings.load(database_url="postgresql://u:p@h/d").store_url == "postgresql://u:p@h/d"


def test_settings_do_not_change():
    settings = Settings.load(pools={"big": {"model": "large"}})
    with pytest.raises(ValidationError):
        settings.workers = 5
    with pytest.raises(ValidationError):
        settings.pools["big"].workers = 5  # type: ignore[misc]


SECRETS = {
    "database_url": "postgresql://u:hush@h/d",
    "redis_url": "redis://:hush@h/0",
    "openai_api_key": "sk-hush",
    "scratch_postgres_url": "postgresql://u:hush@h/s",
    "targets": {"shop": {"url": "postgresql://u:hush@h/t"}},
}


def test_settings_travel_to_the_workers_whole():
    settings = Settings.load(**SECRETS, pools={"big": {"model": "large"}})
    again = pickle.loads(pickle.dumps(settings))
    assert again == settings
    assert again.store_url == "postgresql://u:hush@h/d"


def test_no_secret_is_ever_shown():
    settings = Settings.load(**SECRETS)
    shown = (repr(settings), str(settings), settings.model_dump_json(), repr(settings.targets))
    assert not any("hush" in text for text in shown)
    assert "hush" in settings.store_url, "it is kept nevertheless"


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "targets"])
def test_a_wrong_secret_is_not_repeated(name: str):
    with pytest.raises(BadSetting) as caught:
        Settings.load(**{name: ["hush"]})
    assert "hush" not in str(caught.value)


def test_every_setting_says_what_it_is_for():
    obvious = {"log_level"}
    silent = {name for name, field in Settings.model_fields.items() if not field.description}
    assert silent <= obvious


@pytest.mark.parametrize(
    ("model", "thinks"),
    [
        ("o3", True),
        ("o4-mini", True),
        ("openai/gpt-5-mini", True),
        ("gpt-5.1", True),
        ("openai/gpt-oss-120b", True),
        ("deepseek-ai/DeepSeek-R1", True),
        ("deepseek-reasoner", True),
        ("QwQ-32B", True),
        ("qwen3-30b-thinking", True),
        ("gpt-4.1-mini", False),
        ("gpt-4o", False),
        ("gpt-5-chat-latest", False),
        ("grok-4-fast-non-reasoning", False),
        ("qwen2.5-coder-1.5b", False),
        ("deepseek-chat", False),
        ("olmo-2", False),
    ],
)
def test_a_model_that_thinks_is_given_more_time_and_tokens(model, thinks):
    settings = Settings.load().model_settings(model)
    assert (settings.deadline_seconds, settings.max_tokens, settings.temperature) == (
        (600.0, 16_384, None) if thinks else (120.0, 1024, 0.0)
    )


def test_what_is_set_for_a_model_that_thinks_holds():
    settings = Settings.load(models={"o3": {"deadline_seconds": 30, "temperature": 1}})
    chosen = settings.model_settings("o3")
    assert (chosen.deadline_seconds, chosen.temperature, chosen.max_tokens) == (30.0, 1.0, 16_384)


def test_a_tilde_in_a_path_is_the_users_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    toml('home = "~/farm"\nlog_file = "~/farm.log"')
    settings = Settings.load()
    assert (settings.home, settings.log_file) == (tmp_path / "farm", tmp_path / "farm.log")
