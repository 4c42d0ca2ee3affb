"""Whether two expressions of a query mean the same, whatever aliases and parentheses they have."""

from collections.abc import Hashable
from dataclasses import dataclass

from sqlglot import exp

from farm.sql.calls import called
from farm.sql.scopes import Resolution


@dataclass(frozen=True, kw_only=True)
class Sameness:
    """`key` is equal for expressions that mean the same."""

    resolution: Resolution

    def key(self, node: exp.Expr) -> Hashable:
        if isinstance(node, exp.Paren | exp.Alias):
            return self.key(node.this)
        if isinstance(node, exp.Column):
            reference = self.resolution.references.get(id(node))
            if reference is not None and reference.alias is not None:
                return self.key(reference.alias)
            if reference is None or reference.source is None:
                return ("column", node.name.lower(), node.text("table").lower())
            merged = reference.name in reference.scope.merged
            return column_key(reference.name, reference.scope if merged else reference.source)
        parts = ((name, self._part(value)) for name, value in node.args.items() if value)
        return (type(node), called(node), *parts)

    def _part(self, value: object) -> Hashable:
        if isinstance(value, exp.Expr):
            return self.key(value)
        if isinstance(value, list):
            return tuple(self._part(each) for each in value)
        return value.lower() if isinstance(value, str) and value.isidentifier() else str(value)


def column_key(name: str, owner: object) -> Hashable:
    """The key of a column of one source, or of a whole scope when its joins have made several one."""
    return ("column", name, id(owner))
