"""Schema linking: which tables and columns a question speaks of, and how the tables join.

Works on words alone, so it is a hint and not a verdict; small models miss far fewer joins with it.
"""

import re
from collections.abc import Iterable, Sequence

from farm.prompt.schema import Column, ForeignKey, SchemaText, Table
from farm.prompt.signs import GENERIC, given_away
from farm.prompt.words import contains, position, stems

TABLES_LIMIT = 7
QUALIFIED = re.compile(r"\b(\w+)\.\w+")

Step = tuple[str, ForeignKey]


def tables(question: str, glossary: Iterable[str], schema: SchemaText) -> list[str]:
    """The tables that the question or the chosen texts of the glossary speak of, the most central first.

    Tables with many foreign keys hold the facts; the others describe them.
    """
    qualified = {name for text in glossary for name in QUALIFIED.findall(text)}
    spoken = qualified | given_away(stems(question), schema.signs)
    names = [table.name for table in schema.tables if table.name in spoken]
    return sorted(names, key=lambda name: -sum(key.table == name for key in schema.foreign_keys))


def columns(question: str, names: Sequence[str], schema: SchemaText) -> list[str]:
    """The columns of the tables `names` that the question speaks of, with the codes it uses of each."""
    words = stems(question)
    found = []
    for table in (table for table in schema.tables if table.name in names):
        for column in table.columns:
            codes = [f"'{value}'" for value in column.values if contains(words, stems(value))]
            full = f"{table.name}.{column.name}"
            flags = [code for code, meaning in column.flags if contains(words, stems(meaning))]
            if codes:
                found.append(f"{full} ({', '.join(codes)})")
            elif flags:
                found.append(f"{full} = {flags[0]}")
            elif _named(table, column, words, alone=len(names) == 1):
                found.append(full)
    return found


def _named(table: Table, column: Column, words: Sequence[str], *, alone: bool) -> bool:
    said = stems(column.name)
    if said and said[0] in GENERIC and not alone:
        said = stems(table.name) + said
    return contains(words, said)


def without_mere_keys(question: str, names: Sequence[str], schema: SchemaText) -> list[str]:
    """`names` without tables that give nothing but their key, which a table that refers to them has too."""
    kept = list(names)
    for name in reversed(names):
        others = [n for n in kept if n != name]
        referred = any(key.parent == name and key.table in others for key in schema.foreign_keys)
        named = columns(question, [name, ""], schema)
        if referred and not named and (len(others) == 1 or path(others, schema)):
            kept = others
    return kept


def direct_keys(names: Sequence[str], schema: SchemaText) -> list[ForeignKey]:
    """The foreign keys between the tables `names`."""
    return [key for key in schema.foreign_keys if key.table in names and key.parent in names]


def join(names: Sequence[str], schema: SchemaText) -> str | None:
    """`a JOIN b ON …` over the fewest foreign keys that connect the tables; None where none connect them."""
    steps = path(names, schema)
    if steps is None:
        return None
    return " ".join([names[0], *(f"JOIN {table} ON {key.condition}" for table, key in steps)])


def path(names: Sequence[str], schema: SchemaText) -> list[Step] | None:
    """The tables to add to the first of `names`, each with the key that adds it, until all are reached."""
    if not names or len(names) > TABLES_LIMIT:
        return None
    reached, steps = [names[0]], list[Step]()
    for name in names[1:]:
        way = _way(reached, name, schema.foreign_keys)
        if way is None:
            return None
        reached += [table for table, _ in way]
        steps += way
    return steps


def _way(reached: Sequence[str], goal: str, keys: Sequence[ForeignKey]) -> list[Step] | None:
    """The shortest way from what is reached to `goal`."""
    ways: dict[str, list[Step]] = {name: [] for name in reached}
    queue = list(reached)
    while queue:
        here = queue.pop(0)
        if here == goal:
            return ways[here]
        for key in keys:
            for near, far in ((key.table, key.parent), (key.parent, key.table)):
                if near == here and far not in ways:
                    ways[far] = [*ways[here], (far, key)]
                    queue.append(far)
    return None


def partner_key(question: str, names: Sequence[str], schema: SchemaText) -> ForeignKey | None:
    """The key by which rows of the table named first have partners in another of `names`."""
    words = stems(question)
    spoken = sorted((at, name) for name in names if (at := position(words, stems(name))) is not None)
    for _, name in spoken:
        for _, key in path(names, schema) or []:
            if key.parent == name:
                return key
    return None


def date_column(names: Sequence[str], schema: SchemaText) -> str | None:
    """The first date column of the most central of these tables that has one."""
    for name in names:
        for column in next(table.columns for table in schema.tables if table.name == name):
            if column.is_date:
                return f"{name}.{column.name}"
    return None
