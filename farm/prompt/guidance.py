"""What a model must be told of each dialect; one entry per dialect, nothing of any particular schema."""

from dataclasses import dataclass

from farm.targets.target import Dialect


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance:
    """`name` as people write it; `rules` are sentences of the system message, in order."""

    name: str
    rules: tuple[str, ...]


GUIDANCE: dict[Dialect, Guidance] = {
    "sqlite": Guidance(
        name="SQLite",
        rules=(
            "Dates are text 'YYYY-MM-DD'. Year: strftime('%Y', d) = '2024'. Month: strftime('%Y-%m', d). "
            "Days between: julianday(b) - julianday(a).",
            "Never use EXTRACT, DATE_TRUNC, YEAR(), MONTH(), TO_CHAR, INTERVAL, ILIKE, DISTINCT ON or ::casts.",
            "Dividing two integers cuts the fraction off: write 100.0 * a / b.",
        ),
    ),
    "postgres": Guidance(
        name="PostgreSQL",
        rules=(
            "Year: EXTRACT(YEAR FROM d) = 2024. Month as text: to_char(d, 'YYYY-MM'). Days between two dates: b - a.",
            "Never use strftime, julianday, IFNULL or GROUP_CONCAT.",
            "ROUND(x, 2) needs x::numeric. Dividing two integers cuts the fraction off: write 100.0 * a / b.",
        ),
    ),
}
