"""Words of an endpoint, made fit for a log line: one line, printable, short, without secrets. Pure."""

from farm import redaction
from farm.redaction import Redact

SAID_CHARS = 300
REAL_KEY_CHARS = 16
"""What is shorter is a placeholder for a server that wants no key, such as `ollama`."""


def plain(text: str, redact: Redact) -> str:
    """At most 300 characters of `text` on one line; control characters are dropped, secrets read `***`."""
    text = redact(text)[: 4 * SAID_CHARS]
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())[:SAID_CHARS]


def redactor(url: str | None, api_key: str | None) -> Redact:
    """Hides the key and what is secret in the address, where a name without a password is one, too."""
    secrets = {api_key or ""}
    if url is not None:
        account = url.partition("://")[2].partition("?")[0].rpartition("@")[0]
        secrets |= redaction.secrets_in(url) | ({account} if ":" not in account else set())
    return redaction.redactor(secrets)


def answer_redactor(api_key: str | None) -> Redact:
    """Hides the key in an answer, which is stored; an endpoint may repeat what it was sent."""
    return redaction.redactor([api_key] if api_key and len(api_key) >= REAL_KEY_CHARS else [])
