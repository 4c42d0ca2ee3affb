"""docker-compose.yml as Docker Compose reads it, and what must hold of it that no schema says."""

import ast
import functools
import importlib.util
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer
import yaml

from farm.cli.main import app
from farm.errors import BadSetting
from farm.services import llama
from farm.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
DURATION = re.compile(r"(?:(\d+)m)?(?:(\d+)s)?")
PINNED = re.compile(r"[a-z0-9/]+:v?\d+\.\d+[\w.-]*")
NOT_SETTINGS = {"FARM_SECRETS_DIR", "FARM_CONFIG"}  # where settings are read from
DRAIN_MARGIN_SECONDS = 10.0
PROGRAMS = ("farm", "python", "valkey-server", "valkey-cli", "postgres", "pg_isready")
PROGRAMS_OF_IMAGES = {"prom/prometheus": ("prometheus", "promtool"), "grafana/grafana": ("wget",)}
"""Of services that are watched by others and never run here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How a service is asked whether it is well."""

    command: tuple[str, ...]
    timeout_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One service as the file has it, anchors merged and variables filled in."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    user: str
    health: Health | None
    secrets: tuple[str, ...]
    configs: Mapping[str, str] = field(default_factory=dict)
    """Name by the path in the container."""
    waits_for: Mapping[str, str] = field(default_factory=dict)
    """Condition by the service's name."""
    stop_seconds: float = 10.0
    profiles: tuple[str, ...] = ()

    @property
    def is_the_farms(self) -> bool:
        return self.command[:1] == ("farm",) or self.command[:2] == ("python", "-m")


def read(path: Path = FILE, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file, with the variables of an `.env` filled in."""
    filled: dict[str, Any] = fill(_parsed(path), variables or {})
    return filled


@functools.cache
def _parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def fill(value: Any, variables: Mapping[str, str]) -> Any:
    """`${NAME:-default}` in every text; an empty variable counts as none."""
    match value:
        case dict():
            return {key: fill(item, variables) for key, item in value.items()}
        case list():
            return [fill(item, variables) for item in value]
        case str():
            return VARIABLE.sub(lambda found: variables.get(found[1]) or found[2] or "", value)
        case _:
            return value


def services(file: Mapping[str, Any]) -> dict[str, Service]:
    """All services, by name."""
    return {name: service(name, said) for name, said in file["services"].items()}


def service(name: str, said: Mapping[str, Any]) -> Service:
    command = said.get("command", [])
    return Service(
        name=name,
        command=tuple(shlex.split(command) if isinstance(command, str) else map(str, command)),
        environment={key: str(value) for key, value in said.get("environment", {}).items()},
        user=str(said.get("user", "")),
        health=health(said.get("healthcheck", {})),
        secrets=tuple(said.get("secrets", [])),
        configs={config["target"]: config["source"] for config in said.get("configs", [])},
        waits_for={other: how["condition"] for other, how in said.get("depends_on", {}).items()},
        stop_seconds=seconds(said.get("stop_grace_period", "10s")),
        profiles=tuple(said.get("profiles", [])),
    )


def health(said: Mapping[str, Any]) -> Health | None:
    test = said.get("test")
    if not test or said.get("disable"):
        return None
    words = test[1:] if test[0] == "CMD" else ["sh", "-c", *test[1:]]
    return Health(command=tuple(map(str, words)), timeout_seconds=seconds(said.get("timeout", "30s")))


def seconds(text: str) -> float:
    """Such as `45s` or `1m30s`."""
    found = DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"{text!r} is no duration such as 45s")
    return 60.0 * int(found[1] or 0) + int(found[2] or 0)


# What must hold


def problems(file: Mapping[str, Any]) -> list[str]:
    """What is wrong with the file, one line each, as far as it can be told without starting anything."""
    found = services(file)
    lines = [line for name, said in file["services"].items() for line in _hardening(name, said)]
    for each in found.values():
        lines += _order(each, found)
        lines += _files(each, file)
        image = file["services"][each.name].get("image", "").split(":")[0]
        programs = PROGRAMS_OF_IMAGES.get(image, PROGRAMS)
        if image not in PROGRAMS_OF_IMAGES:  # those have entrypoints, which take options alone
            lines += [f"{each.name}: {line}" for line in command_problems(each.command)]
        if each.health is not None:
            found_wrong = command_problems(each.health.command, programs)
            lines += [f"{each.name}: healthcheck: {line}" for line in found_wrong]
        if each.is_the_farms:
            lines += [f"{each.name}: {line}" for line in _settings(each)]
    return lines


def _hardening(name: str, said: Mapping[str, Any]) -> Iterator[str]:
    limits = said.get("deploy", {}).get("resources", {}).get("limits", {})
    options = said.get("logging", {}).get("options", {})
    rules = {
        "init is not true": said.get("init") is True,
        "its root file system is not read-only": said.get("read_only") is True,
        "cap_drop is not [ALL]": said.get("cap_drop") == ["ALL"] and not said.get("cap_add"),
        "it may gain privileges": "no-new-privileges:true" in said.get("security_opt", []),
        "it is privileged": not said.get("privileged"),
        "its user is root": str(said.get("user", "")).split(":")[0] not in ("", "0", "root"),
        "its image has no version": bool(PINNED.fullmatch(said.get("image", ""))),
        "no restart policy": "restart" in said,
        "no limit of memory": "memory" in limits,
        "no limit of processes": "pids" in limits,
        "no limit of logs": {"max-size", "max-file"} <= options.keys(),
    }
    yield from (f"{name}: {rule}" for rule, holds in rules.items() if not holds)
    for port in said.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"{name}: port {port} is open to other machines"


def _order(each: Service, others: Mapping[str, Service]) -> Iterator[str]:
    for name, condition in each.waits_for.items():
        other = others.get(name)
        if other is None:
            yield f"{each.name}: waits for {name}, which is no service"
        elif condition == "service_healthy" and other.health is None:
            yield f"{each.name}: waits for the health of {name}, which has no healthcheck"
        elif condition == "service_started":
            yield f"{each.name}: does not wait until {name} is well"
    ends = any(
        other.waits_for.get(each.name) == "service_completed_successfully" for other in others.values()
    )
    if each.health is None and not ends:
        yield f"{each.name}: no healthcheck"


def _files(each: Service, file: Mapping[str, Any]) -> Iterator[str]:
    for kind, names in (("secrets", each.secrets), ("configs", tuple(each.configs.values()))):
        for name in names:
            if name not in file.get(kind, {}):
                yield f"{each.name}: there are no {kind} named {name}"
    named = " ".join([*each.command, *each.environment.values()])
    for path in re.findall(r"/run/secrets/(\w+)", named):
        if path not in each.secrets:
            yield f"{each.name}: /run/secrets/{path} is not given to it"
    for path in re.findall(r"/etc/farm/\S+", named):
        if path not in each.configs:
            yield f"{each.name}: {path} is not given to it"


def command_problems(words: Sequence[str], programs: Sequence[str] = PROGRAMS) -> Iterator[str]:
    """What is wrong with a command line, read by the parser of the program itself where it is ours."""
    program, *arguments = words or ("",)
    if program not in programs:
        yield f"there is no program {program!r}"
    elif program == "farm":
        yield from _farm(arguments)
    elif program == "python" and arguments[:1] == ["-m"]:
        yield from _module(arguments[1], arguments[2:])
    elif program == "python":
        yield from _code(arguments)


@functools.cache
def _group() -> Any:
    return typer.main.get_command(app)


def _farm(arguments: Sequence[str]) -> Iterator[str]:
    command, rest = _group(), list(arguments)
    while hasattr(command, "commands"):
        command = command.commands.get(rest.pop(0)) if rest else None
    if command is None:
        yield f"there is no command farm {' '.join(arguments)}"
        return
    try:
        command.make_context(arguments[0], rest)
    except Exception as error:  # of typer's own copy of click
        yield f"farm {arguments[0]}: {error}"


def _module(name: str, arguments: Sequence[str]) -> Iterator[str]:
    try:
        there = importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        yield f"there is no module {name}"
    elif name == "farm.services.llama":
        try:
            llama.arguments(arguments)
        except SystemExit:
            yield f"{name} takes no {' '.join(arguments)}"


def _code(arguments: Sequence[str]) -> Iterator[str]:
    try:
        tree = ast.parse(arguments[1])
    except (SyntaxError, IndexError) as error:
        yield f"python: {error}"
        return
    for node in ast.walk(tree):
        for alias in node.names if isinstance(node, ast.Import) else ():
            if importlib.util.find_spec(alias.name) is None:
                yield f"there is no module {alias.name}"


def _settings(each: Service) -> Iterator[str]:
    """Whether its environment and its secrets are settings, and such as the farm takes."""
    known = {
        "OPENAI_API_KEY" if name == "openai_api_key" else f"FARM_{name.upper()}"
        for name in Settings.model_fields
    }
    known = known - {"FARM_OPENAI_BASE_URL"} | {"OPENAI_BASE_URL"}
    for name in each.environment:
        if name.startswith(("FARM_", "OPENAI_")) and name.split("__")[0] not in known | NOT_SETTINGS:
            yield f"there is no setting {name}"
    for name in each.secrets:
        if name.upper() not in known:
            yield f"the secret {name} is no setting"
    try:
        settings = loaded(each.environment)
    except BadSetting as error:
        yield str(error)
        return
    if each.command[:2] == ("farm", "workers") and each.stop_seconds < (
        settings.grace_seconds + DRAIN_MARGIN_SECONDS
    ):
        yield f"stopped after {each.stop_seconds:g} s, when tasks may still be in flight"
    if each.command[:2] == ("farm", "web") and "farm_web_operator_token" not in each.secrets:
        yield "the pages are open to everybody"


def loaded(environment: Mapping[str, str]) -> Settings:
    """The settings that a service's environment gives; raises BadSetting."""
    ours = {name: value for name, value in environment.items() if name not in NOT_SETTINGS}
    nowhere = {"FARM_SECRETS_DIR": "/nonexistent"}
    with patch.dict(os.environ, {**ours, **nowhere}, clear=True):
        return Settings.load()
