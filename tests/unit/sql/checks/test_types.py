"""The checks agree with Postgres on enums, domains, arrays, json and what can be compared (types.sql)."""

from pathlib import Path

import pytest

from farm.sql.checks import check
from farm.sql.schema import Schema
from farm.sql.verdict import Severity

DDL = """
CREATE TYPE public.state AS ENUM ('open', 'done');
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE DOMAIN address AS text NOT NULL CHECK (VALUE LIKE '%@%');
CREATE TABLE tickets (id uuid, state public.state, level mood, tags text[], extra jsonb, raw json, at inet,
                      opened timestamptz, due date, email address);
CREATE VIEW open_tickets AS SELECT state FROM tickets;
"""


def pairs():
    for line in (Path(__file__).parent / "types.sql").read_text(encoding="utf-8").splitlines():
        sql, arrow, said = line.rpartition(" --> ")
        if arrow:
            yield sql, said == "yes"


@pytest.fixture(scope="module")
def schema():
    return Schema.from_ddl(DDL, "postgres")


@pytest.mark.parametrize(("sql", "accepted"), list(pairs()))
def test_the_checks_say_what_postgres_says(sql, accepted, schema):
    errors = [finding for finding in check(sql, schema) if finding.severity is Severity.ERROR]
    assert (not errors) == accepted, errors


def test_the_label_that_an_enum_lacks_is_named(schema):
    findings = check("SELECT id FROM tickets WHERE state = 'opened'", schema)
    assert [(f.code, f.message) for f in findings] == [
        ("invalid_literal", "'opened' is not a value of type state")
    ]


@pytest.mark.parametrize(("type_", "exists"), [("size", True), ("boxes", True), ("sizes", False)])
def test_a_cast_is_to_a_type_of_the_schema_or_to_the_row_of_a_table(type_, exists):
    schema = Schema.from_ddl("CREATE TYPE size AS (w int); CREATE TABLE boxes (id int, s size);", "postgres")
    findings = check(f"SELECT NULL::{type_} FROM boxes", schema)
    assert [finding.code for finding in findings] == ([] if exists else ["unknown_type"])
