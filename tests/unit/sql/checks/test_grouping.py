"""Columns beside aggregates have one value for each group."""

import pytest

from farm.sql.checks import check
from farm.sql.schema import Schema

DDL = """
CREATE TABLE c (id integer PRIMARY KEY, name text, city text);
CREATE TABLE o (id integer, c_id integer, line integer, total numeric, PRIMARY KEY (id, line));
CREATE TABLE x (id integer, note text);
"""
GOOD = [
    "SELECT c.id, name, city, count(*) FROM c JOIN o ON o.c_id = c.id GROUP BY c.id",
    "SELECT c.* FROM c GROUP BY id",
    "SELECT total FROM o GROUP BY id, line",
    "SELECT upper(name), count(*) FROM c GROUP BY upper(name)",
    "SELECT upper(name) || '!' FROM c GROUP BY upper(name)",
    "SELECT city AS town, count(*) FROM c GROUP BY town ORDER BY town",
    "SELECT city, count(*) FROM c GROUP BY 1 HAVING city > 'a'",
    "SELECT city, (SELECT max(total) FROM o WHERE o.c_id = c.id) FROM c GROUP BY city, id",
    "SELECT city, sum(count(*)) OVER (ORDER BY city) FROM c GROUP BY city",
    "SELECT count(*) FILTER (WHERE name > 'a') FROM c",
    "SELECT 1 + count(*), 'x' FROM c",
    "SELECT city, name, count(*) FROM c GROUP BY GROUPING SETS ((city), (name))",
]
BAD = [
    ("SELECT name, count(*) FROM c", "name"),
    ("SELECT x.note, count(*) FROM x GROUP BY x.id", "x.note"),
    ("SELECT total FROM o GROUP BY id", "total"),
    ("SELECT * FROM x GROUP BY id", "*"),
    ("SELECT city FROM c GROUP BY city ORDER BY name", "name"),
    ("SELECT city FROM c GROUP BY city HAVING name > 'a'", "name"),
    ("SELECT name FROM c HAVING count(*) > 1", "name"),
    ("SELECT city, (SELECT max(total) FROM o WHERE o.c_id = c.id) FROM c GROUP BY city", "c.id"),
    ("SELECT name || 'x' FROM c GROUP BY upper(name)", "name"),
    ("SELECT city, sum(id) OVER (ORDER BY city) FROM c GROUP BY city", "id"),
]


@pytest.fixture(scope="module")
def schemas():
    return {name: Schema.from_ddl(DDL, name) for name in ("sqlite", "postgres", "duckdb")}


@pytest.mark.parametrize("sql", GOOD)
def test_what_has_one_value_for_each_group_passes(sql, schemas):
    assert check(sql, schemas["postgres"]) == ()


@pytest.mark.parametrize(("sql", "column"), BAD)
def test_what_has_several_is_found(sql, column, schemas):
    finding = check(sql, schemas["postgres"])[0]
    assert finding.code == "not_grouped"
    assert finding.message.startswith(column)


def test_sqlite_takes_any_rows_value_and_duckdb_minds_no_keys(schemas):
    assert check("SELECT name, count(*) FROM c", schemas["sqlite"]) == ()
    assert check("SELECT name FROM c GROUP BY id", schemas["duckdb"])[0].code == "not_grouped"
