"""The types of columns that several queries give together: UNION and its like, and recursive queries."""

from typing import TYPE_CHECKING

from sqlglot import exp

from farm.sql.shape import branches, calls_itself
from farm.sql.types.catalog import UNKNOWN
from farm.sql.types.coercion import common_type
from farm.sql.types.names import spoken

if TYPE_CHECKING:
    from farm.sql.types.infer import Typing


def set_operation(typing: "Typing", node: exp.Expr) -> None:
    """The parts of UNION agree column by column, from left to right as Postgres pairs them."""
    columns = typing.resolution.outputs.get(id(node))
    if columns is None or isinstance(node.parent, exp.SetOperation):
        return
    for at, origin in enumerate(columns.origins):
        if not isinstance(origin, tuple):
            continue
        types = [typing.type(part) if isinstance(part, exp.Expr) else typing.origin(part) for part in origin]
        shared = types[0]
        for type_ in types[1:]:
            if shared is None or type_ is None:
                break
            ours, shared = shared, common_type([shared, type_])
            if shared is None:
                what = f"{node.key.upper()} gives {spoken(ours)} and {spoken(type_)} in column {at + 1}"
                typing.report("types_differ", what, node, hint="convert them to one type with CAST")
        for part, type_ in zip(origin, types, strict=True):
            if isinstance(part, exp.Expr) and type_ == UNKNOWN and len(types) == 2:
                typing.convert(part, shared)


def recursive_query(typing: "Typing", node: exp.Expr) -> None:
    """The first part of a recursive query decides what its columns are."""
    query, above = node.this, node.parent
    if not isinstance(query, exp.SetOperation) or not (above and above.args.get("recursive")):
        return
    first, *rest = branches(query)
    if not any(calls_itself(part, node) for part in rest):
        return
    parts = [typing.resolution.outputs.get(id(part)) for part in (first, *rest)]
    for at, each in enumerate(zip(*(part.origins for part in parts if part is not None), strict=False)):
        start = typing.origin(each[0])
        types = [start, *(typing.type(x) if isinstance(x, exp.Expr) else typing.origin(x) for x in each[1:])]
        whole = common_type([type_ for type_ in types if type_ is not None])
        if None in types or start is None or whole == start:
            continue
        others = " and ".join(dict.fromkeys(spoken(type_) for type_ in types[1:] if type_))
        typing.report(
            "types_differ",
            f"{node.alias} begins with {spoken(start)} in column {at + 1}, and goes on with {others}",
            node,
            hint=f"begin with CAST(… AS {spoken(whole)})" if whole else "convert them to one type",
        )
