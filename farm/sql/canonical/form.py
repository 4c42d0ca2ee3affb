"""What a resolved query says, as text that does not depend on how it was spelled; see key.py."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlglot import exp

from farm.sql.calls import called
from farm.sql.canonical.expressions import Expressions
from farm.sql.canonical.sources import From, Item, is_plain, items_of
from farm.sql.canonical.text import NamesMatter, Unclear, each_once, text
from farm.sql.grouping import shows_any_row
from farm.sql.names.sources import Scope, Source
from farm.sql.shape import inside, is_bare_position
from farm.sql.subject import Subject
from farm.sql.words import words

_BY_ROW_ORDER = (exp.Limit, exp.Offset, exp.Fetch, exp.Window, exp.TableSample)
# their result depends on the order of the rows that they are given
_ORDERED_AGGREGATES = words(
    "any_value arbitrary array_agg first first_value group_concat json_agg json_arrayagg json_group_array "
    "json_group_object json_object_agg json_objectagg jsonb_agg jsonb_object_agg last last_value list "
    "listagg string_agg xmlagg"
)
_SELECT_DONE = frozenset({"with_", "expressions", "from_", "joins", "laterals", "where", "group", "order"})

Ctes = Mapping[str, str]


def canonical_form(subject: Subject, *, keep_names: bool = False) -> str:
    """The text; raises Unclear, or NamesMatter unless names are kept."""
    return _Form(subject=subject, keep_names=keep_names).query(subject.tree)


@dataclass(kw_only=True)
class _Form(Expressions):
    ctes: Ctes = field(default_factory=dict)
    level: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.selections = {id(each.node): each for each in self.subject.resolution.selections}

    @cached_property
    def takes_any_row(self) -> bool:
        """Whether the result may depend on the order in which the engine comes to rows."""
        calls = (called(node) for node in self.subject.find_all(exp.Anonymous, exp.GroupConcat))
        return (
            any(issubclass(kind, _BY_ROW_ORDER) for kind in self.subject.kinds)
            or any(node.args.get("on") for node in self.subject.find_all(exp.Distinct))
            or not _ORDERED_AGGREGATES.isdisjoint(calls)
            or shows_any_row(self.subject)
        )

    # queries

    def query(self, node: exp.Expr) -> str:
        """A query with its WITH clause; the names of its CTEs hold within."""
        ctes, level = self.ctes, self.level
        clause = node.args.get("with_")
        before = self._with(clause) if clause is not None else ""
        try:
            return text("Query", before, self._query(node)) if before else self._query(node)
        finally:
            self.ctes, self.level = ctes, level

    def _with(self, clause: exp.Expr) -> str:
        self.level += 1
        recursive = bool(clause.args.get("recursive"))
        found = [
            (self._fold_table(cte.args["alias"].this), f"cte{self.level}.{at}")
            for at, cte in enumerate(clause.expressions)
        ]
        forward = self.rules.name == "sqlite" or (self.rules.name == "postgres" and recursive)
        if forward:
            self.ctes = {**self.ctes, **dict(found)}
        bodies = []
        for cte, (name, number) in zip(clause.expressions, found, strict=True):
            if recursive:
                self.ctes = {**self.ctes, name: number}
            rest = self._others(cte, {"this", "alias"})
            bodies.append(text(number, self.query(cte.this), rest, self._kept(cte.args["alias"])))
            self.ctes = {**self.ctes, name: number}
        return text("With", self._others(clause, {"expressions"}), *bodies)

    def _query(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Select):
            return self._select(node)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node)
        if isinstance(node, exp.Subquery) and not isinstance(inside(node), exp.Table):
            rest = {name for name, value in node.args.items() if value} - {"this", "alias", "with_"}
            return text("Whole", self.query(node.this), self._result(node)) if rest else self.query(node.this)
        if isinstance(node, exp.Values):
            return self._generic(node, skip={"alias"})
        raise Unclear

    def _set_operation(self, node: exp.SetOperation) -> str:
        if node.args.get("by_name") and not self.keep_names:
            raise NamesMatter
        parts = (self.query(node.this), self.query(node.expression))
        return text(type(node).__name__, *parts, self._result(node))

    def _result(self, node: exp.Expr) -> str:
        """What is done to the result of a set operation, or of a query in parentheses."""
        columns = self.subject.resolution.outputs.get(id(node))
        labels = columns.labels if columns is not None else ()
        order = node.args.get("order")
        ordered = (
            [self._ordered(item, self._of_result(item, labels)) for item in order.expressions]
            if order
            else []
        )
        return text(*ordered, self._others(node, {"this", "expression", "order", "with_", "alias"}))

    def _of_result(self, item: exp.Expr, labels: Sequence[str | None]) -> str | None:
        """The column of a result that an item of its ORDER BY names by its position or its name."""
        node = item.this
        if is_bare_position(node):
            return f"result{int(node.name) - 1}"
        plain = isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier)
        name = self._fold(node.this) if plain and not node.args.get("table") else None
        if name is None or list(labels).count(name) != 1:
            return None
        return f"result{list(labels).index(name)}"

    # SELECT

    def _select(self, node: exp.Select) -> str:
        selection = self.selections.get(id(node))
        if selection is None:
            raise Unclear
        scope = selection.scope
        sources, conditions = self._from(node, scope)
        items = [item for projection in node.expressions for item in self._projection(projection, scope)]
        labels = selection.columns.labels if selection.columns.count == len(items) else ()
        self.results[id(scope)] = (labels, items)
        where = node.args.get("where")
        conditions += self._operands(where.this, exp.And) if where is not None else []
        return text(
            "Select",
            self._labels(node, scope),
            *items,
            sources,
            text("Where", *each_once(conditions)),
            self._group(node.args.get("group"), items),
            self._order(node.args.get("order"), items),
            self._others(node, _SELECT_DONE),
        )

    def _labels(self, node: exp.Select, scope: Scope) -> str:
        """The names of the result, where something else in the query may be called the same."""
        if not (self.keep_names or any(self._hides(each, scope) for each in node.expressions)):
            return ""
        return repr(
            [
                self._fold(each.args["alias"]) if isinstance(each, exp.Alias) else ""
                for each in node.expressions
            ]
        )

    def _hides(self, projection: exp.Expr, scope: Scope) -> bool:
        if not isinstance(projection, exp.Alias):
            return False
        having = scope.having(self._fold(projection.args["alias"]))
        reference = self.references.get(id(projection.this))
        same = reference is not None and reference.name == self._fold(projection.args["alias"])
        return bool(having) and not (same and reference is not None and having == [reference.source])

    def _projection(self, node: exp.Expr, scope: Scope) -> Iterator[str]:
        star = node.this if isinstance(node, exp.Column) else node
        if not isinstance(star, exp.Star):
            yield self.key(node)
        elif (chosen := self._starred(node, scope)) is not None:
            for source in chosen:
                yield from (self._of_source(source, at) for at in range(len(source.columns.labels)))
        else:
            yield self._generic(node)

    def _starred(self, node: exp.Expr, scope: Scope) -> list[Source] | None:
        """The sources whose columns a star stands for; None where these are not known."""
        sources = scope.sources
        if isinstance(node, exp.Column):
            sources = scope.named(self._fold_table(node.args["table"]))[:1]
        star = node.this if isinstance(node, exp.Column) else node
        known = is_plain(star) and bool(sources) and all(s.columns.count is not None for s in sources)
        return sources if known and not scope.merged else None

    def _group(self, clause: exp.Expr | None, items: Sequence[str]) -> str:
        if clause is None:
            return ""
        grouped = (self._by_position(item, items) or self.key(item) for item in clause.expressions)
        return text("Group", *each_once(grouped), self._others(clause, {"expressions"}))

    def _order(self, clause: exp.Expr | None, items: Sequence[str]) -> str:
        if clause is None:
            return ""
        ordered = (self._ordered(item, self._by_position(item.this, items)) for item in clause.expressions)
        return text("Order", *ordered, self._others(clause, {"expressions"}))

    def _ordered(self, item: exp.Expr, known: str | None) -> str:
        return text("Ordered", known or self.key(item.this), self._others(item, {"this"}))

    def _by_position(self, node: exp.Expr, items: Sequence[str]) -> str | None:
        if is_bare_position(node) and 0 < int(node.name) <= len(items):
            return items[int(node.name) - 1]
        return None

    # FROM

    def _from(self, node: exp.Select, scope: Scope) -> tuple[str, list[str]]:
        """The sources, and the conditions of inner joins, which mean the same as those of WHERE."""
        whole = items_of(node)
        if len(whole.items) != len(scope.sources):
            raise Unclear
        depth = sum(1 for _ in scope.outward())
        stars = any(
            self._starred(each, scope) is None
            for each in node.expressions
            if isinstance(each, exp.Star)
            or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star))
        )
        if whole.by_name and not self.keep_names and any(source.table is None for source in scope.sources):
            raise NamesMatter
        if self.keep_names or not whole.any_order or stars or scope.merged or self.takes_any_row:
            self._number(scope.sources, depth)
            return self._in_order(whole, scope), []
        defined = [
            self._definition(item, source) for item, source in zip(whole.items, scope.sources, strict=True)
        ]
        order = sorted(range(len(defined)), key=defined.__getitem__)
        self._number([scope.sources[at] for at in order], depth)
        conditions = [each for on in whole.conditions for each in self._operands(on, exp.And)]
        return text("From", *(defined[at] for at in order)), conditions

    def _number(self, sources: Sequence[Source], depth: int) -> None:
        self.names.update((id(source), f"{depth}.{at}") for at, source in enumerate(sources))

    def _in_order(self, whole: From, scope: Scope) -> str:
        """All sources with all joins, as they stand."""
        sources = {id(item.node): source for item, source in zip(whole.items, scope.sources, strict=True)}

        def written(item: Item | exp.Join | Sequence[object]) -> str:
            if isinstance(item, Item):
                return self._definition(item, sources[id(item.node)])
            if isinstance(item, exp.Join):
                return self._join(item)
            return text("Joined", *(written(part) for part in item))  # type: ignore[arg-type]

        return text("From", *(written(part) for part in whole.parts))

    def _join(self, join: exp.Join) -> str:
        words = (str(join.args.get(name) or "").upper() for name in ("method", "side", "kind"))
        kind = " ".join(word for word in words if word not in ("", "INNER", "OUTER"))
        on, using = join.args.get("on"), join.args.get("using") or ()
        conditions = each_once(self._operands(on, exp.And)) if on is not None else []
        named = [self._fold(each.this if isinstance(each, exp.Column) else each) for each in using]
        if not (kind or conditions or named):
            kind = "INNER" if join.args.get("kind") else "COMMA"
        rest = self._others(join, {"this", "on", "using", "method", "side", "kind"})
        return text("Join", kind, repr(named), *conditions, rest)

    def _definition(self, item: Item, source: Source) -> str:
        """What a source is, whatever it is called here."""
        node = item.node
        alias = self._kept(node.args.get("alias"))
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            rest = self._others(node, {"this", "db", "alias", "joins"})
            return text(self._relation(node, source), rest, alias)
        if isinstance(node, exp.Subquery) and not node.args.get("joins"):
            return text("Derived", self.query(node), alias)
        if isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            return text("Lateral", self.query(node.this), self._others(node, {"this", "alias"}), alias)
        return text(self._generic(node, skip={"alias", "joins"}), alias)

    def _relation(self, node: exp.Table, source: Source) -> str:
        db, name = node.args.get("db"), self._fold_table(node.this)
        if db is None and name in self.ctes:
            return self.ctes[name]
        if source.table is not None:
            return repr((source.table.schema, source.table.name))
        return repr((db.name.lower() if db is not None else None, name))

    def _kept(self, alias: exp.Expr | None) -> str:
        return self._generic(alias) if self.keep_names and alias is not None else ""
