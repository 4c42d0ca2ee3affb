"""Which tables can be joined, and how: along foreign keys, and where there are none along like names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.sql.grammar.shape import Column, Shape

MOST_JOINED = 4
MOST_ORDERS = 12
MOST_SETS = 60
MOST_TREES = 3


@dataclass(frozen=True, slots=True)
class Key:
    """`table.column` refers to `parent.parent_column`; names as in the schema."""

    table: str
    column: str
    parent: str
    parent_column: str


@dataclass(frozen=True, slots=True)
class Step:
    """A table to add to what is joined already, with both sides of its condition: (table, column) twice."""

    table: str
    left: tuple[str, str]
    right: tuple[str, str]


@dataclass(frozen=True, slots=True)
class FromSet:
    """Tables that are joined, and the orders in which they may be: the first one, then steps."""

    tables: tuple[str, ...]
    orders: tuple[tuple[str, tuple[Step, ...]], ...]


def keys_of(shape: Shape, declared: Sequence[Key]) -> tuple[Key, ...]:
    """The declared keys whose both ends are there; where there are none, columns of like names."""
    known = {(table.name.lower(), column.name.lower()): (table, column) for table, column in shape.columns()}
    found = []
    for key in declared:
        child = known.get((key.table.lower(), key.column.lower()))
        parent = known.get((key.parent.lower(), key.parent_column.lower()))
        if child and parent and child[0].name != parent[0].name and child[1].kind == parent[1].kind:
            found.append(Key(child[0].name, child[1].name, parent[0].name, parent[1].name))
    return tuple(dict.fromkeys(found)) or tuple(_guessed(shape))


def _guessed(shape: Shape) -> Iterator[Key]:
    """`orders.customer_id` and `customers.customer_id`, or `customers.id`."""
    for table, column in shape.columns():
        name = column.name.lower()
        for parent in shape.tables:
            target = next((c for c in parent.columns if _refers(name, c, parent.name.lower())), None)
            if parent.name != table.name and target is not None and target.kind == column.kind:
                yield Key(table.name, column.name, parent.name, target.name)


def _refers(name: str, target: Column, parent: str) -> bool:
    singular = parent.removesuffix("s")
    if name == target.name.lower():
        return name.endswith(("id", "code", "key", "number")) and name not in {"id", "code", "key", "number"}
    return target.name.lower() == "id" and name in {f"{singular}_id", f"{parent}_id", f"{singular}id"}


def from_sets(shape: Shape, keys: Sequence[Key], most: int) -> list[FromSet]:
    """All tables alone, then joined ones, the fewest tables first; at most `most` together."""
    trees: dict[frozenset[str], set[frozenset[Key]]] = {
        frozenset({table.name}): {frozenset()} for table in shape.tables
    }
    wave = dict(trees)
    for _ in range(MOST_JOINED - 1):
        wave = _grown(wave, keys)
        trees |= wave
    order = sorted(trees, key=lambda names: (len(names), sorted(names)))
    return [_from_set(names, trees[names]) for names in order[: max(most, len(shape.tables))]]


def _grown(
    wave: dict[frozenset[str], set[frozenset[Key]]], keys: Sequence[Key]
) -> dict[frozenset[str], set[frozenset[Key]]]:
    """Each set with one more table, and the key that adds it."""
    grown: dict[frozenset[str], set[frozenset[Key]]] = {}
    for names, trees in wave.items():
        for key in keys:
            larger = names | {key.table, key.parent}
            if (key.table in names) != (key.parent in names) and (larger in grown or len(grown) < MOST_SETS):
                few = sorted(trees, key=repr)[:MOST_TREES]
                grown.setdefault(larger, set()).update(tree | {key} for tree in few)
    return grown


def _from_set(names: frozenset[str], trees: set[frozenset[Key]]) -> FromSet:
    found: dict[tuple[str, tuple[Step, ...]], None] = {}
    for tree in sorted(trees, key=lambda keys: sorted(map(repr, keys))):
        for first in sorted(names):
            for steps in _orders(first, frozenset({first}), tree):
                found.setdefault((first, steps))
    return FromSet(tuple(sorted(names)), tuple(found)[:MOST_ORDERS])


def _orders(first: str, reached: frozenset[str], left: frozenset[Key]) -> Iterator[tuple[Step, ...]]:
    if not left:
        yield ()
    for key in sorted(left, key=repr):
        if (key.table in reached) == (key.parent in reached):
            continue
        new = key.parent if key.table in reached else key.table
        step = Step(new, (key.table, key.column), (key.parent, key.parent_column))
        for rest in _orders(first, reached | {new}, left - {key}):
            yield (step, *rest)
