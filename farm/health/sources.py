"""Each effective setting with its value and the source that gave it; secrets never leave here."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import SecretStr
from pydantic_settings import EnvSettingsSource, PydanticBaseSettingsSource

from farm.redaction import masked
from farm.settings import Settings, file_sources
from farm.sql.nearest import nearest

PREFIX = "FARM_"
HIDDEN = "********"


def settings_with_sources(settings: Settings) -> list[dict[str, str]]:
    """Each setting as `name` (of its environment variable), `value` (secrets masked) and `source`."""
    sources = list(_sources())
    return [
        {
            "name": variable(field),
            "value": shown(field, getattr(settings, field)),
            "source": next((label for label, given in sources if _names(field) & given.keys()), "default"),
        }
        for field in Settings.model_fields
    ]


def variable(field: str) -> str:
    """The environment variable of a setting."""
    alias = Settings.model_fields[field].validation_alias
    choices = getattr(alias, "choices", None)
    return str(choices[0]) if choices else f"FARM_{field.upper()}"


def misspelt(names: Iterable[str]) -> dict[str, str]:
    """Of these environment variables those that are no settings but resemble one, with that one."""
    known = {variable(field).removeprefix(PREFIX): variable(field) for field in Settings.model_fields}
    found: dict[str, str] = {}
    for name in sorted(names):
        word = name.upper().removeprefix(PREFIX).partition("__")[0]
        if not name.upper().startswith(PREFIX) or word in {*known, "CONFIG", "SECRETS_DIR"}:
            continue
        if close := nearest(word, known):
            found[name] = known[close[0]]
    return found


def shown(field: str, value: Any) -> str:
    """A value for people: no secret, and of a URL everything but its password."""
    match value:
        case None:
            return ""
        case SecretStr():
            return masked(value.get_secret_value()) if field.endswith("_url") else HIDDEN
        case dict():
            return ", ".join(f"{key}: {item}" for key, item in value.items())
        case str() if field.endswith("_url"):
            return masked(value)
        case _:
            return str(value)


def _sources() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "environment", EnvSettingsSource(Settings)()
    for source in file_sources(Settings):
        yield _label(source), source()


def _label(source: PydanticBaseSettingsSource) -> str:
    path = getattr(source, "toml_file_path", None) or getattr(source, "secrets_dir", None)
    return str(path) if path else type(source).__name__


def _names(field: str) -> set[str]:
    alias = Settings.model_fields[field].validation_alias
    return {field, *(str(choice) for choice in getattr(alias, "choices", []))}
