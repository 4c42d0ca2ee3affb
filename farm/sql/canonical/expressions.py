"""What an expression of a resolved query says, as text. See farm.sql.canonical.key."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from sqlglot import exp

from farm.sql.calls import called, names_a_unit
from farm.sql.canonical.text import NamesMatter, Unclear, digest, each_once, literal, text
from farm.sql.dialect import Rules
from farm.sql.names.sources import Scope, Source
from farm.sql.place import place
from farm.sql.subject import Subject

LONG_CHARS = 80
"""Texts above this become digests, so that aliases that name aliases cost no more than their text."""
_COMMUTATIVE = (exp.EQ, exp.NEQ, exp.Add, exp.Mul)
_MIRRORED: dict[type[exp.Expr], str] = {exp.GT: "LT", exp.GTE: "LTE", exp.LT: "LT", exp.LTE: "LTE"}


@dataclass(kw_only=True)
class Expressions:
    """The expressions of one query. `names` are the numbers of sources by the ids of these, `results` the
    labels and keys of what a SELECT shows by the id of its scope; both fill up on the way."""

    subject: Subject
    keep_names: bool
    names: dict[int, str] = field(default_factory=dict)
    results: dict[int, tuple[Sequence[str | None], list[str]]] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        resolution = self.subject.resolution
        self.references = resolution.references
        self.strings = {
            (finding.line, finding.column)
            for finding in resolution.findings
            if finding.code == "string_in_double_quotes"
        }
        # of two collations SQLite takes the left one
        self.sides_matter = self.rules.name == "sqlite" and (
            self.subject.schema.collates or exp.Collate in self.subject.kinds
        )

    @property
    def rules(self) -> Rules:
        return self.subject.rules

    def query(self, node: exp.Expr) -> str:
        """A query within an expression."""
        raise NotImplementedError

    def key(self, node: exp.Expr) -> str:
        """An expression, or a query within one."""
        known = self.keys.get(id(node))
        if known is None:
            known = self._key(node)
            self.keys[id(node)] = known = known if len(known) < LONG_CHARS else digest(known)
        return known

    def _key(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Paren | exp.Alias):
            return self.key(node.this)
        if isinstance(node, exp.Query):
            return self.query(node)
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.And | exp.Or):
            operands = each_once(self._operands(node, type(node)))
            return text(type(node).__name__, *operands) if len(operands) > 1 else operands[0]
        if isinstance(node, exp.In):
            listed = each_once(map(self.key, node.expressions))
            return text("In", self.key(node.this), *listed, self._others(node, {"this", "expressions"}))
        if not self.sides_matter and isinstance(node, exp.Binary):
            kind = type(node).__name__
            sides = [self.key(node.this), self.key(node.expression)]
            rest = self._others(node, {"this", "expression"})
            if isinstance(node, _COMMUTATIVE):
                return text(kind, *sorted(sides), rest)
            if mirrored := _MIRRORED.get(type(node)):
                return text(mirrored, *(sides if mirrored == kind else reversed(sides)), rest)
        if isinstance(node, exp.JSONPath):
            raise Unclear  # which takes 'a' for a name and 0 for a place
        return self._generic(node)

    def _operands(self, node: exp.Expr, kind: type[exp.Expr]) -> list[str]:
        """The operands of a chain of AND or OR, in any nesting."""
        found, stack = [], [node]
        while stack:
            here = stack.pop()
            if isinstance(here, exp.Paren):
                stack.append(here.this)
            elif isinstance(here, kind):
                stack += (here.expression, here.this)
            else:
                found.append(self.key(here))
        return found

    def _column(self, node: exp.Column) -> str:
        reference = self.references.get(id(node))
        if reference is None:
            return self._unresolved(node)
        if reference.alias is not None:
            return self.key(reference.alias)
        if reference.source is None:
            return self._named_result(reference.scope, reference.name)
        if reference.name in reference.scope.merged:
            depth = sum(1 for _ in reference.scope.outward())
            return text("Merged", str(depth), repr(reference.name))
        columns = reference.source.columns
        if reference.name not in columns.places or reference.name in columns.doubles:
            raise Unclear
        return self._of_source(reference.source, columns.places[reference.name])

    def _named_result(self, scope: Scope, name: str) -> str:
        labels, items = self.results.get(id(scope), ((), []))
        if list(labels).count(name) != 1:
            raise Unclear
        return items[list(labels).index(name)]

    def _of_source(self, source: Source, at: int) -> str:
        owner = self.names.get(id(source))
        if owner is None:
            raise Unclear
        columns = source.table.column_names if source.table is not None else ()
        return text("Column", owner, repr(columns[at]) if columns else str(at))

    def _unresolved(self, node: exp.Column) -> str:
        """What names no column: a string in double quotes, a word such as `current_date`, or who knows."""
        name = node.this
        if names_a_unit(node):
            return repr(("unit", node.name.upper()))
        if isinstance(name, exp.Identifier) and not node.args.get("table"):
            at = place(self.subject.sql, name.meta.get("start"))
            if self.strings and (at.get("line"), at.get("column")) in self.strings:
                return literal(node.name, is_string=True)
            if not name.args.get("quoted") and node.name.lower() in self.rules.bare_words:
                return repr(("word", node.name.lower()))
        if not self.keep_names:
            raise NamesMatter
        return self._generic(node)

    def _generic(self, node: exp.Expr, skip: Iterable[str] = ()) -> str:
        if isinstance(node, exp.Literal):
            return literal(node.name, is_string=node.is_string)
        if isinstance(node, exp.Identifier):
            return repr(("name", self._fold(node) if self.rules.folds_tables else node.name))
        if isinstance(node, exp.Var):
            return repr(("word", node.name.upper()))
        if isinstance(node, exp.Anonymous):
            return text("Call", repr(called(node)), self._others(node, {"this"}))
        return text(type(node).__name__, self._others(node, skip))

    def _others(self, node: exp.Expr, skip: Iterable[str]) -> str:
        """All arguments of a node but these, by name."""
        present = sorted((name, value) for name, value in node.args.items() if value and name not in skip)
        return text(*(f"{name}={self._part(value)}" for name, value in present)) if present else ""

    def _part(self, value: object) -> str:
        if isinstance(value, exp.Expr):
            return self.key(value)
        if isinstance(value, list):
            return text(*(self._part(each) for each in value))
        if isinstance(value, Enum):
            return value.name
        return repr(value.upper() if isinstance(value, str) and value.isidentifier() else value)

    def _fold(self, identifier: exp.Expr) -> str:
        return self.rules.fold(identifier.name, quoted=bool(identifier.args.get("quoted")))

    def _fold_table(self, identifier: exp.Expr) -> str:
        return self.rules.fold_table(identifier.name, quoted=bool(identifier.args.get("quoted")))
