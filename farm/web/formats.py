"""How numbers, times and money are written on pages."""

from datetime import UTC, datetime

from markupsafe import Markup

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))
NOTHING = "\N{EN DASH}"


def number(value: float | None) -> str:
    """Such as 12,345 or 1,234.5."""
    if value is None:
        return NOTHING
    if isinstance(value, int) or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2g}" if abs(value) < 1 else f"{value:,.1f}"


def usd(value: float | None) -> str:
    """A cost; a dash where no price is set."""
    if value is None:
        return NOTHING
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:,.4f}"


def percent(value: float | None) -> str:
    """A share between 0 and 1."""
    return NOTHING if value is None else f"{value:.1%}"


def duration(seconds: float | None) -> str:
    """Such as 340 ms, 4.2 s, 3 min or 2 d."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    unit, size = next(pair for pair in UNITS if seconds >= pair[1])
    return f"{seconds / size:,.0f} {unit}"


def milliseconds(value: float | None) -> str:
    """A duration given in milliseconds."""
    return NOTHING if value is None else duration(value / 1000)


def ago(at: datetime | None, now: datetime | None = None) -> Markup | str:
    """How long ago a time was, with the time itself to hover over."""
    if at is None:
        return NOTHING
    seconds = max(0.0, ((now or datetime.now(UTC)) - at).total_seconds())
    text = "just now" if seconds < 5 else f"{duration(round(seconds))} ago"
    return _time(at, text.replace(".0 s", " s"))


def when(at: datetime | None) -> Markup | str:
    """A time, to the second, in UTC."""
    return NOTHING if at is None else _time(at, f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")


def plural(count: int, noun: str) -> str:
    """Such as 1 query, 2 queries, 1,200 tasks."""
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else several}"


def _time(at: datetime, text: str) -> Markup:
    exact = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return Markup('<time datetime="{}Z" title="{} UTC">{}</time>').format(
        exact.replace(" ", "T"), exact, text
    )
