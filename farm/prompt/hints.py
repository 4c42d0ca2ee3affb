"""What is said about one question: hints on its tables, terms and periods, and an example of its form."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.prompt import linking
from farm.prompt.examples import Example, Form, example_for
from farm.prompt.glossary import Term, terms
from farm.prompt.guidance import Guidance
from farm.prompt.schema import ForeignKey, SchemaText
from farm.prompt.schema_text import read_schema
from farm.targets.target import Target

# Patterns with several gaps take quadratic time; nobody says what he wants only behind this.
READ_CHARS = 600
YEAR = re.compile(r"\b(?:in|of|during|year|for|and) ((?:19|20)\d\d)\b")
CODE = re.compile(r"^(\S+) \('([^']*)'\)$")
EXCLUDED = r"\b(?:leav\w+ out|except|exclud\w+|ignor\w+|without|not|but not|were not) (?:the |all |any )?{}\b"
SPELLINGS = (
    (re.compile(r"\b(missing|unknown|empty|blank)\b.*\bas\b", re.I), "missing values: COALESCE(x, 'text')"),
    (re.compile(r"\bnot (missing|empty|blank)\b", re.I), "not missing: x IS NOT NULL"),
    (re.compile(r"\b(upper|lower)[ -]case", re.I), "ignoring case: UPPER(x)"),
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
    example = example_for(question)
    form = example.form if example else Form.PLAIN
    about = _about(question, target.notes, schema, guidance, form)
    skeleton = _skeleton(example, about, schema, guidance) if example else None
    if skeleton or (form is Form.ABSENT and not about.partner):
        example = None
    lines = [
        *([f"form: {skeleton}"] if skeleton else _frame(about, schema)),
        *about.periods,
        *(term.text for term in about.used),
        *_named(about),
        *([] if about.keys else _spellings(question, about.date, guidance)),
    ]
    return Brief(hints=tuple(lines), example=example)


@dataclass(frozen=True, kw_only=True, slots=True)
class _About:
    """What was recognised in a question; `keys` are those of tables that need no join."""

    names: list[str]
    used: list[Term]
    columns: list[str]
    conditions: list[str]
    periods: list[str]
    keys: list[ForeignKey]
    partner: ForeignKey | None
    date: str | None


def _about(question: str, notes: str, schema: SchemaText, guidance: Guidance, form: Form) -> _About:
    used = terms(question, notes)
    spoken = linking.tables(question, [f"{term.text} {term.condition}" for term in used], schema)
    names = linking.without_mere_keys(question, spoken, schema) if form is Form.KEYED else spoken
    keys = [k for k in linking.direct_keys(spoken, schema) if k.table in names and k.parent not in names]
    columns = linking.columns(question, names, schema)
    date = linking.date_column(names, schema)
    years = {y: guidance.condition_year(date, y) for y in sorted(set(YEAR.findall(question)))} if date else {}
    conditions = [term.condition for term in used if term.condition] + _exclusions(question, columns)
    return _About(
        names=names,
        used=used,
        columns=columns,
        conditions=list(dict.fromkeys(conditions + (list(years.values()) if len(years) == 1 else []))),
        periods=[f"in {year}: {text}" for year, text in years.items()] if len(years) > 1 else [],
        keys=keys,
        partner=linking.partner_key(question, names, schema) if form is Form.ABSENT else None,
        date=date,
    )


def _skeleton(example: Example, about: _About, schema: SchemaText, guidance: Guidance) -> str | None:
    """The example's form on the tables of the question, or None where these are not known well enough."""
    source = linking.join(about.names, schema)
    if not (example.skeleton and about.keys and about.date and source):
        return None
    where = " AND ".join(about.conditions) or "..."
    return example.skeleton.format(
        key=f"{about.keys[0].table}.{about.keys[0].column}",
        body=f"FROM {source} WHERE {where}",
        date=about.date,
        year_of_first=guidance.year.format(d="first_date"),
    )


def _frame(about: _About, schema: SchemaText) -> Iterator[str]:
    """FROM and WHERE of the query."""
    if about.partner:
        yield _lookup(about.partner)
    elif source := linking.join(about.names, schema):
        yield f"FROM {source}"
    if about.conditions:
        yield f"WHERE {' AND '.join(about.conditions)}"
    yield from (f"key of {key.parent}: {key.table}.{key.column}" for key in about.keys)


def _lookup(key: ForeignKey) -> str:
    subquery = f"(SELECT {key.table}.{key.column} FROM {key.table})"  # noqa: S608 - text of a prompt
    return f"WHERE {key.parent}.{key.parent_column} NOT IN {subquery}"


def _named(about: _About) -> Iterator[str]:
    """The columns that the conditions do not hold already."""
    said = " ".join(about.conditions)
    if columns := [column for column in about.columns if column.split()[0] not in said]:
        yield f"columns: {', '.join(columns)}"


def _spellings(question: str, date: str | None, guidance: Guidance) -> Iterator[str]:
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
