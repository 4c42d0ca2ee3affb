"""The grammar for a question: of the tables that it and the query to be repaired speak of."""

import re
from collections.abc import Sequence

from farm.prompt import glossary, linking
from farm.prompt.excerpt import aliases_in
from farm.prompt.schema import SchemaText
from farm.prompt.schema_text import read_schema
from farm.sql.grammar import Grammar, Key, grammar_of
from farm.sql.schema import Schema
from farm.targets.target import Target

# Of a schema this small all tables, as words alone may miss one; of a larger one at most so many.
FEW_TABLES = 4
MOST_TABLES = 7
MOST_HOMES = 3
READ_CHARS = 2_000
WORD = re.compile(r"\w+")


def grammar_for(question: str, sql: str, target: Target, schema: Schema) -> Grammar | None:
    """The grammar to hold the next answer to; None where no table is recognised, or they are too large."""
    known = read_schema(target.ddl)
    tables = tables_for(question[:READ_CHARS], sql, target.notes, known)
    keys = [Key(key.table, key.column, key.parent, key.parent_column) for key in known.foreign_keys]
    return grammar_of(schema, keys, tables=tables, aliases=aliases_in(sql)) if tables else None


def tables_for(question: str, sql: str, notes: str, known: SchemaText) -> Sequence[str]:
    """The names of tables that a query may need, the likeliest first: those of the failed query, those that
    have a column which it sought elsewhere, those of the question, and those on the way between them."""
    names = [table.name for table in known.tables]
    if len(names) <= FEW_TABLES:
        return names
    written = {word.lower() for word in WORD.findall(sql)}
    used = [table for table in known.tables if table.name.lower() in written]
    missing = written - {column.name.lower() for table in used for column in table.columns}
    homes = [table.name for table in known.tables if missing & {each.name.lower() for each in table.columns}]
    said = linking.tables(question, [term.text for term in glossary.terms(question, notes)], known)
    found = list(dict.fromkeys([*(table.name for table in used), *homes[:MOST_HOMES], *said]))[:MOST_TABLES]
    way = linking.path(found, known) or []
    return list(dict.fromkeys([*found, *(table for table, _ in way)]))[:MOST_TABLES]
