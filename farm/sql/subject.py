"""One candidate text and what the checks derive from it, each thing derived once."""

from collections.abc import Iterator
from functools import cached_property

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token

from farm.sql.dialect import Rules
from farm.sql.place import Place, place
from farm.sql.schema import Schema

NODE_LIMIT = 20_000


class Subject:
    """A candidate under check. `tokens` and `statements` raise sqlglot's errors."""

    def __init__(self, sql: str, schema: Schema) -> None:
        self.sql = sql
        self.schema = schema

    @property
    def rules(self) -> Rules:
        return self.schema.rules

    @cached_property
    def tokens(self) -> list[Token]:
        return list(sqlglot.tokenize(self.sql, read=self.rules.name))

    @cached_property
    def statements(self) -> list[exp.Expr]:
        """The parsed statements without the empty ones that stray semicolons leave."""
        parsed = sqlglot.parse(self.sql, read=self.rules.name, max_nodes=NODE_LIMIT)
        return [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]

    @property
    def tree(self) -> exp.Expr:
        """The one statement; ask after `one_statement` has passed."""
        return self.statements[0]

    def nodes(self) -> Iterator[exp.Expr]:
        return self.tree.walk()

    def place(self, offset: int | None) -> Place:
        return place(self.sql, offset)
