"""Types that a Postgres schema declares itself: enums with their labels, domains with what they stand for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from farm.sql.types.catalog import ENUM
from farm.sql.types.names import type_of, without_array


@dataclass(frozen=True, kw_only=True, eq=False)
class Declared:
    """`enums` has the labels of each, `domains` the type as written that each stands for, by stored name;
    `others` are the names of composite types, ranges and such."""

    enums: Mapping[str, frozenset[str]] = field(default_factory=dict)
    domains: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()

    def type_of(self, written: str) -> str | None:
        """The catalog's name of a type, or that of an enum behind ENUM; None for one that is not known."""
        known = type_of(written)
        if known is not None or not (self.enums or self.domains):
            return known
        text, is_array = without_array(written)
        last = text.rpartition(".")[2]
        name = last.strip('"') if last.startswith('"') else last.lower()
        found = f"{ENUM}{name}" if name in self.enums else None
        if found is None and name in self.domains and self.domains[name] != written:
            found = type_of(self.domains[name])
        return f"_{found}" if found is not None and is_array else found

    def has_label(self, text: str, enum: str) -> bool:
        """Whether an enum, named as by `type_of`, has this label."""
        return text in self.enums.get(enum.removeprefix(ENUM), {text})
