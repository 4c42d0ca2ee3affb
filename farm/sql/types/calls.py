"""The type of every call: its function found among Postgres' own by the types of its arguments."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache

from sqlglot import exp

from farm.sql.calls import arguments, called
from farm.sql.types import resolve
from farm.sql.types.catalog import RECORD, UNKNOWN
from farm.sql.types.coercion import others_give
from farm.sql.types.literals import is_value
from farm.sql.types.names import spoken
from farm.sql.types.operators import overloads

function = lru_cache(maxsize=4096)(resolve.function)

_COMMON = frozenset({"coalesce", "greatest", "least"})
_WRITTEN_OTHERWISE = {"trim": "btrim", "group_concat": "string_agg"}
_UNTYPED = frozenset({"json_object", "json_agg", "json_objectagg", "normalize", "grouping", "row"})


class CallTyping(ABC):
    """What calls are typed by; the rest of the expressions is typed by who inherits from it."""

    sql: str

    @abstractmethod
    def type(self, node: exp.Expr | None) -> str | None: ...

    @abstractmethod
    def convert(self, node: exp.Expr, target: str | None) -> None: ...

    @abstractmethod
    def report(self, code: str, message: str, node: exp.Expr, *, hint: str | None = None) -> None: ...

    @abstractmethod
    def one_type(self, node: exp.Expr, parts: Sequence[exp.Expr], what: str) -> str | None: ...

    @abstractmethod
    def binary(
        self, symbol: str, node: exp.Expr, left: exp.Expr | None, right: exp.Expr | None
    ) -> str | None: ...

    def _extract(self, node: exp.Expr) -> str | None:
        self._resolve(node, "extract", ["text", self.type(node.args["expression"])], [])
        text = self.sql.lower()  # the parser makes one of the two
        if "date_part" not in text:
            return "numeric"
        return None if "extract" in text else "float8"

    def _interval(self, node: exp.Expr) -> str:
        value, unit = node.this, node.args.get("unit")
        if isinstance(value, exp.Literal) and isinstance(unit, exp.Var | None):
            text = f"{value.name} {unit.name}" if unit is not None else value.name
            if not is_value(text, "interval"):
                self.report("invalid_literal", f"'{text[:40]}' is not a value of type interval", node)
        return "interval"

    def _position(self, node: exp.Expr) -> str | None:
        given = [node.this, node.args.get("substr")]
        return self._resolve(node, "position", [self.type(part) for part in given], [])

    def _within_group(self, node: exp.Expr) -> str | None:
        order = [self.type(item.this) for item in node.expression.expressions]
        direct = [self.type(part) for part in arguments(node.this)]
        name = _WRITTEN_OTHERWISE.get(called(node.this) or "", called(node.this) or "")
        return self._resolve(node.this, name, [*direct, *order], [], ordered=True)

    def _call(self, node: exp.Expr) -> str | None:
        name = called(node) or ""
        name = _WRITTEN_OTHERWISE.get(name, name)
        given = arguments(node)
        if isinstance(node.parent, exp.WithinGroup) or name in _UNTYPED:
            return None
        if name in _COMMON:
            return self.one_type(node, given, name.upper())
        if name == "nullif" and len(given) == 2:
            self.binary("=", node, given[0], given[1])
            return self.type(given[0])
        if name == "count" and not given:
            hint_ = "count rows with COUNT(*)"
            self.report("wrong_arguments", "count() has nothing to count", node, hint=hint_)
            return "int8"
        if name == "count" and len(given) == 1 and isinstance(given[0], exp.Star | exp.Column):
            return "int8"
        if name == "unnest" and len(given) == 1:
            return self._unnest(node)
        if any(isinstance(part, exp.Kwarg | exp.Variadic | exp.Star) for part in given):
            return None
        return self._resolve(node, name, [self.type(part) for part in given], given)

    def _unnest(self, node: exp.Expr) -> str | None:
        """Each element of the only array; several arrays stand side by side."""
        given = self.type(node.expressions[0]) if len(node.expressions) == 1 else None
        if given is None or given == UNKNOWN or given.startswith(("_", "any")):
            return given[1:] if given is not None and given.startswith("_") else None
        if given not in {"tsvector", RECORD} and not given.endswith("multirange"):
            what = f"unnest({spoken(given)}) does not exist"
            self.report("wrong_arguments", what, node, hint="it takes an array")
        return None

    def _resolve(
        self,
        node: exp.Expr,
        name: str,
        types: Sequence[str | None],
        given: Sequence[exp.Expr],
        *,
        ordered: bool = False,
    ) -> str | None:
        found = function(name, tuple(types), ordered)
        if isinstance(found, resolve.Resolved):
            for part, type_, target in zip(given, types, found.arguments, strict=False):
                if type_ == UNKNOWN:
                    self.convert(part, others_give(target, found.arguments, types))
            return None if found.result in {RECORD, None} else found.result
        if isinstance(found, resolve.Failure):
            shown = ", ".join(spoken(type_) if type_ else "…" for type_ in types)
            self.report(
                "wrong_arguments", f"{name}({shown}) {found.value}", node, hint=overloads(name, len(types))
            )
        return None
