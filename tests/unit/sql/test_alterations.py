"""Schema scripts that alter what they have defined, as migrations do; judged by the engines' own catalogs."""

import pytest

from farm.sql.schema import Schema


def columns(ddl, dialect, table="t"):
    return list(Schema.from_ddl(ddl, dialect).find(table, quoted=False).columns)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("ADD COLUMN c text DEFAULT 'x, y'", ["a", "b", "c"]),
        ("ADD c numeric(10, 2), ADD d int", ["a", "b", "c", "d"]),
        ("ADD COLUMN IF NOT EXISTS b int", ["a", "b"]),
        ("ADD CONSTRAINT k UNIQUE (a)", ["a", "b"]),
        ("ADD PRIMARY KEY (a)", ["a", "b"]),
        ("ADD FOREIGN KEY (a) REFERENCES t (b)", ["a", "b"]),
        ("DROP COLUMN b CASCADE", ["a"]),
        ("DROP COLUMN IF EXISTS c", ["a", "b"]),
        ("DROP CONSTRAINT b", ["a", "b"]),
        ("RENAME COLUMN b TO c", ["a", "c"]),
        ("RENAME b TO c", ["a", "c"]),
        ("RENAME CONSTRAINT b TO c", ["a", "b"]),
        ("ALTER COLUMN b TYPE bigint, ALTER a SET NOT NULL", ["a", "b"]),
        ("OWNER TO postgres", ["a", "b"]),
        ("ENABLE ROW LEVEL SECURITY", ["a", "b"]),
    ],
)
def test_postgres_tables_are_altered(change, expected):
    assert (
        columns(f"CREATE TABLE t (a int, b int);\nALTER TABLE ONLY public.t {change};", "postgres")
        == expected
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("ADD COLUMN c text FIRST", ["c", "a", "b"]),
        ("ADD c varchar(5) AFTER `a`", ["a", "c", "b"]),
        ("ADD (c int, d int)", ["a", "b", "c", "d"]),
        ("ADD KEY k (b), ADD UNIQUE INDEX (a), ADD FULLTEXT (b)", ["a", "b"]),
        ("CHANGE COLUMN b c bigint NOT NULL, MODIFY a text", ["a", "c"]),
        ("DROP PRIMARY KEY, DROP KEY b, DROP FOREIGN KEY b", ["a", "b"]),
        ("MODIFY `a` int NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7", ["a", "b"]),
    ],
)
def test_mysql_tables_are_altered(change, expected):
    assert columns(f"CREATE TABLE t (a int, b int);\nALTER TABLE `t` {change};", "mysql") == expected


def test_a_table_has_its_last_name():
    schema = Schema.from_ddl("CREATE TABLE old (a int);\nALTER TABLE old RENAME TO new;", "sqlite")
    assert list(schema.find("new", quoted=False).columns) == ["a"]
    assert schema.find("old", quoted=False) is None


def test_a_table_moves_to_another_schema():
    schema = Schema.from_ddl("CREATE TABLE t (a int);\nALTER TABLE t SET SCHEMA sales;", "postgres")
    assert schema.find("t", quoted=False, db="sales") is not None


def test_a_renamed_column_stays_the_key():
    ddl = "CREATE TABLE t (a int PRIMARY KEY, b int);\nALTER TABLE t RENAME COLUMN a TO id;"
    assert Schema.from_ddl(ddl, "postgres").find("t", quoted=False).primary_key == {"id"}


def test_views_see_what_the_table_was_altered_to():
    ddl = "CREATE TABLE t (a int);\nALTER TABLE t ADD b int;\nCREATE VIEW v AS SELECT * FROM t;"
    assert columns(ddl, "postgres", "v") == ["a", "b"]


@pytest.mark.parametrize(
    ("ddl", "dialect", "expected"),
    [
        ("CREATE TABLE t LIKE u", "mysql", ["a", "b"]),
        ("CREATE TABLE t (x int) SELECT a AS y FROM u", "mysql", ["x", "y"]),
        (
            "CREATE TABLE t (x, y) AS SELECT a, b FROM u",
            "postgres",
            ["x", "y"],
        ),
        (
            "CREATE VIEW t AS SELECT a, max(b) FROM u",
            "postgres",
            ["a", "max"],
        ),
    ],
)
def test_tables_are_made_from_others(ddl, dialect, expected):
    assert columns(f"CREATE TABLE u (a int, b text); {ddl}", dialect) == expected


def test_a_table_of_a_type_may_have_any_column():
    ddl = "CREATE TYPE pair AS (p int, q text); CREATE TABLE t OF pair;"
    assert Schema.from_ddl(ddl, "postgres").find("t", quoted=False).columns is None
