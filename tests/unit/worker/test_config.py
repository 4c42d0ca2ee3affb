"""What is handed to a worker process can be pickled, or the message says what cannot."""

import pickle
from dataclasses import dataclass, field
from typing import Any

import pytest

from farm.errors import BadSetting
from farm.settings import ModelSettings, Settings
from farm.worker.config import WorkerConfig, require_picklable


def config(tmp_path) -> WorkerConfig:
    settings = Settings.load(home=tmp_path, openai_api_key="sk-secret-of-this-test")
    return WorkerConfig(
        slot="default-1",
        queue="default",
        pool=settings.all_pools()["default"],
        model_settings=ModelSettings(),
        settings=settings,
        redis_url="unix:///tmp/x.sock",
        base_url=None,
        api_key="sk-secret-of-this-test",
    )


def test_a_worker_s_configuration_survives_the_way_to_its_process(tmp_path):
    given = config(tmp_path)
    require_picklable(given)
    assert pickle.loads(pickle.dumps(given)) == given


def test_a_configuration_does_not_show_its_key(tmp_path):
    assert "secret-of-this-test" not in repr(config(tmp_path))


def test_the_field_that_cannot_be_pickled_is_named():
    @dataclass
    class Config:
        slot: str = "default-1"
        hook: Any = field(default_factory=lambda: lambda: None)

    with pytest.raises(BadSetting, match=r"^hook cannot be handed to a worker process .*initializer"):
        require_picklable(Config())
