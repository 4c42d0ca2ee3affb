"""A column sought in the wrong table is found in the right one."""

import pytest

from farm.prompt.remedy import remedy
from farm.sql.verdict import Finding

DDL = """
CREATE TABLE venue (venueid INT, venuename TEXT);
CREATE TABLE paper (paperid INT, venueid INT, year INT);
CREATE TABLE book (title TEXT, pages INT);
"""
KEYS = """
CREATE TABLE venue (id INT PRIMARY KEY, label TEXT);
CREATE TABLE paper (paperid INT, venue INT REFERENCES venue (id));
"""


@pytest.mark.parametrize(
    ("message", "sql", "said"),
    [
        (
            "T2 has no column venuename",
            "SELECT T2.venuename FROM venue AS T1 JOIN paper T2 ON true",
            "Replace every T2.venuename by T1.venuename.",
        ),
        (
            "paper has no column VenueName",
            "SELECT paper.VenueName FROM venue, paper p JOIN venue ON true",
            "Replace every paper.VenueName by venue.VenueName.",
        ),
        (
            "no table in FROM has a column venuename",
            "SELECT venuename FROM paper",
            "venue has it: add JOIN venue ON venue.venueid = paper.venueid and write venue.venuename.",
        ),
        (
            "p has no column pages",
            "SELECT p.title, p.pages FROM paper AS p",
            None,
        ),
        ("no table in FROM has a column nothing", "SELECT nothing FROM paper", None),
        ("something else", "SELECT nothing FROM paper", None),
    ],
)
def test_remedies(message, sql, said):
    assert remedy(Finding(code="unknown_column", message=message), sql, DDL) == said


def test_an_ambiguous_column_is_qualified_everywhere():
    finding = Finding(
        code="ambiguous_column", message="column did could be from t1 or t2", nearest=("t1.did", "t2.did")
    )
    assert remedy(finding, "SELECT did", DDL) == "Replace every did that has no table before it by t1.did."


def test_other_findings_have_none():
    assert (
        remedy(Finding(code="unknown_table", message="no table has a column year"), "SELECT 1", DDL) is None
    )


@pytest.mark.parametrize(
    ("message", "sql", "said"),
    [
        ("p has no column label", "SELECT x, p.label FROM paper p", "JOIN venue ON venue.id = p.venue and"),
        ("v has no column paperid", "SELECT v.paperid FROM venue v", "JOIN paper ON paper.venue = v.id and"),
    ],
)
def test_a_missing_table_is_joined_along_its_key(message, sql, said):
    found = remedy(Finding(code="unknown_column", message=message), sql, KEYS)
    assert found is not None
    assert said in found
