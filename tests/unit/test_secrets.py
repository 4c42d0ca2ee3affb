"""No value that holds a secret shows it when it is printed, nor when it is wrong."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from farm.errors import BadSetting, FarmError
from farm.health.sources import settings_with_sources
from farm.models.client import Model
from farm.settings import ModelSettings, PoolSettings, Settings
from farm.store.engine import Store
from farm.targets.target import Target
from farm.worker.config import WorkerConfig, require_picklable

SECRET = "c4nary%2Fcanary"
URLS: dict[str, Any] = {
    "database_url": f"postgresql://u:{SECRET}@host/db?sslpassword={SECRET}",
    "redis_url": f"rediss://u:{SECRET}@host/0",
    "openai_api_key": SECRET,
    "openai_base_url": f"https://u:{SECRET}@host/v1?key={SECRET}",
    "scratch_postgres_url": f"postgresql://u:{SECRET}@host/db",
    "webhook_secret": "whsec_c4naryc4naryc4naryc4naryc4naryc4nary",
    "targets": {"shop": {"url": f"postgresql://host/db?password={SECRET}"}},
}


@pytest.fixture(autouse=True)
def _nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FARM_SECRETS_DIR", str(tmp_path / "none"))


def settings() -> Settings:
    return Settings.load(**URLS)


def config() -> WorkerConfig:
    return WorkerConfig(
        slot="default-1",
        queue="default",
        pool=PoolSettings(model="m"),
        model_settings=ModelSettings(),
        settings=settings(),
        redis_url=URLS["redis_url"],
        base_url=URLS["openai_base_url"],
        api_key=SECRET,
    )


def assert_silent(text: str) -> None:
    assert "c4nary" not in text


@pytest.mark.parametrize("show", [str, repr, "{}".format])
def test_values_do_not_show_their_secrets(show: Any) -> None:
    with Store.open(URLS["database_url"]) as store:
        values = [
            settings(),
            config(),
            store,
            store.where,
            Target(name="shop", dialect="postgres", ddl="", url=URLS["database_url"]),
            settings().targets,
            settings_with_sources(settings()),
        ]
        for value in values:
            assert_silent(show(value))


async def _made(base_url: str, api_key: str | None) -> str:
    async with Model(
        "m", base_url=base_url, api_key=api_key, settings=ModelSettings(), max_connections=1
    ) as model:
        return f"{model!r} {model.endpoint} {model.parameters}"


def test_a_model_does_not_show_its_key_or_address() -> None:
    shown = asyncio.run(_made(f"https://host/v1?key={SECRET}", SECRET))
    assert_silent(shown + asyncio.run(_made(f"https://u:{SECRET}@host/v1", None)))
    assert "https://host/v1" in shown


def test_settings_know_every_spelling_of_their_secrets() -> None:
    assert settings().secrets() >= {SECRET, "c4nary/canary", "c4naryc4naryc4naryc4naryc4naryc4nary"}


def test_what_cannot_be_handed_over_is_named_without_its_value() -> None:
    broken = dataclasses.replace(config(), api_key=lambda: SECRET)  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match="api_key cannot be handed to a worker") as caught:
        require_picklable(broken)
    assert_silent(str(caught.value))


BAD: list[dict[str, Any]] = [
    {"workers": SECRET},
    {"openai_api_key": [SECRET]},
    {"database_url": {"url": SECRET}},
    {"pools": {"x": SECRET}},
    {"targets": {"x": {"url": SECRET, "password": SECRET}}},
    {"targets": SECRET},
    {"log_file": [SECRET]},
]


@pytest.mark.parametrize("arguments", BAD, ids=range(len(BAD)))
def test_a_bad_setting_is_named_without_its_value(arguments: dict[str, Any]) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.load(**arguments)
    assert_silent(str(caught.value))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FARM_TARGETS", f'{{"shop": {{"url": "{SECRET}"'),
        ("FARM_POOLS", SECRET),
        ("FARM_WORKERS", SECRET),
        ("FARM_MODELS", f'["{SECRET}"]'),
    ],
)
def test_a_bad_variable_is_named_without_its_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSetting) as caught:
        Settings.load()
    assert_silent(str(caught.value))


@pytest.mark.parametrize(
    "text", [f'openai_api_key = "{SECRET}', f"openai_api_key = {SECRET}", f'x = "{SECRET}"']
)
def test_a_bad_file_is_named_without_what_it_holds(text: str, tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text(text)
    with pytest.raises(BadSetting) as caught:
        Settings.load()
    assert_silent(str(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{SECRET}@host/db",
        f"postgresql+asyncpg://u:{SECRET}@host/db",
        f"postgresql://u:{SECRET}@host:port/db",
        f"u:{SECRET}@host",
        SECRET,
    ],
)
def test_a_bad_store_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Store.open(url)
    assert_silent(str(caught.value))


@pytest.mark.parametrize("query", ["", f"?sslpassword={SECRET}&connect_timeout=1"])
def test_a_store_that_is_away_is_named_without_its_password(query: str) -> None:
    url = f"postgresql://u:{SECRET}@127.0.0.1:1/db{query}"
    with Store.open(url) as store, pytest.raises(FarmError) as caught, store.read():
        pass
    assert_silent(str(caught.value))
    assert "127.0.0.1" in str(caught.value)
