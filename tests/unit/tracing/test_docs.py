"""docs/tracing.md names every attribute and every span."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "tracing.md").read_text("utf-8")
SOURCES = (
    "farm/models/spans.py",
    "farm/pipeline/spans.py",
    "farm/tracing/switch.py",
    "farm/tracing/tracer.py",
    "farm/web/tracing.py",
)
ATTRIBUTE = re.compile(r"(?:sqlfarm|gen_ai|messaging|server|db|error|http|url)\.[a-z_.]+")
NO_ATTRIBUTES = {"http.response.start"}  # a message of ASGI


def texts(source: str) -> Iterator[str]:
    """Every piece of text in a source but its docstrings."""
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def test_every_attribute_that_is_told_is_explained_and_no_other():
    told = {text for path in SOURCES for text in texts((ROOT / path).read_text("utf-8"))}
    attributes = {text for text in told if ATTRIBUTE.fullmatch(text)} - NO_ATTRIBUTES
    table = PAGE[PAGE.index("## Attributes") :]
    assert len(attributes) > 25
    assert set(re.findall(rf"`({ATTRIBUTE.pattern})`", table)) == attributes


def test_every_variable_that_the_farm_heeds_is_explained():
    switch = texts((ROOT / "farm/tracing/switch.py").read_text("utf-8"))
    variables = {text for text in switch if re.fullmatch(r"OTEL_[A-Z_]+", text)}
    assert len(variables) >= 8
    assert [name for name in variables if f"`{name}`" not in PAGE] == []
