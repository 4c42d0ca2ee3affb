"""Columns are told apart by what can be done with them, and names spelled so that they mean the same."""

import pytest

from farm.sql.grammar.shape import Kind, kind_of, shape_of, written
from farm.sql.schema import Schema


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("integer", Kind.NUMBER),
        ("bigserial", Kind.NUMBER),
        ("numeric(10, 2)", Kind.NUMBER),
        ("double precision", Kind.NUMBER),
        ("character varying(20)", Kind.TEXT),
        ("text", Kind.TEXT),
        ("date", Kind.DATE),
        ("timestamp with time zone", Kind.DATE),
        ("boolean", Kind.FLAG),
        ("interval", Kind.OTHER),
        ("time without time zone", Kind.OTHER),
        ("point", Kind.OTHER),
        ("integer[]", Kind.OTHER),
        ("jsonb", Kind.OTHER),
        ("uuid", Kind.OTHER),
        ("mood", Kind.OTHER),
    ],
)
def test_the_kind_of_a_postgres_column(type_, kind):
    assert kind_of(type_, "x", "postgres") is kind


@pytest.mark.parametrize(
    ("type_", "name", "kind"),
    [
        ("TEXT", "created_at", Kind.DATE),
        ("TEXT", "order_date", Kind.DATE),
        ("TEXT", "station", Kind.TEXT),
        ("", "anything", Kind.TEXT),
        ("BOOLEAN", "vip", Kind.NUMBER),
    ],
)
def test_in_sqlite_a_name_tells_a_date(type_, name, kind):
    assert kind_of(type_, name, "sqlite") is kind


def test_names_are_quoted_where_they_must_be():
    schema = Schema.from_ddl("CREATE TABLE t (a INT)", "postgres")
    assert [written(n, schema) for n in ("total", "Total", "order", "unit price", 'a"b', "user")] == [
        "total",
        '"Total"',
        '"order"',
        '"unit price"',
        '"a""b"',
        '"user"',
    ]
    assert written("order", Schema.from_ddl("CREATE TABLE t (a INT)", "mysql")) == "`order`"


def test_aliases_are_short_and_nobody_elses():
    ddl = "".join(
        f"CREATE TABLE {name} (id INT);" for name in ("orders", "offers", "order_items", "i_s", "o2")
    )
    aliases = [table.alias for table in shape_of(Schema.from_ddl(ddl, "sqlite"), None, {}).tables]
    assert len(set(aliases) | {"orders", "offers", "order_items", "i_s", "o2"}) == 10
    assert "is" not in aliases


def test_an_alias_is_had_where_it_can_be():
    schema = Schema.from_ddl(
        "CREATE TABLE a1 (id INT); CREATE TABLE b1 (id INT); CREATE TABLE c1 (id INT);", "sqlite"
    )
    wished = {"a1": "T1", "b1": "order", "c1": "a1"}
    assert [table.alias for table in shape_of(schema, None, wished).tables] == ["T1", "b", "c"]
