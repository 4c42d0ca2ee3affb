"""How numbers, times and money are written."""

from datetime import UTC, datetime, timedelta

import pytest

from farm.web import formats

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (12.0, "12"),
        (1234.56, "1,234.6"),
        (0.0123, "0.012"),
        (2 / 3, "0.67"),
        (None, formats.NOTHING),
    ],
)
def test_numbers(value, written):
    assert formats.number(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(None, formats.NOTHING), (0, "$0.00"), (12.345, "$12.35"), (0.00123, "$0.0012")]
)
def test_costs(value, written):
    assert formats.usd(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.34, "340 ms"),
        (4.2, "4.2 s"),
        (190, "3 min"),
        (7300, "2 h"),
        (200_000, "2 d"),
        (None, formats.NOTHING),
    ],
)
def test_durations(seconds, written):
    assert formats.duration(seconds) == written


@pytest.mark.parametrize(
    ("seconds", "written"), [(1, "just now"), (30, "30 s ago"), (3600, "1 h ago"), (-5, "just now")]
)
def test_how_long_ago(seconds, written):
    shown = formats.ago(NOW - timedelta(seconds=seconds), NOW)
    assert f">{written}</time>" in shown


def test_a_time_is_told_exactly_in_utc():
    zoned = NOW.astimezone(datetime.now().astimezone().tzinfo)
    assert formats.when(zoned) == (
        '<time datetime="2026-03-01T12:00:00Z" title="2026-03-01 12:00:00 UTC">2026-03-01 12:00:00 UTC</time>'
    )
    assert formats.when(None) == formats.ago(None) == formats.NOTHING


def test_plurals():
    assert [formats.plural(n, "query") for n in (1, 2)] == ["1 query", "2 queries"]
    assert formats.plural(1200, "task") == "1,200 tasks"
