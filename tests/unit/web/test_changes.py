"""What a correction changed, line by line."""

from farm.web.changes import LINES_LIMIT, changes


def shown(old: str, new: str) -> list[str]:
    return [line.sign + line.text for line in changes(old, new)]


def test_lines_are_kept_taken_away_and_added_in_order():
    assert shown("SELECT a\nFROM t\nWHERE x", "SELECT b\nFROM t\nWHERE x\nLIMIT 1") == [
        "-SELECT a",
        "+SELECT b",
        " FROM t",
        " WHERE x",
        "+LIMIT 1",
    ]
    assert shown("", "a") == ["+a"]
    assert shown("a", "a") == [" a"]


def test_very_long_texts_are_taken_for_changed():
    long = "x\n" * LINES_LIMIT
    assert {line.sign for line in changes(long, long)} == {"-", "+"}


def test_texts_of_many_lines_that_are_alike_are_not_compared_for_ever(monkeypatch):
    monkeypatch.setattr("farm.web.changes.difflib", None)
    found = changes("a\n" * 900, "a\nb\n" * 450)
    assert [line.sign for line in found] == ["-"] * 900 + ["+"] * 900
