"""All settings, read once at the edge and passed down; nothing else in the farm reads the environment.

Sources, strongest first: arguments, environment (`FARM_…`), a folder of secret files, `farm.toml`, defaults.
`OPENAI_API_KEY` and `OPENAI_BASE_URL` mean what they mean everywhere.
"""

import base64
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from farm.errors import BadSetting
from farm.redaction import secrets_in

DEFAULT_MODEL = "gpt-4.1-mini"
DEFAULT_QUEUE = "default"
# Families that think before they answer, by the names they go by at most endpoints.
REASONING_MODELS = re.compile(
    r"(?:^|[/:])(?:o\d|gpt-[5-9](?!.*chat)|gpt-oss|deepseek-r\d|qwq|magistral)|(?<!non-)reason|(?<!no)(?<!no-)think",
    re.IGNORECASE,
)
# Thinking takes time and tokens, and most of these models take no temperature.
REASONING_DEFAULTS = {
    "temperature": None,
    "max_tokens": 16_384,
    "deadline_seconds": 600.0,
    "gap_seconds": 120.0,
}
MOST_WORKERS = 512
WEBHOOK_HOST = re.compile(r"(http://)?(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)(:[1-9]\d{0,4})?")


class PoolSettings(BaseModel):
    """One pool: the worker processes of one queue, all asking one model."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str
    workers: int = Field(default=1, ge=1, le=MOST_WORKERS)
    concurrency: int = Field(default=32, ge=1, le=4096)


class ModelSettings(BaseModel):
    """How one model is called, and what it costs (US dollars per million tokens)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    temperature: float | None = Field(default=0.0, ge=0, le=2, description="None leaves it to the provider")
    max_tokens: int = Field(default=1024, ge=16)
    seed: int | None = None
    deadline_seconds: float = Field(default=120.0, gt=0, description="for one call, from first byte to last")
    stream: bool = Field(default=False, description="have the answer sent as it is written")
    gap_seconds: float = Field(default=30.0, gt=0, description="longest silence within a streamed answer")
    trust_env: bool = Field(
        default=False, description="heed HTTPS_PROXY, SSL_CERT_FILE and the like for this model"
    )
    grammar: Literal["llama.cpp", "vllm", "sglang", "fireworks", "openai"] | None = Field(
        default=None, description="the endpoint can be held to a grammar, and is sent it in this way"
    )
    grammar_when: Literal["last_repair", "first", "never"] = Field(
        default="last_repair", description="which calls of a task are held to the grammar of valid queries"
    )
    prompt_usd_per_million: float | None = Field(default=None, ge=0)
    completion_usd_per_million: float | None = Field(default=None, ge=0)


class TargetSettings(BaseModel):
    """What of a target is secret or local, and so stays out of the store."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    url: SecretStr | None = None
    evidence: bool | None = Field(default=None, description="run accepted queries once, for their results")


class Settings(BaseSettings):
    """The farm's settings; `farm doctor` shows each with its source."""

    model_config = SettingsConfigDict(
        env_prefix="FARM_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        validate_default=False,
        allow_inf_nan=False,
    )

    home: Path = Field(default=Path(".farm"), description="folder for the store, the queue's data and logs")
    database_url: SecretStr | None = Field(
        default=None, description="the store; default SQLite at home/farm.db"
    )
    redis_url: SecretStr | None = Field(
        default=None, description="the queue; default an embedded Valkey in home"
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("OPENAI_API_KEY", "openai_api_key"),
        description="key of the model's endpoint",
    )
    openai_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OPENAI_BASE_URL", "openai_base_url"),
        description="address of an OpenAI-compatible endpoint",
        repr=False,  # it may hold a password
    )
    model: str = Field(default=DEFAULT_MODEL, description="model of the default pool")
    workers: int = Field(default=2, ge=1, le=MOST_WORKERS, description="worker processes of the default pool")
    concurrency: int = Field(default=32, ge=1, le=4096, description="tasks in flight per worker process")
    pools: dict[str, PoolSettings] = Field(default_factory=dict, description="further pools, by queue name")
    models: dict[str, ModelSettings] = Field(
        default_factory=dict, description="parameters and prices, by model"
    )
    targets: dict[str, TargetSettings] = Field(default_factory=dict, description="URLs of targets, by name")

    max_repairs: int = Field(default=2, ge=0, le=10, description="further calls after a refused first answer")
    max_attempts: int = Field(
        default=3, ge=1, le=100, description="claims without outcome before a task is dead"
    )
    require_dry_run: bool = Field(default=False, description="reject what no engine could prepare")
    initializer: str | None = Field(
        default=None, description="package.module:function called once per worker before it is ready"
    )
    start_method: Literal["spawn", "forkserver"] = Field(
        default="spawn", description="how workers are started"
    )
    lease_seconds: float = Field(default=15.0, ge=1, description="how long a silent worker keeps its tasks")
    grace_seconds: float = Field(
        default=20.0, ge=0, description="how long a draining worker may finish its tasks"
    )
    worker_memory_mib: float | None = Field(
        default=512.0, gt=0, description="a worker that holds more is replaced between its tasks"
    )
    worker_memory_limit_mib: float | None = Field(
        default=1024.0, gt=0, description="a worker that holds more is ended at once"
    )
    worker_max_tasks: int | None = Field(
        default=None, ge=1, description="a worker that has worked so many is replaced"
    )
    hint_window: int = Field(
        default=1000, ge=1, description="jobs kept in Redis per queue; the rest waits here"
    )
    check_timeout_seconds: float = Field(default=5.0, gt=0, description="for checking one answer")
    scratch_postgres_url: SecretStr | None = Field(
        default=None, description="a database where Postgres targets without URL are dry-run"
    )
    evidence_row_limit: int = Field(
        default=1000, ge=1, le=100_000, description="rows that are looked at for evidence"
    )
    evidence_timeout_seconds: float = Field(
        default=5.0, gt=0, le=300, description="how long a query may run for evidence"
    )
    row_limit: int = Field(default=1000, ge=1, description="rows that `farm run` fetches")
    run_timeout_seconds: float = Field(default=30.0, gt=0, description="how long `farm run` lets a query run")
    export_row_limit: int | None = Field(
        default=None, ge=1, description="rows that an export of the pages writes at most; default all"
    )
    export_timeout_seconds: float = Field(
        default=600.0, gt=0, description="how long an export of the pages may take"
    )

    web: bool = Field(default=True, description="`farm up` serves the pages too")
    web_host: str = Field(default="127.0.0.1", description="address that the pages are served at")
    web_port: int = Field(default=8000, ge=0, le=65535, description="port of the pages; 0: any free one")
    web_hosts: tuple[str, ...] | None = Field(
        default=None, description="names that browsers may call the pages by"
    )
    web_reader_token: SecretStr | None = Field(default=None, description="who has it may look at the pages")
    web_runner_token: SecretStr | None = Field(default=None, description="… and run, ask, correct and mark")
    web_operator_token: SecretStr | None = Field(default=None, description="… and steer the farm")
    web_user_header: str | None = Field(
        default=None, description="header in which a proxy names who has signed in there"
    )
    web_user_role: Literal["reader", "runner", "operator"] = Field(
        default="runner", description="what those may do whom the proxy names"
    )
    web_trusted_proxies: tuple[str, ...] | None = Field(
        default=None, description="addresses whose word about users is taken"
    )
    upload_limit_mib: float = Field(
        default=64.0, gt=0, description="largest file of questions the pages take"
    )

    webhook_hosts: tuple[str, ...] | None = Field(
        default=None, description="where batches may send word of their end; default nowhere"
    )
    webhook_secret: SecretStr | None = Field(default=None, description="what webhooks are signed with")

    sqlite_synchronous: Literal["NORMAL", "FULL"] = Field(
        default="NORMAL", description="durability of the store"
    )
    busy_timeout_seconds: float = Field(default=30.0, gt=0, description="wait for a locked SQLite store")
    local_model: str | None = Field(default=None, description="path of a GGUF file, or smollm2")
    cache_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("sqlfarm")), description="downloaded models"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_file: Path | None = Field(default=None, description="file for the logs; default standard error")
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: JSON off a terminal"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, *file_sources(settings_cls))

    @field_validator(
        "database_url",
        "redis_url",
        "openai_api_key",
        "openai_base_url",
        "scratch_postgres_url",
        "initializer",
        "local_model",
        "log_file",
        "web_reader_token",
        "web_runner_token",
        "web_operator_token",
        "web_user_header",
        "webhook_secret",
        mode="before",
    )
    @classmethod
    def _empty_means_not_set(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("home", "log_file")
    @classmethod
    def _tilde_is_the_home_folder(cls, value: Path | None) -> Path | None:
        return value and value.expanduser()  # where no shell has done so: a file of settings, a service

    @field_validator("webhook_hosts")
    @classmethod
    def _each_is_a_host(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for host in value or ():
            if not _is_webhook_host(host.lower()):
                raise ValueError(
                    f"{host!r:.100} is no host; write hooks.example.com, hooks.example.com:8443, or "
                    "http://receiver:8080 where it shall do without encryption"
                )
        return value and tuple(host.lower() for host in value)

    @field_validator("webhook_secret")
    @classmethod
    def _each_is_a_signing_secret(cls, value: SecretStr | None) -> SecretStr | None:
        for secret in value.get_secret_value().split() if value else ():
            if not _is_signing_secret(secret):
                raise ValueError(
                    "a secret is whsec_ and then 24 to 64 random bytes in base64, as of "
                    'echo "whsec_$(openssl rand -base64 32)"; while it is replaced, both with a space between'
                )
        return value

    @model_validator(mode="after")
    def _no_pool_takes_the_default_queue(self) -> Self:
        if DEFAULT_QUEUE in self.pools:
            raise ValueError(
                "pools.default is set by model, workers and concurrency themselves; name further pools only"
            )
        return self

    @classmethod
    def load(cls, **arguments: Any) -> Self:
        """Read all sources; raises BadSetting that names each setting at fault."""
        try:
            return cls(**arguments)
        except ValidationError as error:
            raise BadSetting(_explain(error)) from None
        except (SettingsError, OSError) as error:
            why = f" ({error.__cause__})" if error.__cause__ else ""
            raise BadSetting(f"the settings cannot be read: {error}{why}") from None

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.home / 'farm.db').absolute()}"

    @property
    def uses_local_model(self) -> bool:
        """Whether the farm runs its own model server, as no endpoint is configured."""
        return self.openai_api_key is None and self.openai_base_url is None

    def secrets(self) -> frozenset[str]:
        """Every key and password, in each spelling; none of them may be logged or stored."""
        urls = [self.database_url, self.redis_url, self.scratch_postgres_url]
        urls += [target.url for target in self.targets.values()]
        found = {secret for url in urls if url for secret in secrets_in(url.get_secret_value())}
        found |= secrets_in(self.openai_base_url or "")
        keys = [self.openai_api_key, self.web_reader_token, self.web_runner_token, self.web_operator_token]
        found |= {key.get_secret_value() for key in keys if key is not None}
        found |= {part for secret in self.webhook_secrets for part in (secret, secret.removeprefix("whsec_"))}
        return frozenset(found)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """What webhooks are signed with: one secret, or two while one replaces the other."""
        return tuple(self.webhook_secret.get_secret_value().split()) if self.webhook_secret else ()

    def all_pools(self) -> dict[str, PoolSettings]:
        """Every pool by its queue's name, the default one first."""
        default = PoolSettings(model=self.model, workers=self.workers, concurrency=self.concurrency)
        return {DEFAULT_QUEUE: default, **self.pools}

    def model_settings(self, model: str) -> ModelSettings:
        """How `model` is called: as set under `models`, else by the defaults for its kind."""
        chosen = self.models.get(model, ModelSettings())
        if not REASONING_MODELS.search(model):
            return chosen
        unset = REASONING_DEFAULTS.keys() - chosen.model_fields_set
        return chosen.model_copy(update={name: REASONING_DEFAULTS[name] for name in unset})

    def queue_for(self, model: str | None) -> str | None:
        """The queue whose pool asks `model` (None: the default pool's); None where no pool does."""
        if model is None:
            return DEFAULT_QUEUE
        return next((queue for queue, pool in self.all_pools().items() if pool.model == model), None)


def _is_webhook_host(text: str) -> bool:
    if not WEBHOOK_HOST.fullmatch(text):
        return False
    try:
        return urlsplit(f"//{text.removeprefix('http://')}").port != 0
    except ValueError:  # a port beyond 65535, or brackets around what is no IPv6 address
        return False


def _is_signing_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64


def file_sources(settings_cls: type[BaseSettings]) -> tuple[PydanticBaseSettingsSource, ...]:
    """The secrets folder, then `farm.toml`, as far as they exist."""
    sources: list[PydanticBaseSettingsSource] = []
    secrets = Path(os.environ.get("FARM_SECRETS_DIR", "/run/secrets"))
    if secrets.is_dir():
        sources.append(SecretsSettingsSource(settings_cls, secrets_dir=secrets))
    config = Path(os.environ.get("FARM_CONFIG", "farm.toml"))
    if config.is_file():
        try:
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=config))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSetting(f"{config} is no TOML: {error}") from None
    elif "FARM_CONFIG" in os.environ:
        raise BadSetting(f"FARM_CONFIG names {config}, which is no file")
    return tuple(sources)


SAID = {"extra_forbidden": "there is no such setting", "tuple_type": 'write it as a list: ["one", "two"]'}
"""What is wrong, where Pydantic's own words would not tell how to mend it."""


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"]) or "settings"
        said = SAID.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {said}")
    return "bad settings: " + "; ".join(lines)
