"""How the canonical form of a query is put together: parts in parentheses, so that none runs into another."""

from collections.abc import Iterable
from hashlib import sha256


class Unclear(Exception):
    """The query holds something whose meaning is not known well enough."""


class NamesMatter(Exception):
    """The names that the query gives may decide what it means, so they have to be kept."""


def each_once(keys: Iterable[str]) -> list[str]:
    """Sorted, without repetitions."""
    return sorted(set(keys))


def text(kind: str = "", *parts: str) -> str:
    """A thing of this kind with these parts."""
    return f"{kind}({','.join(parts)})"


def literal(value: str, *, is_string: bool) -> str:
    """A literal, to the letter."""
    return repr(("string" if is_string else "number", value))


def digest(form: str) -> str:
    """A long form in short."""
    return sha256(form.encode("utf-8", "surrogatepass")).hexdigest()[:40]
