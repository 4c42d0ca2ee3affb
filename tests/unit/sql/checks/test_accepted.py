"""The checks agree with four real engines on some five hundred queries (accepted.sql)."""

from pathlib import Path

import pytest

from farm.sql.checks import check
from farm.sql.schema import Schema
from farm.sql.verdict import Severity

DDL = """
CREATE TABLE t (a integer, b text, c date, d timestamp, j json);
CREATE TABLE u (a integer, e text);
"""
DIALECTS = ("sqlite", "postgres", "mysql", "duckdb")


def pairs():
    for line in (Path(__file__).parent / "accepted.sql").read_text(encoding="utf-8").splitlines():
        sql, arrow, said = line.rpartition(" --> ")
        if arrow and not line.startswith("-- "):
            accepted, _, unlike = said.partition(" ? ")
            yield sql, set(accepted.split()) - {"none"}, set(unlike.split())


@pytest.fixture(scope="module")
def schemas():
    return {name: Schema.from_ddl(DDL, name) for name in DIALECTS}


@pytest.mark.parametrize(("sql", "accepted", "unlike"), list(pairs()))
def test_the_checks_say_what_the_engine_says(sql, accepted, unlike, schemas):
    for dialect in sorted(set(DIALECTS) - unlike):
        errors = [f for f in check(sql, schemas[dialect]) if f.severity is Severity.ERROR]
        assert (not errors) == (dialect in accepted), (dialect, errors)
