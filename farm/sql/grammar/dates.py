"""How each dialect takes a date apart."""

from dataclasses import dataclass

from farm.sql.grammar.rules import Chars, Expr, Lit, Seq


@dataclass(frozen=True, slots=True)
class DateForms:
    """`parts` give a value to group by, `{d}` being the date; `years` one that a year of that form equals."""

    parts: tuple[str, ...]
    years: tuple[tuple[str, bool], ...]


FORMS = {
    "sqlite": DateForms(
        parts=("strftime('%Y', {d})", "strftime('%Y-%m', {d})", "strftime('%m', {d})", "date({d})"),
        years=(("strftime('%Y', {d})", True),),
    ),
    "postgres": DateForms(
        parts=(
            "EXTRACT(YEAR FROM {d})",
            "EXTRACT(MONTH FROM {d})",
            "EXTRACT(QUARTER FROM {d})",
            "to_char({d}, 'YYYY-MM')",
            "DATE_TRUNC('month', {d})",
        ),
        years=(("EXTRACT(YEAR FROM {d})", False), ("to_char({d}, 'YYYY')", True)),
    ),
    "mysql": DateForms(
        parts=("YEAR({d})", "MONTH({d})", "DATE_FORMAT({d}, '%Y-%m')"),
        years=(("YEAR({d})", False),),
    ),
    "duckdb": DateForms(
        parts=("EXTRACT(YEAR FROM {d})", "EXTRACT(MONTH FROM {d})", "strftime({d}, '%Y-%m')"),
        years=(("EXTRACT(YEAR FROM {d})", False),),
    ),
}


def around(form: str, date: Expr) -> Expr:
    """The form with the date in its place."""
    before, _, after = form.partition("{d}")
    return Seq((Lit(before), date, Lit(after)))


def year(*, as_text: bool) -> Expr:
    """A year between 1000 and 2999."""
    digits = Seq((Chars("[12]", 1, 1), Chars("[0-9]", 3, 3)))
    return Seq((Lit("'"), digits, Lit("'"))) if as_text else digits
