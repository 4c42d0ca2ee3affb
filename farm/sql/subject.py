"""One candidate text and what the checks derive from it, each thing derived once."""

from collections.abc import Iterator
from functools import cache, cached_property
from typing import TypeVar, cast

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token

from farm.sql.backticks import in_double_quotes
from farm.sql.calls import CALLS, keep_as_written
from farm.sql.dialect import Rules
from farm.sql.names.owners import Aggregate, aggregates
from farm.sql.names.resolution import Resolution
from farm.sql.names.scopes import resolve
from farm.sql.place import Place, place
from farm.sql.remainders import with_limits_in_parentheses
from farm.sql.schema import Schema
from farm.sql.types.infer import Typing

NODE_LIMIT = 20_000

Node = TypeVar("Node", bound=exp.Expr)


class Subject:
    """A candidate under check. `tokens` and `statements` raise sqlglot's errors."""

    def __init__(self, sql: str, schema: Schema) -> None:
        self.sql = sql
        self.schema = schema
        self.rules: Rules = schema.rules

    @cached_property
    def tokens(self) -> list[Token]:
        quotes_otherwise = self.rules.name == "duckdb" and "`" in self.sql
        return list(self._dialect.tokenize(in_double_quotes(self.sql) if quotes_otherwise else self.sql))

    @cached_property
    def statements(self) -> list[exp.Expr]:
        """The parsed statements without the empty ones that stray semicolons leave."""
        keep_as_written(self.tokens)
        tokens = with_limits_in_parentheses(self.tokens)
        parsed = self._dialect.parser(max_nodes=NODE_LIMIT).parse(tokens, self.sql)
        return [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]

    @property
    def tree(self) -> exp.Expr:
        """The one statement; ask after `one_statement` has passed."""
        return self.statements[0]

    @cached_property
    def nodes(self) -> list[exp.Expr]:
        """The tree's nodes, breadth first."""
        return list(self.tree.walk())

    @cached_property
    def resolution(self) -> Resolution:
        """What the names in the tree mean."""
        return resolve(self.tree, self.schema, self.sql)

    @cached_property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The aggregates of the tree, each with its SELECT."""
        return tuple(aggregates(list(self.find_all(*CALLS)), self.resolution, self.rules))

    @cached_property
    def typing(self) -> Typing:
        """The types of the tree's expressions, worked out as they are asked for."""
        return Typing(resolution=self.resolution, sql=self.sql, declared=self.schema.declared)

    @cached_property
    def kinds(self) -> frozenset[type[exp.Expr]]:
        """The types of the tree's nodes."""
        return frozenset(self._by_kind)

    @cached_property
    def words(self) -> frozenset[str]:
        """The tokens' texts in capitals, strings and quoted names among them."""
        return frozenset(token.text.upper() for token in self.tokens)

    def find_all(self, *kinds: type[Node]) -> Iterator[Node]:
        """The nodes of these types, in the order of `nodes`."""
        family = _family(kinds)
        if family.isdisjoint(self.kinds):
            return iter(())
        here = self.kinds & family
        if len(here) == 1:
            return iter(cast(list[Node], self._by_kind[next(iter(here))]))
        return (cast(Node, node) for node in self.nodes if type(node) in here)

    @cached_property
    def _by_kind(self) -> dict[type[exp.Expr], list[exp.Expr]]:
        found: dict[type[exp.Expr], list[exp.Expr]] = {}
        for node in self.nodes:
            found.setdefault(type(node), []).append(node)
        return found

    @cached_property
    def _dialect(self) -> Dialect:
        return Dialect.get_or_raise(self.rules.name)

    def place(self, offset: int | None) -> Place:
        return place(self.sql, offset)


@cache
def _family(kinds: tuple[type[exp.Expr], ...]) -> frozenset[type[exp.Expr]]:
    """These types and all that are made from them."""
    below = (_family((kind,)) for parent in kinds for kind in parent.__subclasses__())
    return frozenset(kinds).union(*below)
