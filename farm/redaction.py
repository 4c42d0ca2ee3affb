"""Keeping secrets out of what people, logs and the store see. Pure."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, unquote, unquote_plus

HIDDEN = "***"
SHORTEST_CHARS = 6
"""A secret shorter than this is not looked for in texts, where it would blot out ordinary words."""
HIDING = r"[^=&?\s]*(?:pass|pwd|secret|token|key|credential|signature)[^=&\s]*"
"""The names of a URL's parameters whose values are hidden."""
VARIABLES = (
    "OPENAI_",
    "FARM_DATABASE_URL",
    "FARM_REDIS_URL",
    "FARM_SCRATCH_POSTGRES_URL",
    "FARM_TARGETS",
    "OTEL_EXPORTER_OTLP_",
    "FARM_WEB_READER_TOKEN",
    "FARM_WEB_RUNNER_TOKEN",
    "FARM_WEB_OPERATOR_TOKEN",
    "FARM_WEBHOOK_SECRET",
)
"""How the names of environment variables with secrets begin."""

Redact = Callable[[str], str]


def masked(url: str) -> str:
    """The URL for people to see: its password, wherever it stands, as ***."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    account, at, host = _parts(rest)
    host, question, query = host.partition("?")
    user, colon, _ = account.partition(":")
    query = re.sub(rf"(?i)((?:^|&){HIDING}=)[^&]*", rf"\1{HIDDEN}", query)
    host = re.sub(r"(?i)(\bpass\w*\s*=\s*)('[^']*'|\S+)", rf"\1{HIDDEN}", host)  # libpq's other form
    return f"{scheme}{separator}{user}{f':{HIDDEN}' if colon else ''}{at}{host}{question}{query}"


def _parts(rest: str) -> tuple[str, str, str]:
    """Account, @ and host with all that follows, of a URL without its scheme.

    A password may hold any character, also unquoted ones that end a host elsewhere: it goes up to the last @
    before the query, or, where none stands there, to the last one of all.
    """
    main, _, _ = rest.partition("?")
    account, at, _ = main.rpartition("@")
    if not at and re.match(r"[^:/@?]*:[^@/]*@", rest):
        account, at, host = rest.rpartition("@")
        return account, at, host
    return account, at, rest[len(account) + len(at) :]


def secrets_in(url: str) -> set[str]:
    """The passwords and keys in a URL, as they stand there and decoded."""
    rest = url.partition("://")[2] or url
    account, _, host = _parts(rest)
    query = host.partition("?")[2]
    found = {account.partition(":")[2], *re.findall(rf"(?i)(?:^|&){HIDING}=([^&]*)", query)}
    found |= {text for secret in found for text in (unquote(secret), unquote_plus(secret))}
    if ":" in account:
        found.add(b64encode(unquote(account).encode()).decode())  # as HTTP sends it
    return found - {""}


def redactor(secrets: Iterable[str]) -> Redact:
    """A function that replaces each of `secrets`, also quoted for a URL or for JSON, by ***."""
    known = {secret for secret in secrets if len(secret) >= SHORTEST_CHARS}
    spellings = {spelling for secret in known for spelling in _spellings(secret)}
    if not spellings:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(text) for text in sorted(spellings, key=len, reverse=True)))
    return lambda text: pattern.sub(HIDDEN, text)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that needs neither keys nor URLs."""
    return {name: value for name, value in environment.items() if not name.upper().startswith(VARIABLES)}


def _spellings(secret: str) -> tuple[str, ...]:
    in_json, in_python = json.dumps(secret)[1:-1], repr(secret)[1:-1]
    return secret, quote(secret, safe=""), quote(secret), in_json, in_python


def scrubbed(message: str, url: str) -> str:
    """A driver's message without the URL's password, however short, should the driver quote it."""
    for secret in sorted(secrets_in(url), key=len, reverse=True):
        message = message.replace(secret, HIDDEN)
    return message
