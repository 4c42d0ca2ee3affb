"""Nasty answers and queries: the checker has a verdict on each in time, and goes on."""

import asyncio
import time
from collections.abc import Iterator
from random import Random

import psycopg
import pytest
from support.dangers import ENDLESS
from support.late import LATE_SECONDS
from support.postgres import fresh_database

from farm.checker.client import Checker
from farm.sql.words import words
from farm.targets.target import Dialect, Target

DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL)"
GOOD = "SELECT SUM(total) FROM orders"
DEEP = 10_000
TIMEOUT_SECONDS = 3.0

NASTY = {
    "parentheses": "SELECT " + "(" * DEEP + "1" + ")" * DEEP,
    "closing parentheses": "SELECT 1" + ")" * DEEP,
    "brackets": "SELECT " + "[" * DEEP + "]" * DEEP,
    "braces": "SELECT " + "{" * DEEP,
    "NOTs": "SELECT " + "NOT " * DEEP + "1",
    "signs": "SELECT " + "- " * DEEP + "1",
    "tildes": "SELECT " + "~" * DEEP + "1",
    "casts": "SELECT 1" + "::int" * DEEP,
    "dots": "SELECT a" + ".a" * DEEP,
    "subscripts": "SELECT a" + "[1]" * DEEP,
    "functions": "SELECT " + "abs(" * DEEP + "1" + ")" * DEEP,
    "CASEs": "SELECT " + "CASE WHEN 1=1 THEN " * DEEP + "1" + " END" * DEEP,
    "subqueries": "SELECT * FROM " + "(SELECT * FROM " * DEEP + "orders" + ")" * DEEP,
    "subqueries in WHERE": "SELECT 1 WHERE " + "EXISTS (SELECT 1 WHERE " * 500 + "1=1" + ")" * 500,
    "CTEs in CTEs": "WITH a AS (" * 500 + "SELECT 1" + ") SELECT 1" * 500,
    "CTE doubling": "WITH c0 AS (SELECT 1 AS x), "
    + ", ".join(f"c{n + 1} AS (SELECT a.x FROM c{n} a, c{n} b)" for n in range(20))
    + " SELECT * FROM c20",
    "star doubling": "WITH c0 AS (SELECT 1 AS x), "
    + ", ".join(f"c{n + 1} AS (SELECT a.*, b.* FROM c{n} a, c{n} b)" for n in range(20))
    + " SELECT * FROM c20",
    "alias doubling": "SELECT id AS a0, "
    + ", ".join(f"a{n} || a{n} AS a{n + 1}" for n in range(60))
    + " FROM orders",
    "many CTEs": "WITH " + ", ".join(f"c{n} AS (SELECT {n})" for n in range(2000)) + " SELECT 1",
    "unions": " UNION ALL ".join("SELECT 1" for _ in range(3000)),
    "ORs": "SELECT 1 FROM orders WHERE " + " OR ".join(f"id = {n}" for n in range(3000)),
    "long IN": "SELECT 1 FROM orders WHERE id IN (" + ", ".join(map(str, range(4000))) + ")",
    "joins": "SELECT 1 FROM orders o0 " + " ".join(f"JOIN orders o{n} USING (id)" for n in range(1, 60)),
    "cross joins": "SELECT count(*) FROM " + ", ".join(f"orders o{n}" for n in range(60)),
    "natural joins": "SELECT 1 FROM orders" + " NATURAL JOIN orders" * 300,
    "columns": "SELECT " + ", ".join("1" for _ in range(30_000)),
    "long name": "SELECT " + "x" * 19_000 + " FROM orders",
    "long number": "SELECT " + "9" * 19_000,
    "long text": "SELECT '" + "x" * 1_000_000 + "'",
    "long comment": "SELECT 1 /* " + "x" * 1_000_000,
    "comments in comments": "SELECT 1 " + "/*" * DEEP + "*/" * DEEP,
    "open string": "SELECT '" + "''" * 9_000,
    "open dollar string": "SELECT $a$" + "$" * 9_000,
    "quotes": '"' * 19_999,
    "semicolons": ";" * 19_999,
    "backslashes": "SELECT E'" + "\\" * 19_001 + "'",
    "spaces": "SELECT" + " " * 19_000 + "1",
    "lone surrogates": "SELECT '\ud800\udfff\ud800'",
    "zero characters": "\0" * 1_000,
    "right to left": "SELECT '\u202e' || \u202e1",
    "combined characters": "SELECT '" + "a" + "\u0300" * 19_000 + "'",
    "endless": f"{ENDLESS} SELECT count(*) FROM n",
    "constant to fold": "SELECT repeat(repeat('x', 10000), 10000)",
    "pattern to fold": "SELECT repeat('a', 100000) ~ '(a*)*(a*)*(a*)*b'",
    "power to fold": "SELECT 9::numeric ^ 99999 ^ 2",
}
TALK = {
    "fences": "```" * 100_000,
    "fences in fences": "```sql\n" * 10_000 + GOOD,
    "open thoughts": "<think>" * 50_000 + GOOD,
    "thoughts": "<think>" * 10_000 + "</think>" * 10_000 + GOOD,
    "JSON": '{"sql": ' * 20_000 + '"SELECT 1"' + "}" * 20_000,
    "JSON text": '{"sql": "' + "\\" * 200_001 + '"}',
    "many statements": "SELECT 1;\n" * 50_000,
    "many SELECTs": "SELECT " * 100_000,
    "one line": "a " * 1_000_000,
    "lines": "\n" * 1_000_000 + GOOD,
    "quotes": "'\"`" * 300_000,
    "comments": "--/*" * 300_000,
}
WORDS = sorted(
    words(
        """SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT WITH AS ( ) , . * ; ' " ` $$ $a$ -- /* */ orders id
        total 1 1e9 'x' NULL NOT IN EXISTS CASE WHEN THEN END UNION JOIN ON LATERAL VALUES :: [ ] || = < > ?
        :p @v {{ }} {% # \\ RECURSIVE INTO FOR UPDATE OVER PARTITION ROWS BETWEEN count( pg_sleep( E' U&' N'
        load_extension("""
    )
)


@pytest.fixture(scope="module")
def postgres_target(postgres_url: str) -> Iterator[Target]:
    with fresh_database(postgres_url) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(DDL.encode())
        yield Target(name="t", dialect="postgres", ddl=DDL, url=url)


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest) -> Target:
    dialect: Dialect = request.param
    if dialect == "postgres":
        return request.getfixturevalue("postgres_target")
    return Target(name="t", dialect=dialect, ddl=DDL)


async def settled(checker: Checker, text: str, target: Target) -> None:
    started = time.monotonic()
    judged = await checker.assess(text, target)
    assert judged
    assert time.monotonic() - started < TIMEOUT_SECONDS + 1 + LATE_SECONDS


def test_each_gets_a_verdict_in_time_and_a_good_one_still_passes(target: Target) -> None:
    async def scene() -> None:
        async with Checker(timeout_seconds=TIMEOUT_SECONDS) as checker:
            for text in (*NASTY.values(), *TALK.values()):
                await settled(checker, text, target)
            verdict = await checker.check(GOOD, target)
            assert verdict.accepted
            assert verdict.dry_run is not None
            assert checker.restarts <= 2

    asyncio.run(scene())


def test_word_salad_gets_a_verdict_in_time(target: Target) -> None:
    random = Random(7)

    async def scene() -> None:
        async with Checker(timeout_seconds=TIMEOUT_SECONDS) as checker:
            for _ in range(400):
                salad = random.choice(" \n\r\t").join(random.choices(WORDS, k=random.randint(1, 60)))
                await settled(checker, random.choice(("", "SELECT ", "```sql\nSELECT ")) + salad, target)
            assert (await checker.check(GOOD, target)).accepted
            assert checker.restarts == 0

    asyncio.run(scene())
