"""Writes an accepted query in another dialect, or tells why that would not mean the same."""

from collections.abc import Sequence

from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError

from farm.sql.dialect import rules_of
from farm.sql.names.resolution import Resolution
from farm.sql.names.scopes import resolve
from farm.sql.parsing import parse, tokenize
from farm.sql.place import place
from farm.sql.schema import Schema
from farm.sql.subject import Subject
from farm.sql.translation.meaning import FRACTIONS, RULES, WHOLE_NUMBERS, Change, Rewriting, as_glob
from farm.sql.translation.spelling import Spelling, respell
from farm.sql.verdict import Finding

_STRING = "string_in_double_quotes"
_DIRECTIVES = {"YEAR": "%Y", "MONTH": "%m", "DAY": "%d", "HOUR": "%H", "MINUTE": "%M"}
"""Of SQLite's strftime, for the parts of a time that EXTRACT takes."""


class Untranslatable(Exception):
    """The other dialect cannot say the same; `findings` tell what, and what to write instead."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings[0].message)
        self.findings = tuple(findings)


def transpile(sql: str, schema: Schema, dialect: str) -> str:
    """An accepted query for the tables of `farm.sql.translation.schema_ddl.ddl_in`; raises Untranslatable."""
    try:
        return _transpiled(sql, schema, dialect)
    except (SqlglotError, RecursionError, ValueError, AttributeError) as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        message = f"the query cannot be written for {dialect}: {said:.200}"
        hint = f"write it so that {dialect} can say the same"
        raise Untranslatable([Finding(code="untranslatable", message=message, hint=hint)]) from error


def _transpiled(sql: str, schema: Schema, dialect: str) -> str:
    source = schema.rules.name
    parsed = parse(tokenize(sql, source), sql, source)
    tree = next(each for each in parsed if each is not None)
    resolution = resolve(tree, schema, sql)
    _strings(tree, resolution, sql)
    if source == "sqlite":
        _today(tree)
    rewriting = Rewriting(
        tree=tree,
        resolution=resolution,
        source=source,
        dialect=dialect,
        quotients=_quotients(tree, Subject(sql, schema)) if source == "postgres" else {},
    )
    changes = [change for rule in RULES for change in rule(rewriting)]
    if changes:
        raise Untranslatable([_finding(change, sql) for change in changes])
    _adapt(rewriting)
    respell(tree, Spelling.of(schema, rules_of(dialect)))
    return tree.sql(dialect, unsupported_level=ErrorLevel.RAISE, comments=False)


def _strings(tree: exp.Expr, resolution: Resolution, sql: str) -> None:
    """What SQLite takes for a string, as there is no such column, becomes one."""
    places = {(each.line, each.column) for each in resolution.findings if each.code == _STRING}
    for node in list(tree.find_all(exp.Column)) if places else ():
        at = place(sql, node.this.meta.get("start"))
        if (at["line"], at["column"]) in places:
            node.replace(exp.Literal.string(node.name))


def _today(tree: exp.Expr) -> None:
    """SQLite's date('now') and datetime('now') have names of their own elsewhere."""
    for node in list(tree.find_all(exp.Literal)):
        call = node.parent
        if not (node.is_string and node.name.lower() == "now") or call is None:
            continue
        alone = len(list(call.iter_expressions())) == 1
        if alone and isinstance(call, exp.Date | exp.TsOrDsToDate):
            call.replace(exp.CurrentDate())
        elif alone and (isinstance(call, exp.Datetime) or call.name.lower() == "datetime"):
            call.replace(exp.CurrentTimestamp())


def _quotients(tree: exp.Expr, subject: Subject) -> dict[int, str | None]:
    """The types of the tree's divisions, which are the same and in the same order as the subject's."""
    divisions = [node for node in tree.walk() if isinstance(node, exp.Div)]
    typed = list(subject.find_all(exp.Div)) if divisions else []
    if len(divisions) != len(typed):
        return {}
    types = (subject.typing.type(node) for node in typed)
    return {id(node): type_ for node, type_ in zip(divisions, types, strict=True)}


def _adapt(rewriting: Rewriting) -> None:
    """What the dialects write otherwise and sqlglot does not."""
    if rewriting.source == "sqlite" and rewriting.dialect in ("postgres", "duckdb"):
        for like in list(rewriting.tree.find_all(exp.Like)):  # SQLite's does not mind capitals
            like.replace(exp.ILike(**like.args))
    if rewriting.dialect == "sqlite":
        _adapt_to_sqlite(rewriting)
    else:
        _name_subqueries(rewriting.tree)
        _divide_whole_numbers(rewriting)
    if rewriting.dialect == "mysql":
        _filter_by_case(rewriting.tree)


def _name_subqueries(tree: exp.Expr) -> None:
    """Give the subqueries in FROM that have no name one; only SQLite takes them without everywhere."""
    for at, node in enumerate(tree.find_all(exp.Subquery), start=1):
        is_source = isinstance(node.parent, exp.From | exp.Join) and not isinstance(node.this, exp.Table)
        if is_source and not node.args.get("alias"):
            node.set("alias", exp.TableAlias(this=exp.to_identifier(f"subquery_{at}")))


def _divide_whole_numbers(rewriting: Rewriting) -> None:
    """What Postgres divides to a whole number has another operator where / gives a fraction."""
    for node in list(rewriting.tree.find_all(exp.Div)) if rewriting.dialect != "postgres" else ():
        if rewriting.quotients.get(id(node)) in WHOLE_NUMBERS:
            node.replace(exp.IntDiv(this=node.this, expression=node.expression))


def _filter_by_case(tree: exp.Expr) -> None:
    """An aggregate with FILTER as one over CASE, for MySQL; of those that pass over NULL."""
    for node in list(tree.find_all(exp.Filter)):
        call = node.this
        values = call.this.expressions if isinstance(call.this, exp.Distinct) else [call.this]
        if not isinstance(call, exp.Count | exp.Sum | exp.Avg | exp.Min | exp.Max) or len(values) != 1:
            continue
        value = exp.Literal.number(1) if isinstance(values[0], exp.Star) else values[0].copy()
        values[0].replace(exp.Case(ifs=[exp.If(this=node.expression.this.copy(), true=value)]))
        node.replace(call)


def _adapt_to_sqlite(rewriting: Rewriting) -> None:
    tree = rewriting.tree
    for division in list(tree.find_all(exp.Div)):
        if rewriting.quotients.get(id(division)) in FRACTIONS and not rewriting.is_fraction(division):
            # Postgres makes a fraction of the sum of large whole numbers, SQLite does not
            division.set("this", exp.cast(division.this, exp.DataType.Type.DOUBLE))
    for like in list(tree.find_all(exp.Like)) if rewriting.source in ("postgres", "duckdb") else ():
        if (glob := as_glob(like)) is not None:
            like.replace(glob)
    for part in list(tree.find_all(exp.Extract)):
        if (directive := _DIRECTIVES.get(part.name.upper())) is not None:
            format_ = exp.Literal.string(directive)
            number = exp.Anonymous(this="STRFTIME", expressions=[format_, part.expression])
            part.replace(exp.cast(number, exp.DataType.Type.INT))
    for cast in list(tree.find_all(exp.Cast)):  # SQLite has no numbers with a fixed count of digits
        digits = cast.to.expressions
        if cast.to.this.name == "DECIMAL" and digits:
            scale = digits[1].this if len(digits) > 1 else exp.Literal.number(0)
            double = exp.cast(cast.this, exp.DataType.Type.DOUBLE)
            cast.replace(exp.Round(this=double, decimals=scale))


def _finding(change: Change, sql: str) -> Finding:
    starts = [node.meta["start"] for node in change.node.walk() if "start" in node.meta]
    at = place(sql, min(starts, default=None))
    return Finding(code="untranslatable", message=change.what, hint=change.hint, **at)
