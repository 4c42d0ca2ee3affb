"""Engine messages become findings with places and nearest names."""

import pytest

from farm.sql.engine_error import engine_finding
from farm.sql.schema import Schema


@pytest.mark.parametrize(
    ("message", "sql", "place", "nearest"),
    [
        ("no such column: c.nme", "SELECT c.nme FROM customers c", (1, 8), "name"),
        ("no such table: custmers", "SELECT 1\nFROM custmers", (2, 6), "customers"),
        ("no such function: coalesc", "SELECT coalesc(1)", (None, None), "coalesce"),
        ('near "FORM": syntax error', "SELECT 1 FORM t", (1, 10), None),
        ('column "nme" does not exist\nLINE 1: SELECT nme', "SELECT nme FROM customers", (1, 8), "name"),
        (
            'relation "custmers" does not exist\nLINE 2: FROM custmers',
            "SELECT 1\nFROM custmers",
            (2, 6),
            "customers",
        ),
        ("operator does not exist: text = integer\nLINE 3: x\nHINT: cast it", "a\nb\nc", (3, None), None),
        ("something else", "SELECT 1", (None, None), None),
    ],
)
def test_messages_are_placed_and_explained(message, sql, place, nearest, sqlite_shop):
    finding = engine_finding(message, sql, sqlite_shop)
    assert finding.code == "engine_refused"
    assert finding.message == message.partition("\n")[0]
    assert (finding.line, finding.column) == place
    assert (finding.nearest[0] if finding.nearest else None) == nearest


def test_the_engines_hint_is_kept(sqlite_shop):
    assert engine_finding("no\nHINT: cast it", "SELECT 1", sqlite_shop).hint == "cast it"


@pytest.mark.parametrize(
    ("message", "sql", "column", "names"),
    [
        ("Unknown column 'o.totl' in 'SELECT'", "SELECT o.totl FROM orders o", 8, ("total",)),
        ("Table 'shop.ordes' doesn't exist", "SELECT 1 FROM ordes", None, ("orders",)),
        ("FUNCTION shop.sume does not exist", "SELECT sume(1)", None, ("sum",)),
        ("syntax error near 'ordr BY total' at line 1", "SELECT 1 FROM orders ordr BY total", 22, ()),
        ('Referenced column "totl" not found in FROM clause!', "SELECT totl FROM orders", 8, ("total",)),
        ("Table with name ordes does not exist!", "SELECT 1 FROM ordes", 15, ("orders",)),
        ("Scalar Function with name sume does not exist!", "SELECT sume(1)", None, ("sum",)),
    ],
)
def test_mysql_and_duckdb_are_understood_too(
    message: str, sql: str, column: int | None, names: tuple[str, ...]
) -> None:
    schema = Schema.from_ddl("CREATE TABLE orders (id integer, total integer)", "duckdb")
    finding = engine_finding(message, sql, schema)
    assert finding.column == column
    assert set(names) <= set(finding.nearest)
