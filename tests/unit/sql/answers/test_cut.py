"""Statements are cut where they end, not where a string or comment only looks like it."""

import pytest

from farm.sql.answers.cut import before_prose, first_statement, without_end


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SELECT 1; SELECT 2", "SELECT 1"),
        ("SELECT 1 -- a; b\n + 2; rest", "SELECT 1 -- a; b\n + 2"),
        ("SELECT /* a; b */ 1; rest", "SELECT /* a; b */ 1"),
        ("SELECT 'a;''b;' ; rest", "SELECT 'a;''b;'"),
        ('SELECT "a;b"; rest', 'SELECT "a;b"'),
        ("SELECT `a;b`; rest", "SELECT `a;b`"),
        ("SELECT $$a;b$$, $t$c;$$;$t$; rest", "SELECT $$a;b$$, $t$c;$$;$t$"),
        ("SELECT 'never closed; rest", "SELECT 'never closed; rest"),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_the_first_statement(text, wanted):
    assert first_statement(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (" SELECT 1 ;\n", "SELECT 1"),
        ("SELECT 1; -- done\n/* really */ ;", "SELECT 1"),
        ("SELECT 1; SELECT 2;", "SELECT 1; SELECT 2"),
        ("SELECT ';'", "SELECT ';'"),
    ],
)
def test_only_the_end_goes(text, wanted):
    assert without_end(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SELECT 1\n```\nmore", "SELECT 1"),
        ("SELECT 1\n\nThis query shows one.", "SELECT 1"),
        ("SELECT a\n\nFROM t\n\nORDER BY a", "SELECT a\n\nFROM t\n\nORDER BY a"),
        ("SELECT 1\n### Why\nbecause", "SELECT 1"),
        ("SELECT a,\n\n  b, c FROM t", "SELECT a,\n\n  b, c FROM t"),
    ],
)
def test_prose_is_left_out(text, wanted):
    assert before_prose(text) == wanted
