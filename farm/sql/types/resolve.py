"""Which operator or function a call means.

After "Type Conversion" in PostgreSQL's documentation, parse_oper.c and parse_func.c. Argument types are the
catalog's names, `unknown` for string literals, None where a type is not known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from farm.sql.types.catalog import RECORD, UNKNOWN, Signature, catalog
from farm.sql.types.coercion import bound, can_coerce

Known = Sequence[str]
Given = Sequence[str | None]


class Failure(Enum):
    """Why a call means nothing."""

    MISSING = "does not exist"
    AMBIGUOUS = "is not unique"


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """`arguments` are the types that the arguments are converted to; `result` None where it is not known."""

    arguments: tuple[str, ...]
    result: str | None


def operator(name: str, given: Given) -> Resolved | Failure | None:
    """The operator for these operands; None where it cannot be told."""
    every = [s for s in catalog().operators.get(name, ()) if len(s.arguments) == len(given)]
    if not every:
        return None
    known = [type_ for type_ in given if type_ is not None]
    if len(known) < len(given) or RECORD in known:
        return _shared(every, given)
    return _exact(every, known) or _chosen(every, known)


def _exact(every: Sequence[Signature], given: Known) -> Resolved | None:
    """Of two operands a string literal is first taken for what the other one is."""
    wanted = tuple(given)
    if len(given) == 2 and (given[0] == UNKNOWN) != (given[1] == UNKNOWN):
        wanted = (given[1], given[1]) if given[0] == UNKNOWN else (given[0], given[0])
    for signature in every:
        if signature.arguments == wanted:
            return Resolved(arguments=wanted, result=signature.result)
    return None


def function(name: str, given: Given, ordered: bool = False) -> Resolved | Failure | None:
    """The function for these arguments; None where it cannot be told, as for a name that is not described.
    `ordered`: with WITHIN GROUP, whose values are the last arguments."""
    known = catalog()
    overloads = known.functions.get(name)
    if overloads is None:
        return None
    every = [s for s in overloads if s.takes(len(given)) and (s.kind in {"o", "h"}) is ordered]
    types = [type_ for type_ in given if type_ is not None]
    if not every:
        cast = _as_cast(name, types) if len(types) == len(given) else None
        return cast or (None if name in known.partial else Failure.MISSING)
    if len(types) < len(given) or RECORD in types:
        return _shared(every, given)
    for signature in every:
        if signature.expanded(len(types)) == tuple(types):
            return Resolved(arguments=tuple(types), result=signature.result)
    if (cast := _as_cast(name, types)) is not None:
        return cast
    chosen = _chosen(every, types)
    return None if isinstance(chosen, Failure) and name in known.partial else chosen


def _as_cast(name: str, given: Known) -> Resolved | None:
    """`text(x)` and `date(x)` are casts where no function takes exactly that."""
    if len(given) == 1 and name in catalog().categories:
        target = name
        if given[0] == UNKNOWN or can_coerce(given[0], target, context="e"):
            direct = given[0] == UNKNOWN or (given[0], target) not in catalog().casts
            return Resolved(arguments=(target,), result=target) if direct else None
    return None


def _shared(every: Sequence[Signature], given: Given) -> Resolved | Failure | None:
    """What all overloads that may be meant agree on, when some types are not known."""
    fitting = [s for s in every if _may_take(s, given)]
    if not fitting:
        return Failure.MISSING
    results = {signature.result for signature in fitting}
    result = results.pop() if len(results) == 1 else None
    if result is None or result.startswith("any"):
        return None
    return Resolved(arguments=tuple("any" for _ in given), result=result)


def _may_take(signature: Signature, given: Given) -> bool:
    pairs = zip(given, signature.expanded(len(given)), strict=True)
    return all(type_ is None or type_ == RECORD or can_coerce(type_, target) for type_, target in pairs)


def _takes(arguments: Known, given: Known) -> bool:
    coerced = all(can_coerce(type_, target) for type_, target in zip(given, arguments, strict=True))
    return coerced and bound(arguments, given, "any")[0]


def _chosen(every: Sequence[Signature], given: Known) -> Resolved | Failure:
    candidates: dict[tuple[str, ...], Signature] = {}
    for signature in every:
        arguments = signature.expanded(len(given))
        if arguments not in candidates and _takes(arguments, given):
            candidates[arguments] = signature
    left = list(candidates)
    if len(left) > 1:
        left = _best(left, given)
    if len(left) != 1:
        return Failure.AMBIGUOUS if left else Failure.MISSING
    _, result = bound(left[0], given, candidates[left[0]].result)
    return Resolved(arguments=left[0], result=result)


def _best(left: list[tuple[str, ...]], given: Known) -> list[tuple[str, ...]]:
    """Narrow the candidates down as Postgres does, rule by rule, until one is left."""
    category, preferred = catalog().category, catalog().preferred

    def exact(arguments: Known) -> int:
        return sum(a == g for a, g in zip(arguments, given, strict=True) if g != UNKNOWN)

    def exact_or_preferred(arguments: Known) -> int:
        return sum(
            a == g or (a in preferred and category(a) == category(g))
            for a, g in zip(arguments, given, strict=True)
            if g != UNKNOWN
        )

    for score in (exact, exact_or_preferred):
        most = max(map(score, left))
        left = [arguments for arguments in left if score(arguments) == most]
        if len(left) == 1:
            return left
    if UNKNOWN not in given:
        return left
    left = _by_category(left, given)
    return left if len(left) == 1 else _by_the_known_type(left, given)


def _by_category(left: list[tuple[str, ...]], given: Known) -> list[tuple[str, ...]]:
    """For each string literal the category that the candidates want there, a string before all others."""
    category, preferred = catalog().category, catalog().preferred
    wanted: dict[int, tuple[str, bool]] = {}
    for at, type_ in enumerate(given):
        if type_ != UNKNOWN:
            continue
        categories = {category(arguments[at]) for arguments in left}
        if "S" in categories:
            chosen = "S"
        elif len(categories) == 1:
            chosen = categories.pop()
        else:
            return left
        wanted[at] = (
            chosen,
            any(arguments[at] in preferred for arguments in left if category(arguments[at]) == chosen),
        )

    def suits(arguments: Known) -> bool:
        return all(
            category(arguments[at]) == chosen and (not wants_preferred or arguments[at] in preferred)
            for at, (chosen, wants_preferred) in wanted.items()
        )

    return [arguments for arguments in left if suits(arguments)] or left


def _by_the_known_type(left: list[tuple[str, ...]], given: Known) -> list[tuple[str, ...]]:
    """If all known arguments have one type, the literals are taken for it too."""
    known = {type_ for type_ in given if type_ != UNKNOWN}
    if len(known) != 1:
        return left
    type_ = known.pop()
    suited = [arguments for arguments in left if all(can_coerce(type_, target) for target in arguments)]
    return suited if len(suited) == 1 else left
