"""What is said about one question: hints on its tables, terms and periods, and an example of its form."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.prompt import linking
from farm.prompt.examples import Example, Form, example_for
from farm.prompt.glossary import Term, terms
from farm.prompt.guidance import Guidance
from farm.prompt.schema_text import ForeignKey, SchemaText, read_schema
from farm.targets.target import Target

# Patterns with several gaps take quadratic time; nobody says what he wants only behind this.
READ_CHARS = 600
YEAR = re.compile(r"\b(?:in|of|during|year|for|and) ((?:19|20)\d\d)\b")
CODE = re.compile(r"^(\S+) \('([^']*)'\)$")
EXCLUDED = r"\b(?:leav\w+ out|except|exclud\w+|ignor\w+|without|not|but not|were not) (?:the |all |any )?{}\b"
SPELLINGS = (
    (re.compile(r"\b(missing|unknown|empty|blank)\b.*\bas\b", re.I), "missing values: COALESCE(x, 'text')"),
    (re.compile(r"\b(upper|lower)[ -]case", re.I), "ignoring case: UPPER(x) in SELECT and in GROUP BY"),
    (re.compile(r"\bcontain", re.I), "contains: x LIKE '%word%'"),
    (re.compile(r"\bquarter", re.I), "quarter: {quarter}, also in GROUP BY"),
    (re.compile(r"\bmonth", re.I), "month: {month}, also in GROUP BY"),
    (re.compile(r"\b(each|per|which|every|by) year\b|\byearly\b", re.I), "year: {year}, also in GROUP BY"),
    (re.compile(r"\bdays?\b", re.I), "days from a to b: {days}"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """`hints` are short lines, empty where nothing is recognised."""

    hints: tuple[str, ...]
    example: Example | None


def brief(question: str, target: Target, guidance: Guidance) -> Brief:
    """What a small model should be told of this question beside schema and notes."""
    question = question[:READ_CHARS]
    schema = read_schema(target.ddl)
    used = terms(question, target.notes)
    names = linking.tables(question, [f"{term.text} {term.condition}" for term in used], schema)
    example = example_for(question)
    form = example.form if example else Form.PLAIN
    keys: list[str] = []
    if form is Form.KEYED:
        spoken, names = names, linking.without_mere_keys(question, names, schema)
        keys = list(_counted(spoken, names, schema))
    partner = linking.partner_key(question, names, schema) if form is Form.ABSENT else None
    if form is Form.ABSENT and partner is None:
        example = None
    source = _lookup(partner) if partner else _joined(names, schema)
    lines = _lines(question, names, schema, used, guidance, source)
    return Brief(hints=(*lines, *keys), example=example)


def _counted(spoken: Sequence[str], kept: Sequence[str], schema: SchemaText) -> Iterator[str]:
    """Where the keys of the tables stand that need no join."""
    for key in schema.foreign_keys:
        if key.parent in spoken and key.parent not in kept and key.table in kept:
            yield f"{key.parent}: {key.table}.{key.column}"


def _lookup(key: ForeignKey) -> str:
    subquery = f"(SELECT {key.table}.{key.column} FROM {key.table})"  # noqa: S608 - text of a prompt
    return f"WHERE {key.parent}.{key.parent_column} NOT IN {subquery}"


def _joined(names: Sequence[str], schema: SchemaText) -> str | None:
    source = linking.join(names, schema)
    return source and f"FROM {source}"


def _lines(
    question: str,
    names: Sequence[str],
    schema: SchemaText,
    used: Sequence[Term],
    guidance: Guidance,
    source: str | None,
) -> Iterator[str]:
    """The most helpful first."""
    date = linking.date_column(names, schema)
    columns = linking.columns(question, names, schema)
    years = sorted(set(YEAR.findall(question))) if date else []
    conditions = [term.condition for term in used if term.condition] + _exclusions(question, columns)
    if date and len(years) == 1:
        conditions.append(guidance.condition_year(date, years[0]))
    if source:
        yield source
    if conditions:
        yield f"WHERE {' AND '.join(dict.fromkeys(conditions))}"
    if date and len(years) > 1:
        yield from (f"in {year}: {guidance.condition_year(date, year)}" for year in years)
    yield from (term.text for term in used)
    said = " ".join(conditions)
    if named := [column for column in columns if column.split()[0] not in said]:
        yield f"columns: {', '.join(named)}"
    spelled = guidance.spelled(date or "d")
    yield from (text.format(**spelled) for pattern, text in SPELLINGS if pattern.search(question))


def _exclusions(question: str, columns: Sequence[str]) -> list[str]:
    """Conditions for codes that the question leaves out."""
    found = []
    for match in filter(None, map(CODE.match, columns)):
        column, code = match.groups()
        if re.search(EXCLUDED.format(re.escape(code)), question, re.I):
            found.append(f"{column} <> '{code}'")
    return found
