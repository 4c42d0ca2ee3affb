"""The worker pools of one farm: which slots there should be, and what each one's worker is told."""

import os
import secrets
import socket
from collections.abc import Iterable, Mapping

from farm.settings import ModelSettings, PoolSettings, Settings
from farm.watchdog.child import Child, WorkerChild
from farm.watchdog.servers import LOCAL_PARALLEL, Endpoint
from farm.watchdog.watchdog import Slot, Watchdog
from farm.worker.config import WorkerConfig

LOCAL_MODEL = ModelSettings(
    temperature=0.0, max_tokens=400, seed=1, deadline_seconds=600.0, grammar="llama.cpp"
)


class Pools:
    """Keeps the watchdog's slots in line with the settings and with what `farm scale` asks for."""

    def __init__(self, watchdog: Watchdog, *, redis_url: str, local_model: str | None) -> None:
        self._watchdog = watchdog
        self._redis_url = redis_url
        self._local_model = local_model
        self._configs: dict[str, WorkerConfig] = {}

    def of(self, settings: Settings, scale: Mapping[str, int] | None = None) -> dict[str, PoolSettings]:
        """Every pool by its queue, with the number of its workers as it is scaled now."""
        pools = {
            queue: pool.model_copy(update={"workers": (scale or {}).get(queue, pool.workers)})
            for queue, pool in settings.all_pools().items()
        }
        if self._local_model is None:
            return pools
        return {queue: served_locally(pool, self._local_model) for queue, pool in pools.items()}

    def arrange(self, settings: Settings, endpoint: Endpoint, scale: Mapping[str, int]) -> None:
        """Add the slots that are missing, give up those that are too many, renew what is set otherwise.

        A worker that is given up or renewed finishes the tasks it has in flight.
        """
        wanted = {
            config.slot: config
            for queue, pool in self.of(settings, scale).items()
            if queue not in self._watchdog.closed
            for config in self._configure(settings, endpoint, queue, pool)
        }
        for slot in self._configs.keys() - wanted.keys():
            if self._watchdog.has(slot):
                in_settings = self._configs[slot].queue in settings.all_pools()
                self._watchdog.leave(slot, "scaled down" if in_settings else "its pool was taken out")
        before, self._configs = self._configs, wanted
        for slot, config in wanted.items():
            if not self._watchdog.has(slot):
                self._add(slot)
            elif config != before.get(slot, config):
                self._watchdog.retire(slot, "its settings have changed")

    def _configure(
        self, settings: Settings, endpoint: Endpoint, queue: str, pool: PoolSettings
    ) -> Iterable[WorkerConfig]:
        # how many others there are is not a worker's affair, and no reason to replace it
        own = settings.model_copy(update={"workers": 1, "pools": {}})
        for number in range(1, pool.workers + 1):
            yield WorkerConfig(
                slot=f"{queue}-{number}",
                queue=queue,
                pool=pool.model_copy(update={"workers": 1}),
                model_settings=self._model_settings(settings, pool.model),
                settings=own,
                redis_url=self._redis_url,
                base_url=endpoint.base_url,
                api_key=endpoint.api_key,
            )

    def _model_settings(self, settings: Settings, model: str) -> ModelSettings:
        if self._local_model is None or model in settings.models:
            return settings.model_settings(model)
        return LOCAL_MODEL

    def _add(self, name: str) -> None:
        def start(life: int) -> Child:
            config = self._configs[name]
            process = f"{name}.{socket.gethostname()}.{os.getpid()}-{life}-{secrets.token_hex(2)}"
            return WorkerChild(process, config, config.settings.start_method)

        if self._watchdog.knows(name):
            self._watchdog.stay(name)
        else:
            self._watchdog.add(Slot(name=name, start=start, pool=self._configs[name].queue))


def served_locally(pool: PoolSettings, model: str) -> PoolSettings:
    """The pool asking the local model, with no more tasks in flight than its server answers side by side."""
    concurrency = max(1, LOCAL_PARALLEL // max(1, pool.workers))
    return pool.model_copy(update={"model": model, "concurrency": concurrency})
