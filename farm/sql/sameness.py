"""Whether two expressions of a query mean the same, whatever aliases and parentheses they have."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from sqlglot import exp

from farm.sql.calls import called
from farm.sql.names.resolution import Resolution

_MOST_STEPS = 1_000  # of aliases that mean aliases; one may mean itself


@dataclass(kw_only=True)
class Sameness:
    """`key` is equal for expressions that mean the same. Keys are numbers, given out once for each shape, so
    that a chain of aliases that doubles with each link costs no more than its text."""

    resolution: Resolution
    _numbers: dict[Hashable, int] = field(default_factory=dict)
    _keys: dict[int, int] = field(default_factory=dict)

    def key(self, node: exp.Expr) -> int:
        known = self._keys.get(id(node))
        if known is None:
            self._keys[id(node)] = -1  # an alias that means itself
            known = self._keys[id(node)] = self._key(node)
        return known

    def kind(self, node: exp.Expr) -> type[exp.Expr]:
        """The type of what an expression stands for, which is the same where keys are equal."""
        for _ in range(_MOST_STEPS):
            reference = self.resolution.references.get(id(node)) if isinstance(node, exp.Column) else None
            if reference is not None and reference.alias is not None:
                node = reference.alias
            elif isinstance(node, exp.Paren | exp.Alias):
                node = node.this
            else:
                return exp.Cast if called(node) == "date" else type(node)
        return exp.Column

    def column(self, name: str, owner: object) -> int:
        """The key of a column of one source, or of a whole scope when its joins have made several one."""
        return self._number(("column", name, id(owner)))

    def _key(self, node: exp.Expr) -> int:
        if isinstance(node, exp.Paren | exp.Alias):
            return self.key(node.this)
        if isinstance(node, exp.Column):
            return self._column(node)
        if called(node) == "date" and len(node.expressions) == 1:  # in Postgres the same as ::date
            return self._number((exp.Cast, "date", self.key(node.expressions[0])))
        if isinstance(node, exp.Cast) and node.to.is_type(exp.DType.DATE):
            return self._number((exp.Cast, "date", self.key(node.this)))
        parts = ((name, self._part(value)) for name, value in node.args.items() if value)
        return self._number((type(node), called(node), *parts))

    def _column(self, node: exp.Expr) -> int:
        reference = self.resolution.references.get(id(node))
        if reference is not None and reference.alias is not None:
            return self.key(reference.alias)
        if reference is None or reference.source is None:
            return self._number(("column", node.name.lower(), node.text("table").lower()))
        merged = reference.name in reference.scope.merged
        return self.column(reference.name, reference.scope if merged else reference.source)

    def _part(self, value: object) -> Hashable:
        if isinstance(value, exp.Expr):
            return self.key(value)
        if isinstance(value, list):
            return tuple(self._part(each) for each in value)
        return value.lower() if isinstance(value, str) and value.isidentifier() else str(value)

    def _number(self, shape: Hashable) -> int:
        return self._numbers.setdefault(shape, len(self._numbers))
