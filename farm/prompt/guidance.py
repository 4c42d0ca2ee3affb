"""What differs between dialects in a prompt; one entry per dialect, nothing of any particular schema."""

from dataclasses import dataclass

from farm.targets.target import Dialect


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance:
    """`name` as people write it, rules on `dates`, and the spelling of expressions on a date column `{d}`."""

    name: str
    dates: str
    year: str
    month: str
    quarter: str
    year_is_text: bool
    days: str

    def spelled(self, date_column: str) -> dict[str, str]:
        """The expressions for one date column, by name."""
        return {name: getattr(self, name).format(d=date_column) for name in ("year", "month", "quarter")} | {
            "days": self.days
        }

    def condition_year(self, date_column: str, year: str) -> str:
        return f"{self.year.format(d=date_column)} = {self.year_literal(year)}"

    def year_literal(self, year: str) -> str:
        """The year as the expression `year` gives it: text or number."""
        return f"'{year}'" if self.year_is_text else year


GUIDANCE: dict[Dialect, Guidance] = {
    "sqlite": Guidance(
        name="SQLite",
        dates=(
            "Dates are text 'YYYY-MM-DD'. Use strftime and julianday, never EXTRACT, DATE_TRUNC or YEAR()."
        ),
        year="strftime('%Y', {d})",
        month="strftime('%Y-%m', {d})",
        quarter="(CAST(strftime('%m', {d}) AS INTEGER) + 2) / 3",
        year_is_text=True,
        days="julianday(b) - julianday(a)",
    ),
    "postgres": Guidance(
        name="PostgreSQL",
        dates=(
            "Use EXTRACT and to_char for dates, never strftime or julianday. ROUND(x, 2) needs x::numeric."
        ),
        year="EXTRACT(YEAR FROM {d})",
        month="to_char({d}, 'YYYY-MM')",
        quarter="EXTRACT(QUARTER FROM {d})",
        year_is_text=False,
        days="b::date - a::date",
    ),
    "mysql": Guidance(
        name="MySQL",
        dates=(
            "Use YEAR(), DATE_FORMAT, DATEDIFF and + INTERVAL 1 DAY for dates, never strftime or to_char. "
            "Names go in backticks, strings in single quotes; columns beside aggregates go in GROUP BY."
        ),
        year="YEAR({d})",
        month="DATE_FORMAT({d}, '%Y-%m')",
        quarter="QUARTER({d})",
        year_is_text=False,
        days="DATEDIFF(b, a)",
    ),
    "duckdb": Guidance(
        name="DuckDB",
        dates=(
            "Use year(), date_trunc and strftime(date, '%Y-%m') for dates. Read tables only, never files."
        ),
        year="year({d})",
        month="strftime({d}, '%Y-%m')",
        quarter="quarter({d})",
        year_is_text=False,
        days="date_diff('day', a, b)",
    ),
}
