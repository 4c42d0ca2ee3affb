"""Words of an endpoint, made fit for a log line: one line, printable, short, without secrets. Pure."""

from collections.abc import Collection
from urllib.parse import unquote, urlsplit

SAID_CHARS = 300
HIDDEN = "***"
SHORTEST_SECRET = 4


def plain(text: str, secrets: Collection[str] = ()) -> str:
    """At most 300 characters of `text` on one line; control characters are dropped, secrets read `***`."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    shown = "".join(char if char.isprintable() else " " for char in text[: 4 * SAID_CHARS])
    return " ".join(shown.split())[:SAID_CHARS]


def masked(url: str) -> str:
    """An address for people: no user, no password, no value of its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    account, at, host = parts.netloc.rpartition("@")
    query = "&".join(f"{name.partition('=')[0]}={HIDDEN}" for name in parts.query.split("&") if name)
    return parts._replace(netloc=f"{HIDDEN if account else ''}{at}{host}", query=query, fragment="").geturl()


def secrets_in(url: str | None, key: str | None) -> frozenset[str]:
    """What must never be shown of an address and a key: passwords and values, as written and unquoted."""
    found = {key or ""}
    if url is not None:
        account, _, rest = url.partition("://")[2].partition("@") if "@" in url else ("", "", url)
        found |= {account.partition(":")[2]}
        found |= {pair.partition("=")[2] for pair in rest.partition("?")[2].split("&")}
    found |= {unquote(secret) for secret in found}
    return frozenset(secret for secret in found if len(secret) >= SHORTEST_SECRET)
