"""What a worker process is told at its start."""

import pickle
import socket
from dataclasses import dataclass, field, fields
from typing import Any

from farm.errors import BadSetting
from farm.settings import ModelSettings, PoolSettings, Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerConfig:
    """One slot's configuration, handed over by pickle; the addresses are resolved by the watchdog."""

    slot: str
    queue: str
    pool: PoolSettings
    model_settings: ModelSettings
    settings: Settings
    redis_url: str = field(repr=False)
    base_url: str | None = field(repr=False)
    api_key: str | None = field(repr=False)
    host: str = field(default_factory=socket.gethostname)


def require_picklable(config: Any) -> None:
    """Raise BadSetting naming the field of a dataclass that cannot be handed to a new process."""
    for entry in fields(config):
        try:
            pickle.dumps(getattr(config, entry.name))
        except Exception as error:
            raise BadSetting(
                f"{entry.name} cannot be handed to a worker process ({error}); name a function of a module "
                "in the `initializer` setting and let each worker build the object for itself"
            ) from None
