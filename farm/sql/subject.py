"""One candidate text and what the checks derive from it, each thing derived once."""

from collections.abc import Iterator
from functools import cache, cached_property
from itertools import chain
from typing import TypeVar, cast

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.arrows import without_lambdas
from farm.sql.backticks import in_double_quotes
from farm.sql.calls import CALLS, keep_as_written
from farm.sql.dialect import Rules
from farm.sql.names.owners import Aggregate, aggregates
from farm.sql.names.resolution import Resolution
from farm.sql.names.scopes import resolve
from farm.sql.parsing import parse, tokenize
from farm.sql.place import Place, place
from farm.sql.remainders import with_limits_in_parentheses
from farm.sql.schema import Schema
from farm.sql.types.infer import Typing

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
        return tokenize(in_double_quotes(self.sql) if quotes_otherwise else self.sql, self.rules.name)

    @cached_property
    def token_types(self) -> list[TokenType]:
        """Of each token its type; what looks for a few of them need not ask each token."""
        return [token.token_type for token in self.tokens]

    @cached_property
    def token_kinds(self) -> frozenset[TokenType]:
        """The types of the tokens."""
        return frozenset(self.token_types)

    def tokens_of(self, kind: TokenType) -> Iterator[int]:
        """Where in `tokens` those of a type stand."""
        if kind not in self.token_kinds:
            return iter(())
        return (at for at, each in enumerate(self.token_types) if each is kind)

    @cached_property
    def statements(self) -> list[exp.Expr]:
        """The parsed statements without the empty ones that stray semicolons leave."""
        keep_as_written(self.tokens[at] for at in self.tokens_of(TokenType.R_PAREN))
        tokens = with_limits_in_parentheses(self.tokens, self.token_kinds)
        parsed = parse(tokens, self.sql, self.rules.name)
        trees = [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]
        if TokenType.ARROW in self.token_kinds and self.rules.name != "duckdb":
            return [without_lambdas(tree) for tree in trees]
        return trees

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
        return frozenset(map(str.upper, {token.text for token in self.tokens}))

    def find_all(self, *kinds: type[Node]) -> Iterator[Node]:
        """The nodes of these types, in the order of `nodes`."""
        family = _family(kinds)
        if family.isdisjoint(self.kinds):
            return iter(())
        here = [self._by_kind[kind] for kind in self.kinds & family]
        places = here[0] if len(here) == 1 else sorted(chain.from_iterable(here))
        return cast(Iterator[Node], map(self.nodes.__getitem__, places))

    @cached_property
    def _by_kind(self) -> dict[type[exp.Expr], list[int]]:
        """Where in `nodes` those of each type stand."""
        found: dict[type[exp.Expr], list[int]] = {}
        for at, kind in enumerate(map(type, self.nodes)):
            if kind in found:
                found[kind].append(at)
            else:
                found[kind] = [at]
        return found

    def place(self, offset: int | None) -> Place:
        return place(self.sql, offset)


@cache
def _family(kinds: tuple[type[exp.Expr], ...]) -> frozenset[type[exp.Expr]]:
    """These types and all that are made from them."""
    below = (_family((kind,)) for parent in kinds for kind in parent.__subclasses__())
    return frozenset(kinds).union(*below)
