"""Every code of a finding stands in docs/checks.md, and the examples there are what the checks say."""

import re
from pathlib import Path

import pytest

from farm.sql.checks import check
from farm.sql.codes import DECIDED_BY_ENGINE, STAGE_OF
from farm.sql.schema import Schema

FARM = Path(__file__).parents[3] / "farm"
PAGE = Path(__file__).parents[3] / "docs" / "checks.md"
TEXT = PAGE.read_text(encoding="utf-8")
SCHEMA = re.search(r"```sql schema\n(.*?)```", TEXT, re.DOTALL)[1]
SECTIONS = re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]
EXAMPLES = [
    (section.split("\n", 1)[0], *example)
    for section in SECTIONS
    for example in re.findall(r"```sql (\w+)\n(.*?)\n```\n\n```text\n(.*?)\n```", section, re.DOTALL)
]
WARNINGS = {
    *("string_in_double_quotes", "no_dry_run", "cross_join"),
    *("run_stopped", "empty_result", "all_null_column"),
}


def told(finding):
    place = f"{finding.line}:{finding.column} " if finding.line else ""
    nearest = f"\n  nearest: {', '.join(finding.nearest)}" if finding.nearest else ""
    hint = f"\n  hint: {finding.hint}" if finding.hint else ""
    return f"{place}{finding.code}: {finding.message}{nearest}{hint}"


@pytest.fixture(scope="module")
def schemas():
    return {name: Schema.from_ddl(SCHEMA, name) for name in ("sqlite", "postgres", "mysql", "duckdb")}


@pytest.mark.parametrize(("code", "dialect", "sql", "said"), EXAMPLES)
def test_the_example_is_what_the_checks_say(code, dialect, sql, said, schemas):
    findings = check(sql, schemas[dialect])
    assert findings[0].code == code
    assert "\n".join(map(told, findings)) == said


def test_every_code_is_described():
    assert {section.split("\n", 1)[0] for section in SECTIONS} == set(STAGE_OF) | WARNINGS


def test_every_code_in_use_is_known():
    used = set()
    for path in FARM.rglob("*.py"):
        used |= set(re.findall(r'\bcode="(\w+)"', path.read_text(encoding="utf-8")))
        used |= set(re.findall(r'_report\(\s*"(\w+)"|\breport\(\s*"(\w+)"', path.read_text(encoding="utf-8")))
    flat = {name for each in used for name in ([each] if isinstance(each, str) else each) if name}
    assert flat <= set(STAGE_OF) | WARNINGS


def test_only_known_codes_are_left_to_the_engine():
    assert set(STAGE_OF) >= DECIDED_BY_ENGINE


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split("\n", 1)[0])
def test_the_page_says_which_codes_no_engine_overrules(section):
    code = section.split("\n", 1)[0]
    overruled = code in DECIDED_BY_ENGINE | WARNINGS | {"engine_refused", "run_failed"}
    assert ("*Policy.*" in section) is not overruled
