"""What Postgres knows of types, casts, operators and functions, from its own catalogs (`postgres.txt`)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

UNKNOWN = "unknown"  # the type of a string literal until its surroundings give it one
RECORD = "record"
ENUM = "enum "  # how the name of a type that a schema declares as an enum begins here


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One operator or function. `kind`: f function, a aggregate, w window, o ordered-set aggregate, h
    hypothetical-set aggregate. The last `defaults` arguments may be left out; of a `variadic` one the last
    argument, an element type here or "any", may come once or more often."""

    kind: str
    arguments: tuple[str, ...]
    result: str
    is_set: bool = False
    is_variadic: bool = False
    defaults: int = 0

    def takes(self, count: int) -> bool:
        if self.is_variadic and count >= len(self.arguments):
            return True
        return len(self.arguments) - self.defaults <= count <= len(self.arguments)

    def expanded(self, count: int) -> tuple[str, ...]:
        """The types of `count` arguments."""
        if count <= len(self.arguments):
            return self.arguments[:count]
        return self.arguments + (self.arguments[-1],) * (count - len(self.arguments))


@dataclass(kw_only=True)
class Catalog:
    """`casts` maps (source, target) to i(mplicit), a(ssignment) or e(xplicit). Names in `partial` have
    overloads that are not described here."""

    categories: dict[str, str] = field(default_factory=dict)
    preferred: set[str] = field(default_factory=set)
    casts: dict[tuple[str, str], str] = field(default_factory=dict)
    operators: dict[str, list[Signature]] = field(default_factory=dict)
    functions: dict[str, list[Signature]] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)

    def category(self, type_: str) -> str:
        """The one-letter category of a type; A for arrays, E for enums, P for polymorphic ones."""
        known = self.categories.get(type_)
        if known is not None:
            return known
        if type_.startswith(("_", ENUM)):
            return "A" if type_.startswith("_") else "E"
        return "X" if type_ == UNKNOWN else "P"


@cache
def catalog() -> Catalog:
    """The catalog, read once per process."""
    text = files("farm.sql.types").joinpath("postgres.txt").read_text(encoding="utf-8")
    read = Catalog()
    for line in text.splitlines():
        word, *rest = line.split()
        if word in _READERS:
            _READERS[word](read, rest)
    return read


def _type(read: Catalog, words: Sequence[str]) -> None:
    read.categories[words[0]] = words[1]
    if words[-1] == "*":
        read.preferred.add(words[0])


def _cast(read: Catalog, words: Sequence[str]) -> None:
    read.casts[words[0], words[1]] = words[2]


def _operator(read: Catalog, words: Sequence[str]) -> None:
    name, left, right, result = words
    arguments = (right,) if left == "-" else (left, right)
    read.operators.setdefault(name, []).append(Signature(kind="f", arguments=arguments, result=result))


def _function(read: Catalog, words: Sequence[str]) -> None:
    name, kind, *rest = words
    if kind == "?":
        read.partial.add(name)
        return
    defaults, *arguments = rest[: rest.index("->")]
    is_variadic = bool(arguments) and arguments[-1].startswith("...")
    if is_variadic:
        arguments[-1] = _element(arguments[-1][3:])
    signature = Signature(
        kind=kind,
        arguments=tuple(arguments),
        result=rest[-1].lstrip("*"),
        is_set=rest[-1].startswith("*"),
        is_variadic=is_variadic,
        defaults=int(defaults),
    )
    read.functions.setdefault(name, []).append(signature)


def _element(array: str) -> str:
    return {"anyarray": "anyelement", "anycompatiblearray": "anycompatible"}.get(array, array.lstrip("_"))


_READERS = {"type": _type, "cast": _cast, "op": _operator, "fn": _function}
