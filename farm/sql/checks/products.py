"""Tables joined without a condition: every row of one meets every row of the other. Nothing is wrong with the
syntax, and hardly ever is it what was asked for."""

from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp

from farm.sql.calls import start_of
from farm.sql.names.sources import Selection, Source
from farm.sql.shape import joins
from farm.sql.subject import Subject
from farm.sql.verdict import Finding, Severity


def tables_are_linked(subject: Subject) -> Iterator[Finding]:
    """Warns of tables of the schema that no condition links; subqueries and CTEs often have a single row."""
    if exp.Join not in subject.kinds:
        return
    for selection in subject.resolution.selections:
        tables = [source for source in selection.scope.sources if source.table is not None]
        if len(tables) < 2 or not _is_plain(selection.node):
            continue
        links = _Links()
        _link_by_name(selection, links)
        apart = links.apart(tables)
        for condition in _conditions(selection.node) if apart is not None else ():
            # a name whose table is not certain may link anything
            apart = links.apart(tables) if _link(condition, subject, links) else None
            if apart is None:
                break
        if apart is not None:
            yield Finding(
                code="cross_join",
                severity=Severity.WARNING,
                message=f"no condition links {tables[0].name} and {apart.name}: each row of one is combined "
                "with each row of the other",
                hint="name the columns that belong together in ON",
                **subject.place(_start(selection.node, apart)),
            )


class _Links:
    """Which sources are linked, directly or through others."""

    def __init__(self) -> None:
        self._group: dict[int, int] = {}

    def link(self, sources: Iterable[Source]) -> None:
        groups = [self._of(source) for source in sources]
        for known, group in list(self._group.items()):
            if group in groups:
                self._group[known] = groups[0]

    def apart(self, sources: Sequence[Source]) -> Source | None:
        """The first one that nothing links to the first of all."""
        first = self._of(sources[0])
        return next((source for source in sources if self._of(source) != first), None)

    def _of(self, source: Source) -> int:
        return self._group.setdefault(id(source), id(source))


def _is_plain(select: exp.Select) -> bool:
    """Whether FROM holds tables and subqueries only; functions and LATERAL depend on what precedes them."""
    from_ = select.args.get("from_")
    sources = [from_.this] if from_ is not None else []
    sources += [join.this for join in joins(select)]
    return not select.args.get("laterals") and all(
        isinstance(source, exp.Subquery)
        or (isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier))
        for source in sources
    )


def _conditions(select: exp.Select) -> Iterator[exp.Expr]:
    """The parts of ON and WHERE that have to hold, each by itself."""
    where = select.args.get("where")
    wholes = [where.this] if where is not None else []
    wholes += [join.args["on"] for join in joins(select) if join.args.get("on") is not None]  # those first
    while wholes:
        whole = wholes.pop().unnest()
        if isinstance(whole, exp.And):
            wholes += [whole.this, whole.expression]
        else:
            yield whole


def _link(condition: exp.Expr, subject: Subject, links: _Links) -> bool:
    """Link what a condition speaks of, also of a surrounding query; False where that is not certain."""
    sources = []
    for column in condition.find_all(exp.Column):
        reference = subject.resolution.references.get(id(column))
        if reference is None:
            return False
        if reference.source is not None:
            sources.append(reference.source)
    if sources:
        links.link(sources)
    return True


def _link_by_name(selection: Selection, links: _Links) -> None:
    """USING and NATURAL link each source with those before it that have the same columns."""
    sources = selection.scope.sources
    for name in selection.scope.merged:
        links.link([source for source in sources if source.has(name)])


def _start(select: exp.Select, source: Source) -> int | None:
    for join in joins(select):
        if isinstance(join.this, exp.Table) and join.this.alias_or_name.lower() == source.name.lower():
            return start_of(join.this)
    return None
