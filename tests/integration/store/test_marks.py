"""Titles, stars and marks."""

import pytest
from support.reports import keep

from farm.errors import BadInput
from farm.store import marks, reports
from farm.store.engine import Store


def test_a_title_is_tidied_and_an_empty_one_takes_it_away(store: Store):
    query_id = keep(store, "A?", "SELECT 1")
    with store.write() as connection:
        marks.entitle(connection, query_id, "  Sales\n in\0 May ")
        assert reports.get(connection, query_id).title == "Sales in May"
        marks.entitle(connection, query_id, " ")
        assert reports.get(connection, query_id).title is None
        with pytest.raises(BadInput, match="201 characters"):
            marks.entitle(connection, query_id, "x" * 201)


def test_a_star_keeps_its_time_until_it_is_taken_away(store: Store):
    query_id, other = keep(store, "A?", "SELECT 1"), keep(store, "B?", "SELECT 2")
    with store.write() as connection:
        marks.star(connection, query_id, starred=True)
        first = reports.get(connection, query_id).starred_at
        marks.star(connection, query_id, starred=True)
        assert reports.get(connection, query_id).starred_at == first is not None
        marks.star(connection, query_id, starred=False)
        assert reports.get(connection, query_id).starred_at is None
        assert reports.get(connection, other).starred_at is None


def test_a_query_is_judged_good_or_bad_or_neither(store: Store):
    query_id = keep(store, "A?", "SELECT 1")
    with store.write() as connection:
        for judged in ("good", "bad", None):
            marks.mark(connection, query_id, judged)
            assert reports.get(connection, query_id).mark == judged
        with pytest.raises(BadInput, match="good or bad"):
            marks.mark(connection, query_id, "middling")
