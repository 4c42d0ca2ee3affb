import pytest

from farm.errors import BadInput
from farm.sql.parameters import bind, parameters

FOUND = [
    ("sqlite", "SELECT 1 FROM t WHERE d >= '2025-01-31'", [("d", "date", "2025-01-31")]),
    ("sqlite", "SELECT 1 FROM t WHERE strftime('%Y', t.d) = '2025'", [("d", "year", "2025")]),
    ("sqlite", "SELECT date('now', '-30 days')", [("interval", "interval", "-30 days")]),
    (
        "sqlite",
        "SELECT 1 FROM t WHERE m = '2025-01' LIMIT 10",
        [("m", "month", "2025-01"), ("limit", "whole", "10")],
    ),
    ("sqlite", "SELECT a FROM t GROUP BY 1 ORDER BY 1, 2 LIMIT 5, 10", []),
    ("sqlite", "SELECT 'x' AS label, 3 * a, round(b, 2) FROM t", []),
    ("sqlite", 'SELECT 1 FROM t WHERE "Größe cm" > 1.5', [("größe_cm", "number", "1.5")]),
    ("postgres", "SELECT 1 FROM t WHERE d >= DATE '2025-01-31'", [("d", "date", "2025-01-31")]),
    (
        "postgres",
        "SELECT 1 FROM t WHERE d > now() - INTERVAL '3 months'",
        [("interval", "interval", "3 months")],
    ),
    (
        "postgres",
        "SELECT 1 FROM t WHERE t.d BETWEEN '2025-01-01' AND '2025-02-01' AND s IN ('a', 'b')",
        [
            ("d_from", "date", "2025-01-01"),
            ("d_to", "date", "2025-02-01"),
            ("s", "text", "a"),
            ("s_2", "text", "b"),
        ],
    ),
    (
        "postgres",
        "SELECT 1 FROM t WHERE a = 1 AND 5 < t.total",
        [("a", "number", "1"), ("total", "number", "5")],
    ),
    ("postgres", "SELECT 1 FROM t WHERE s = E'a' OR s = $$b$$ OR s = $x$c$x$", []),
    ("postgres", "SELECT count(*) FROM t HAVING count(*) > 5", [("count", "number", "5")]),
    ("mysql", 'SELECT 1 FROM t WHERE s = "a\'b" AND n = -5', [("s", "text", "a'b"), ("n", "number", "-5")]),
    ("mysql", "SELECT 1 FROM t WHERE d > now() - INTERVAL 30 DAY", [("interval", "number", "30")]),
    ("duckdb", "SELECT 1 FROM t WHERE s NOT LIKE 'a%'", [("s", "text", "a%")]),
    ("sqlite", "SELECT 'unfinished", []),
]


@pytest.mark.parametrize(("dialect", "sql", "expected"), FOUND)
def test_literals_that_look_like_parameters_are_found(
    dialect: str, sql: str, expected: list[tuple[str, str, str]]
) -> None:
    found = parameters(sql, dialect)
    assert [(one.name, one.kind, one.default) for one in found] == expected
    assert all(one.default in sql[one.start : one.end] for one in found)


@pytest.mark.parametrize(("dialect", "sql", "expected"), FOUND)
def test_a_query_with_its_own_values_is_the_same_text(dialect: str, sql: str, expected: object) -> None:
    if "unfinished" not in sql:
        assert bind(sql, dialect, {one.name: one.default for one in parameters(sql, dialect)}) == sql


SQL = "SELECT 'Ü' FROM t -- n = 'x'\nWHERE n = 'x' AND k > 5 AND d = '2025-01-01' LIMIT 10"


def test_only_the_literals_themselves_are_replaced() -> None:
    bound = bind(SQL, "postgres", {"n": "y", "k": "-7.5", "d": "2024-02-29", "limit": "3"})
    assert bound == (
        "SELECT 'Ü' FROM t -- n = 'x'\nWHERE n = 'y' AND k > (-7.5) AND d = '2024-02-29' LIMIT 3"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("k", "5; DROP TABLE t"),
        ("k", "5 OR 1=1"),
        ("k", "1e999"),
        ("k", "0x10"),
        ("k", ""),
        ("k", "\u0665"),
        ("d", "2025-02-30"),
        ("d", "' OR ''='"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("n", "a\0b"),
        ("n", "x" * 1_001),
        ("n", "\u2028\x1b"),
        ("other", "1"),
    ],
)
def test_what_is_no_value_of_the_kind_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadInput, match=name):
        bind(SQL, "sqlite", {name: value})


@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "mysql", "duckdb"])
@pytest.mark.parametrize(
    "text",
    ["'", "''", "\\", "\\'", "' OR 1=1 -- ", "'; DROP TABLE t; --", "*/ x /*", '"', "`", "$$", "{{n}}"],
)
def test_no_text_leaves_its_quotes(dialect: str, text: str) -> None:
    bound = bind("SELECT 1 FROM t WHERE n = 'x' AND k = 1", dialect, {"n": text})
    again = {one.name: one.default for one in parameters(bound, dialect)}
    assert again == {"n": text, "k": "1"}


def test_names_do_not_repeat() -> None:
    found = parameters("SELECT 1 FROM t WHERE a = 1 OR a = 2 OR a = 3", "sqlite")
    assert [one.name for one in found] == ["a", "a_2", "a_3"]


def test_a_long_list_is_looked_back_over_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    sql = "SELECT 1 FROM t WHERE a IN (1, 2, 3, 4, 5)"
    assert len(parameters(sql, "sqlite")) == 5
    monkeypatch.setattr("farm.sql.parameters.MOST_LISTED_TOKENS", 4)
    assert [one.default for one in parameters(sql, "sqlite")] == ["1", "2", "3"]
