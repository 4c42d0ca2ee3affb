import pytest

from farm.targets.postgres.text import mentions, statements


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT count(*) FROM t", {"count"}),
        ("SELECT PG_Sleep (1)", {"pg_sleep"}),
        ("SELECT pg_sleep/* a /* nested */ comment */(1)", {"pg_sleep"}),
        ("SELECT pg_sleep -- comment (\n (1)", {"pg_sleep"}),
        ('SELECT "pg_sleep"(1), "Odd""Name"(2)', {"pg_sleep", 'Odd"Name'}),
        ("SELECT pg_catalog.pg_sleep(1), pg_catalog . \"pg_notify\" ('a', 'b')", {"pg_sleep", "pg_notify"}),
        ("SELECT 'pg_sleep(1)', 'it''s pg_sleep(1)', $$pg_sleep(1)$$, $a$ $$ pg_sleep(1) $a$", set()),
        ("SELECT E'\\'pg_sleep(1)', 'a\\' || pg_sleep(1) || 'b'", {"pg_sleep"}),
        ("SELECT 1pg_sleep(1)", {"pg_sleep"}),
        ("SELECT a$b(1)", {"a$b"}),
        ("-- pg_sleep(1)\n/* pg_sleep(1) */ SELECT (1)", {"select"}),
        ("SELECT f(g(h(1)))", {"f", "g", "h"}),
        ("SELECT 1 --\r, pg_sleep(1)", {"pg_sleep"}),
        ("SELECT $\u00d7$ ' $\u00d7$, pg_sleep(1), $\u00d7$ ' $\u00d7$", {"pg_sleep"}),
        ("SELECT $\u00a0$ ' $\u00a0$, pg_sleep(1), $\u00a0$ ' $\u00a0$", {"pg_sleep"}),
        ("SELECT pg_sleep\u00a0(1)", {"pg_sleep\u00a0"}),
        (f"SELECT {'f' * 70}(1)", {"f" * 63}),
        (f"SELECT {'é' * 40}(1)", {"é" * 31}),
        ("", set()),
    ],
)
def test_it_sees_every_call_and_no_call_in_strings_or_comments(sql: str, names: set[str]) -> None:
    named = mentions(sql)
    assert named is not None
    assert named.called == frozenset(names)


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT U&"pg\\005fsleep"(1)',
        "SELECT E'a'\n'x\\'' || pg_sleep(5)::text || 'b'",
        "SELECT E'a' -- more\n'x\\'' || pg_sleep(5)::text || 'b'",
    ],
)
def test_it_gives_up_where_names_or_strings_are_hidden_in_escapes(sql: str) -> None:
    assert mentions(sql) is None


def test_statements_are_divided_where_postgres_divides_them() -> None:
    script = """
        CREATE TABLE a (x text DEFAULT ';'); -- one; really
        ;; /* none; here */ ;
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $body$ SELECT 1; $body$;
        CREATE TABLE "b;c" (y int)
    """
    assert [text.split("\n")[-1].strip()[:20] for text in statements(script)] == [
        "CREATE TABLE a (x te",
        "CREATE FUNCTION f() ",
        'CREATE TABLE "b;c" (',
    ]


@pytest.mark.parametrize("sql", ["'", '"', "/*", "$$", "$a$ x $b$", "E'\\", "--", "U&'", "$"])
def test_unfinished_text_is_read_to_its_end(sql: str) -> None:
    assert mentions(sql) is not None
    assert "".join(statements(sql)) in (sql, "")


def test_it_tells_how_names_are_used() -> None:
    named = mentions(
        'SELECT t.a, (x)."B", c::text, d :: public . "Odd", e AS f FROM s.t WHERE a @> b AND c<=-1'
    )
    assert named is not None
    assert named.selected == {"a", "B", "Odd", "t"}
    assert named.cast_to == {"text", "public", "Odd"}
    assert named.operators == {"@>", "<=-"}
    assert {"t", "a", "x", "B", "text", "e", "f"} <= named.names
