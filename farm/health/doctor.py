"""The tests of `farm doctor`: one line on each thing the farm depends on, and how to mend what is wrong."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from farm.checker.engines import Engines, Scratch
from farm.errors import BadAnswer, BadSetting, FarmError, GiveUp, TargetTrouble, Unavailable
from farm.models.answer import Message
from farm.queue.aside import KEYS_KEY, REFUSED_KEY
from farm.queue.connection import connect, require, require_writable
from farm.queue.hints import Hints
from farm.redaction import masked, redactor
from farm.services import valkey
from farm.settings import PoolSettings, Settings
from farm.store import revision, targets
from farm.store.engine import Store
from farm.targets import urls
from farm.targets.engine import NoEngine, open_engine
from farm.targets.target import Target
from farm.tracing import switch

PROBE = (Message("user", "Answer with the one word: ready"),)
PROBE_DEADLINE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing tried: what was found, or what is wrong and how to mend it."""

    name: str
    ok: bool
    message: str


def run(settings: Settings) -> list[Check]:
    """Test Redis, the store, the model of each pool, and each target."""
    checks = [_try("Redis", lambda: _redis(settings)), _try("store", lambda: _store(settings))]
    if settings.uses_local_model:
        checks.append(
            Check(name="model", ok=True, message="no endpoint is set: the farm runs a local model of its own")
        )
    else:
        checks += [
            _try(f"model of {queue}", lambda pool=pool: _model(settings, pool))  # type: ignore[misc]
            for queue, pool in settings.all_pools().items()
        ]
    if all(check.ok for check in checks if check.name == "store"):
        checks += _targets(settings)
    if settings.webhook_hosts:
        checks.append(_try("webhooks", lambda: _webhooks(settings)))
    if not switch.is_off(os.environ):
        checks.append(_try("traces", _traces))
    return checks


def _try(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, message=check())
    except FarmError as error:
        return Check(name=name, ok=False, message=str(error))


def _redis(settings: Settings) -> str:
    if settings.redis_url is not None:
        url = settings.redis_url.get_secret_value()
        return f"answers at {masked(url)}{_set_aside(url)}"
    url = valkey.url(settings.home)
    if valkey.answers(url):
        return f"the embedded server answers at {url}{_set_aside(url)}"
    return f"embedded: {valkey.binary()} will be started with the farm"


def _set_aside(url: str) -> str:
    """How much of what stood in Redis was of no use; raises Unavailable or Misuse where Redis is."""
    connection = connect(url)
    try:
        require(connection, url)
        require_writable(connection, url)
        count = Hints(connection).set_aside()
    finally:
        connection.close()
    things = "1 thing that was" if count == 1 else f"{count:,} things that were"
    return f"; {things} not the farm's set aside: see {REFUSED_KEY} and {KEYS_KEY} there" if count else ""


def _opened(settings: Settings) -> Store:
    return Store.open(settings.store_url, busy_timeout_seconds=5.0)


def _store(settings: Settings) -> str:
    with _opened(settings) as store:
        if store.dialect == "sqlite" and revision.current(store) is None:
            return f"{store.where} is empty; it is set up at first use"
        revision.require_current(store)
        with store.write():
            return f"{store.where} is at revision {revision.head()} and can be written"


def _webhooks(settings: Settings) -> str:
    if not settings.webhook_secrets:
        raise BadSetting(
            "FARM_WEBHOOK_HOSTS is set, but FARM_WEBHOOK_SECRET is not, and none is sent unsigned"
        )
    return f"go to {', '.join(settings.webhook_hosts or ())}"


def _model(settings: Settings, pool: PoolSettings) -> str:
    """Ask the model for one word; a bad or refused answer still shows that it is there."""
    from farm.models.client import Model

    chosen = settings.model_settings(pool.model)
    chosen = chosen.model_copy(update={"deadline_seconds": PROBE_DEADLINE_SECONDS, "max_tokens": 16})

    async def ask() -> str:
        async with Model(
            pool.model,
            base_url=settings.openai_base_url,
            api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
            settings=chosen,
            max_connections=1,
        ) as model:
            try:
                answer = await model.ask(PROBE)
            except GiveUp as error:
                return f"{pool.model} at {model.endpoint} is there ({error})"
            except BadAnswer as error:
                raise FarmError(f"{error}; check FARM_MODEL and OPENAI_BASE_URL") from None
            return f"{pool.model} at {model.endpoint} answers in {answer.latency_ms:,.0f} ms"

    return asyncio.run(ask())


def _traces() -> str:
    """Send the collector nothing, and see whether it takes that. Raises BadSetting or Unavailable."""
    switch.require(os.environ)
    if switch.wanted(os.environ) == "console":
        return "spans are written to standard error"
    from farm.tracing.collector import refusal

    where = masked(switch.address(os.environ))
    if (why := refusal()) is not None:
        why = redactor(switch.secrets(os.environ))(why)
        raise Unavailable(f"{where} takes no spans, which costs no task ({why}); check the OTEL_… variables")
    return f"{where} takes spans"


def _targets(settings: Settings) -> Iterator[Check]:
    with _opened(settings) as store:
        if revision.current(store) is None:
            return
        for name in targets.names(store):
            yield _try(f"target {name}", lambda name=name: _target(settings, store, name))  # type: ignore[misc]


def _target(settings: Settings, store: Store, name: str) -> str:
    target = targets.load(store, name)
    url = urls.find(settings, name)
    if url is None:
        how = _dry_run(settings, target)
        return f"{target.dialect}, from its DDL alone, {how}; give a URL to run queries"
    engine = open_engine(replace(target, url=url), purpose="run")
    if engine is None:
        return f"{target.dialect}: no engine is at hand"
    try:
        current = engine.introspect()
    finally:
        engine.close()
    changed = replace(target, ddl=current).fingerprint != target.fingerprint
    advice = f"; its schema has changed: `farm target refresh {name}`" if changed else ""
    return f"{target.dialect} answers at {masked(url)}{advice}"


def _dry_run(settings: Settings, target: Target) -> str:
    """What prepares the queries of a target without a URL, or why nothing does."""
    scratch = Scratch.of(settings)
    with closing(Engines()) as engines, engines.patiently():
        try:
            engine = engines.open(target, scratch)
        except (NoEngine, TargetTrouble) as error:
            return f"without dry runs ({error})"
        if engine is None:
            return "without dry runs (no engine is at hand)"
        with closing(engine):
            return f"dry-run by {engine.name}"
