"""Which values stand in for which types.

After "Type Conversion" in PostgreSQL's documentation and parse_coerce.c.
"""

from collections.abc import Iterable, Sequence

from farm.sql.types.catalog import ENUM, RECORD, UNKNOWN, catalog

_ELEMENTS = frozenset({"anyelement", "anynonarray", "anyenum"})
_COMPATIBLE = frozenset({"anycompatible", "anycompatiblenonarray"})
_ARRAYS = frozenset({"anyarray", "anycompatiblearray"})
_RANGES = {
    "int4range": "int4",
    "int8range": "int8",
    "numrange": "numeric",
    "tsrange": "timestamp",
    "tstzrange": "timestamptz",
    "daterange": "date",
}
_RANGE = frozenset({"anyrange", "anycompatiblerange"})
POLYMORPHIC = _ELEMENTS | _COMPATIBLE | _ARRAYS | _RANGE
_ANY_ELEMENT = frozenset({"anyelement", "anycompatible"})
_RANKS = {"i": 0, "a": 1, "e": 2}


def can_coerce(source: str, target: str, *, context: str = "i") -> bool:
    """Whether `source` stands in for `target`, in an i(mplicit), a(ssignment) or e(xplicit) cast."""
    if source in {target, UNKNOWN} or target == "any":
        return True
    if target in POLYMORPHIC or target.startswith("any"):
        return _fits(source, target)
    known = catalog()
    cast = known.casts.get((source, target))
    if cast is not None and _RANKS[cast] <= _RANKS[context]:
        return True
    if source.startswith("_") and target.startswith("_"):
        return can_coerce(source[1:], target[1:], context=context)
    if RECORD in {target, source}:
        return source == target or context == "e"
    return context != "i" and _through_text(source, target, context)


def _through_text(source: str, target: str, context: str) -> bool:
    """Any type is assigned to a string type through its text, and cast from one."""
    category = catalog().category
    return category(target) == "S" or (context == "e" and category(source) == "S")


def _fits(source: str, target: str) -> bool:
    is_array = source.startswith("_")
    if target in _ARRAYS:
        return is_array
    if target == "anyenum":
        return source.startswith(ENUM)
    if target in {"anynonarray", "anycompatiblenonarray"}:
        return not is_array
    if target in _RANGE:
        return source in _RANGES
    if target in {"anymultirange", "anycompatiblemultirange"}:
        return source.endswith("multirange")
    return target in {"anyelement", "anycompatible"}


def common_type(types: Iterable[str]) -> str | None:
    """The type that UNION, CASE, COALESCE, VALUES and ARRAY give these; None when they do not go together."""
    every = list(types)
    given = [type_ for type_ in every if type_ != UNKNOWN]
    if not given:
        return "text"
    category, preferred = catalog().category, catalog().preferred
    chosen = given[0]
    for other in given[1:]:
        if other == chosen:
            continue
        if category(other) != category(chosen):
            return None
        if chosen not in preferred and can_coerce(chosen, other) and not can_coerce(other, chosen):
            chosen = other
    return chosen if all(can_coerce(type_, chosen) for type_ in given) else None


def bound(arguments: Iterable[str], given: Iterable[str], result: str) -> tuple[bool, str | None]:
    """Whether the polymorphic arguments agree, and the result's type, None where it depends on more."""
    elements: list[str] = []
    compatible: list[str] = []
    for argument, type_ in zip(arguments, given, strict=True):
        if type_ == UNKNOWN or argument not in POLYMORPHIC:
            continue
        value = (
            type_.removeprefix("_")
            if argument in _ARRAYS
            else _RANGES[type_]
            if argument in _RANGE
            else type_
        )
        (compatible if argument.startswith("anycompatible") else elements).append(value)
    if len(set(elements)) > 1:
        return False, None
    shared = common_type(compatible) if compatible else None
    if compatible and shared is None:
        return False, None
    if result in _ELEMENTS | {"anyarray"}:
        element = elements[0] if elements else None
    elif result in _COMPATIBLE | {"anycompatiblearray"}:
        element = shared
    else:
        return True, None if result.startswith("any") else result
    return True, f"_{element}" if element and result in _ARRAYS else element


def others_give(target: str, arguments: Sequence[str], given: Sequence[str | None]) -> str | None:
    """The type that the other arguments give to a polymorphic one."""
    if target not in _ANY_ELEMENT:
        return target
    arrays, known = f"{target.removesuffix('element')}array", set[str]()
    for argument, type_ in zip(arguments, given, strict=False):
        if type_ not in {None, UNKNOWN, RECORD} and argument in {target, arrays}:
            known.add((type_ or "").removeprefix("_") if argument == arrays else type_ or "")
    return known.pop() if len(known) == 1 else None
