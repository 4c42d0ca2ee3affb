"""What the address of the list of reports asks for."""

from datetime import UTC, date, datetime, timedelta

import pytest
from starlette.datastructures import QueryParams

from farm.web.asked_reports import Asked

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


def asked(address: str) -> Asked:
    return Asked.of(QueryParams(address))


def test_an_address_says_what_is_asked_for_and_is_written_again_from_it():
    address = (
        "q=revenue+month&target=shop&dialect=sqlite&model=m&table=a&table=b&tag=x&mark=good&starred=yes"
        "&corrected=yes&when=week&first=2026-05-01&last=2026-05-09&view=table"
    )
    found = asked(address)
    assert found.href() == f"/reports?{address}"
    assert (found.q, found.table, found.first) == ("revenue month", ("a", "b"), date(2026, 5, 1))
    assert len(list(found.chips())) == 13
    assert Asked().href() == "/reports"
    assert found.href(after=7).endswith("&after=7")


@pytest.mark.parametrize(
    "address",
    ["mark=middling", "when=century", "first=yesterday", "last=0001-01-01", "view=x", "target=", "starred=1"],
)
def test_what_cannot_be_is_left_out(address: str):
    assert asked(address) == Asked()


def test_signs_that_no_database_takes_part_words():
    found = asked("q=a%00b&target=%00&tag=%ED%A0%80&tag=" + "t" * 1_000)
    assert (found.q, found.target) == ("a b", None)
    assert [len(tag) for tag in found.tag] == [3, 300]


def test_periods_count_back_from_now_and_days_are_whole():
    assert asked("when=week").criteria(NOW).since == NOW - timedelta(days=7)
    assert asked("when=week&first=2020-01-01").criteria(NOW).since == NOW - timedelta(days=7)
    both = asked("first=2026-05-01&last=2026-05-01").criteria(NOW)
    assert both.since is not None
    assert both.until is not None
    assert both.until - both.since == timedelta(days=1)


def test_each_chip_takes_its_own_condition_away():
    found = asked("q=x&table=a&table=b&starred=yes")
    hrefs = dict(found.chips())
    assert hrefs["table a"] == "/reports?q=x&table=b&starred=yes"
    assert hrefs["starred"] == "/reports?q=x&table=a&table=b"
    assert found.with_one("table", "b") == found.href()
    assert found.narrows
    assert not asked("view=table").narrows
