"""The words of a question that give a table of the schema away."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from farm.prompt.schema import Table
from farm.prompt.words import stems

# Words that columns share with everyday language; they count only beside the name of their table.
GENERIC = frozenset(
    {"name", "statu", "date", "title", "type", "email", "number", "code", "amount", "quantity"}
)
LONGEST_WORDS = 5

Signs = Mapping[tuple[str, ...], frozenset[str]]


def signs(tables: Sequence[Table]) -> Signs:
    """Tables by their own name, by columns that no other table has, and by the codes of their columns."""
    found: dict[tuple[str, ...], set[str]] = defaultdict(set)
    homes = Counter(name for table in tables for name in {column.name for column in table.columns})
    known = frozenset(word for table in tables for column in table.columns for word in column.words)
    for table in tables:
        for phrase in (table.words, *_of_columns(table, homes), *_of_codes(table, known)):
            found[phrase].add(table.name)
    return {phrase: frozenset(names) for phrase, names in found.items() if phrase}


def _of_columns(table: Table, homes: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    for column in table.columns:
        said = column.words
        if said and said[-1] != "id" and said[0] not in GENERIC and homes[column.name] == 1:
            yield said


def _of_codes(table: Table, known: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """Codes that are long enough to tell and no mere words of column names."""
    for column in table.columns:
        for value in column.values:
            said = tuple(stems(value))
            if len(value) >= 4 and not known.issuperset(said):
                yield said


def given_away(words: Sequence[str], known: Signs) -> set[str]:
    """The tables whose signs stand in `words`."""
    runs = (
        tuple(words[start : start + length])
        for start in range(len(words))
        for length in range(1, LONGEST_WORDS + 1)
    )
    return {table for run in runs for table in known.get(run, ())}
