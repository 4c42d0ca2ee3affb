"""SQL as HTML: coloured, and inert whatever it holds."""

import html
import re

import pytest

from farm.web.highlight import LIMIT_CHARS, highlighted

TEXTS = [
    "SELECT '<script>alert(1)</script>' FROM \"a<b\" -- </code><img src=x onerror=alert(1)>",
    "select 1 /* <b>&amp;</b> */",
    "",
    "not sql at all \x00 ☃ ' \" `",
    "x" * (LIMIT_CHARS + 1) + "<b>",
]


@pytest.mark.parametrize("sql", TEXTS)
@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "mysql", "duckdb"])
def test_every_character_is_kept_and_no_markup_is_let_through(sql, dialect):
    shown = highlighted(sql, dialect)
    assert html.unescape(re.sub(r"</?(?:code|span)[^<>]*>", "", shown)) == sql
    assert set(re.findall(r"<(/?\w+)", shown)) <= {"code", "/code", "span", "/span"}


def test_words_are_marked():
    assert '<span class="k">SELECT</span>' in highlighted("SELECT 1")
