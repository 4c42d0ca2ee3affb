"""The FROM clause of a SELECT: its sources in the order in which they come into view, and its joins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp

from farm.sql.shape import inside


@dataclass(frozen=True, slots=True)
class Item:
    """One table, subquery or function in FROM."""

    node: exp.Expr


Part: TypeAlias = "Item | exp.Join | list[Part]"


@dataclass(frozen=True, kw_only=True, slots=True)
class From:
    """`parts` are the sources, each behind the join that adds it, in lists where parentheses hold several.
    `any_order`: all joins are inner ones, and no source sees another."""

    parts: Sequence[Part]
    items: Sequence[Item]
    joins: Sequence[exp.Join]

    @property
    def any_order(self) -> bool:
        return all(map(_is_inner, self.joins)) and all(map(_stands_alone, self.items))

    @property
    def by_name(self) -> bool:
        """Whether a join compares columns of the same name."""
        return any(join.args.get("using") or join.args.get("method") for join in self.joins)

    @property
    def conditions(self) -> list[exp.Expr]:
        return [join.args["on"] for join in self.joins if join.args.get("on") is not None]


def items_of(node: exp.Select) -> From:
    """What stands in the FROM clause of a SELECT."""
    from_ = node.args.get("from_")
    parts = list(_source(from_.this)) if from_ is not None else []
    for join in node.args.get("joins") or ():
        parts += _joined(join)
    for lateral in node.args.get("laterals") or ():
        parts += _source(lateral)
    return From(
        parts=parts,
        items=[part for part in _flat(parts) if isinstance(part, Item)],
        joins=[part for part in _flat(parts) if isinstance(part, exp.Join)],
    )


def is_plain(star: exp.Expr) -> bool:
    """Whether a star has nothing like EXCLUDE behind it."""
    return not any(star.args.values())


def _source(node: exp.Expr) -> Iterator[Part]:
    within = inside(node)
    if isinstance(node, exp.Subquery) and isinstance(within, exp.Table) and not node.args.get("alias"):
        yield list(_source(within))
    else:
        yield Item(node)
    for join in node.args.get("joins") or ():
        yield from _joined(join)


def _joined(join: exp.Join) -> list[Part]:
    return [join, *_source(join.this)]


def _flat(parts: Sequence[Part]) -> Iterator["Item | exp.Join"]:
    for part in parts:
        if isinstance(part, list):
            yield from _flat(part)
        else:
            yield part


def _is_inner(join: exp.Join) -> bool:
    kind = str(join.args.get("kind") or "").upper()
    special = any(value for name, value in join.args.items() if name not in ("this", "on", "kind"))
    return kind in ("", "INNER", "CROSS") and not special


def _stands_alone(item: Item) -> bool:
    named = isinstance(item.node, exp.Table) and isinstance(item.node.this, exp.Identifier)
    return named or isinstance(item.node, exp.Subquery)
