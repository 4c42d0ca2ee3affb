"""To which SELECT an aggregate belongs: the innermost one of whose rows its arguments speak."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from farm.sql.calls import aggregates_rows
from farm.sql.dialect import Rules
from farm.sql.names.resolution import Resolution
from farm.sql.names.sources import Scope, Selection

# the arguments of a SELECT whose clauses take no aggregates of it
NO_AGGREGATES = {"where": "WHERE", "joins": "ON", "group": "GROUP BY", "from_": "FROM", "limit": "LIMIT"}
_WRAPPERS = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """One aggregate call. `clause` is the argument of its SELECT that holds it: `expressions`, `where`, …;
    `within` is another aggregate of the same SELECT around it."""

    node: exp.Expr
    selection: Selection
    clause: str
    within: exp.Expr | None


def aggregates(nodes: list[exp.Expr], resolution: Resolution, rules: Rules) -> Iterator[Aggregate]:
    """The aggregate calls among `nodes` whose SELECT is certain; not those that are windows."""
    calls = [node for node in nodes if aggregates_rows(node, rules) and not is_window(node)]
    if not calls:
        return
    by_node = {id(selection.node): selection for selection in resolution.selections}
    by_scope = {id(selection.scope): selection for selection in resolution.selections}
    for node in calls:
        own = _enclosing(node, by_node)
        owner = _owner(node, own, resolution, by_scope) if own is not None else None
        if owner is None or own is None:
            continue
        located = _located(node, owner, rules)
        if rules.name == "mysql" and located.clause in NO_AGGREGATES and owner is not own:
            located = _located(node, own, rules)  # MySQL looks further inward for a SELECT that may have it
        yield located


def outermost(node: exp.Expr) -> exp.Expr:
    """A call with what belongs to it: FILTER, WITHIN GROUP, IGNORE NULLS."""
    while isinstance(node.parent, _WRAPPERS) and node.arg_key == "this":
        node = node.parent
    return node


def innermost(node: exp.Expr) -> exp.Expr:
    """The call itself, without what belongs to it."""
    while isinstance(node, _WRAPPERS):
        node = node.this
    return node


def is_window(node: exp.Expr) -> bool:
    """Whether a call has OVER."""
    call = outermost(node)
    return isinstance(call.parent, exp.Window) and call.arg_key == "this"


def _enclosing(node: exp.Expr, by_node: dict[int, Selection]) -> Selection | None:
    above = node.parent
    while above is not None and id(above) not in by_node:
        above = above.parent
    return by_node[id(above)] if above is not None else None


def _owner(
    node: exp.Expr, own: Selection, resolution: Resolution, by_scope: dict[int, Selection]
) -> Selection | None:
    levels: dict[int, int] = {id(scope): at for at, scope in enumerate(own.scope.outward())}
    found: list[int] = []
    for column in node.find_all(exp.Column):
        reference = resolution.references.get(id(column))
        if reference is not None and id(reference.scope) in levels:
            found.append(levels[id(reference.scope)])
        elif reference is None and len(levels) > 1 and not isinstance(column.this, exp.Star):
            return None  # it may belong to any of them
    level = min(found, default=0)
    scope: Scope | None = next((s for at, s in enumerate(own.scope.outward()) if at == level), None)
    return by_scope.get(id(scope))


def _located(node: exp.Expr, owner: Selection, rules: Rules) -> Aggregate:
    here, above, within = node, node.parent, None
    while above is not None and above is not owner.node:
        if above is not node and aggregates_rows(above, rules) and not is_window(above):
            within = within or above
        elif isinstance(above, exp.Filter | exp.WithinGroup) and here.arg_key == "expression":
            within = within or above.this
        here, above = above, above.parent
    return Aggregate(node=node, selection=owner, clause=here.arg_key or "", within=within)
