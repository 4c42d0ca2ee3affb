"""SQL is found in whatever a model answers, and clean SQL is never touched."""

import time

import pytest

from farm.sql.answers.extract import LIMIT, candidates
from farm.sql.assess import assess, best

SQL = "SELECT name FROM customers WHERE city = 'Rome'"
LONG = """WITH big AS (
  SELECT customer_id, SUM(total) AS s -- per customer; all time
  FROM orders
  GROUP BY customer_id
)

SELECT c.name, 'a;b' AS mark
FROM big
JOIN customers c ON c.id = big.customer_id

ORDER BY s DESC"""
ESCAPED = LONG.replace("\n", "\\n")

DIRTY = {
    "bare": (SQL, SQL),
    "bare with semicolon": (f"  {SQL} ;\n", SQL),
    "bare with comment after": (f"{SQL}; -- that is all", SQL),
    "bare over several paragraphs": (LONG, LONG),
    "lower case": ("select name from customers;", "select name from customers"),
    "leading comment": (f"-- customers in Rome\n{SQL}", f"-- customers in Rome\n{SQL}"),
    "fence": (f"```sql\n{SQL}\n```", SQL),
    "fence without language": (f"```\n{SQL}\n```", SQL),
    "fence with another language": (f"```postgresql\n{LONG};\n```", LONG),
    "fence in capitals": (f"```SQL\n{SQL}\n```", SQL),
    "tilde fence": (f"~~~sql\n{SQL}\n~~~", SQL),
    "fence never closed": (f"Sure!\n```sql\n{SQL}\n", SQL),
    "fence in one line": (f"```sql {SQL} ```", SQL),
    "indented fence": (f"1. Do this:\n   ```sql\n   {SQL}\n   ```", SQL),
    "quoted fence": (f"> ```sql\n> {SQL}\n> ```", SQL),
    "fence after prose": (
        f"Sure! Here is the query:\n\n```sql\n{SQL};\n```\n\nThis query selects the names.",
        SQL,
    ),
    "two fences, last wins": (f"First try:\n```sql\nSELECT 1\n```\nBetter:\n```sql\n{SQL}\n```", SQL),
    "last fence holds a result": (f"```sql\n{SQL}\n```\nIt prints:\n```\n| name |\n| Ann |\n```", SQL),
    "last fence is Python": (f"```sql\n{SQL}\n```\n```python\nprint(1)\n```", SQL),
    "SQL in a Python string": (f'```python\nquery = """\n{SQL}\n"""\nrun(query)\n```', SQL),
    "prose before": (f"The query you want is:\n\n{SQL}", SQL),
    "prose before in the same line": (f"Answer: {SQL}", SQL),
    "prose after": (f"{SQL}\n\nThis query lists the customers who live in Rome.", SQL),
    "prose after without a blank line": (f"{SQL};\nThis query lists them.", SQL),
    "prose around": (f"Of course!\n\n{SQL}\n\nLet me know if you need more.", SQL),
    "heading after": (f"{SQL}\n\n### Explanation\n- it selects", SQL),
    "bold label": (f"**SQL:** {SQL}", SQL),
    "inline code": (f"You can use `{SQL}` for this.", SQL),
    "select in prose first": (f"To select the names with a filter, use:\n{SQL}", SQL),
    "thinking": (f"<think>maybe SELECT 1 FROM x; or not</think>\n{SQL}", SQL),
    "thinking with a fence inside": (f"<think>\n```sql\nSELECT 1\n```\n</think>\n```sql\n{SQL}\n```", SQL),
    "thinking that only closes": (f"so I would SELECT 1\n</think>\n\n{SQL}", SQL),
    "thinking never closed": (f"<think>\nI need customers.\n```sql\n{SQL}\n```", SQL),
    "reasoning tag": (f"<reasoning>SELECT 2</reasoning>{SQL}", SQL),
    "sql tag": (f"<sql>{SQL}</sql> is what you need", SQL),
    "answer tag": (f"I did it.\n<answer>\n{SQL}\n</answer>", SQL),
    "JSON": ('{"sql": "' + SQL + '"}', SQL),
    "JSON with other keys": (
        '{"reasoning": "SELECT is apt", "query": "' + SQL + '", "confidence": 0.9}',
        SQL,
    ),
    "JSON over lines": ('{"sql": "' + ESCAPED + '"}', LONG),
    "JSON with raw line breaks": ('{"sql": "' + LONG + '"}', LONG),
    "JSON in a fence": ('```json\n{"sql": "' + SQL + '"}\n```', SQL),
    "JSON in prose": ('Here: {"sql": "' + SQL + '"} as asked', SQL),
    "JSON cut off": ('{"sql": "' + SQL + '", "explanation": "It sel', SQL),
    "JSON string": (f'"{SQL}"', SQL),
    "tool call": ('{"name": "run", "arguments": {"sql": "' + SQL + '"}}', SQL),
    "tool call with encoded arguments": (
        '{"name": "run", "arguments": "{\\"sql\\": \\"SELECT 1\\"}"}',
        "SELECT 1",
    ),
    "tool calls in a list": (
        '[{"type": "function", "function": {"arguments": {"query": "' + SQL + '"}}}]',
        SQL,
    ),
    "HTML entities": ("SELECT id FROM orders WHERE total &gt; 5", "SELECT id FROM orders WHERE total > 5"),
    "typographic quotes": ("SELECT name FROM customers WHERE city = \u2018Rome\u2019", SQL),
    "zero-width characters": (f"\ufeff{SQL[:10]}\u200b{SQL[10:]}", SQL),
    "no-break spaces": (SQL.replace(" ", "\u00a0"), SQL),
    "entities in a fence": (
        "```sql\nSELECT id FROM orders WHERE id &lt;&gt; 1\n```",
        "SELECT id FROM orders WHERE id <> 1",
    ),
    "second statement dropped": (f"{SQL};\nSELECT 2;", SQL),
    "numbered steps then query": (f"1. Find Rome\n2. Select names\n\n{SQL}", SQL),
    "Windows line ends": (f"```sql\r\n{SQL}\r\n```\r\n", SQL),
}

CLEAN = [
    SQL,
    LONG,
    "SELECT '```' AS fence, 'SELECT 1; SELECT 2' AS text FROM customers",
    "SELECT '<think>' || name || '</think>' AS t FROM customers",
    'SELECT name AS "The name; of it" FROM customers',
    "SELECT '&lt;' AS entity, '\u2019' AS quote FROM customers",
    'SELECT \'{"sql": "SELECT 1"}\' AS j FROM customers',
    "/* This is the query */ SELECT 1 -- ok",
    "SELECT name\n\n\nFROM customers\n\nWHERE city = 'The end'\n\nThe_alias",
    "SELECT 'It is\nThis is a line\n\nNote: none' AS t FROM customers",
    "(SELECT 1)",
    "VALUES (1)",
]


@pytest.mark.parametrize(("answer", "wanted"), DIRTY.values(), ids=DIRTY.keys())
def test_the_query_is_found(answer, wanted, postgres_shop):
    judged = assess(answer, postgres_shop)
    assert judged[-1].verdict.accepted, judged[-1].verdict.findings
    assert judged[-1].sql == wanted


@pytest.mark.parametrize("sql", CLEAN)
def test_clean_sql_comes_first_and_unchanged(sql):
    assert candidates(sql)[0] == sql


@pytest.mark.parametrize(
    "answer", ["", "   ", "I cannot answer that.", "{}", "[]", "```\n```", "<think></think>", "with love"]
)
def test_an_answer_without_sql_gives_one_candidate_that_says_so(answer, shop):
    [candidate] = assess(answer, shop)
    assert candidate.sql == ""
    assert candidate.verdict.findings[0].code == "no_sql"


def test_candidates_are_few_and_distinct():
    found = candidates("SELECT 1\n\nThen we go\n\n" * 50)
    assert len(found) <= LIMIT
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "answer",
    [
        "<think>" * 20_000,
        "<sql>SELECT 1;" * 10_000,
        "```" * 60_000,
        "SELECT 1" + "\n" * 190_000 + "x",
        "(" * 190_000,
        "SELECT 1 " + "/*" * 90_000,
        "SELECT '" * 20_000,
        '"sql": "' + '\\"' * 80_000,
        "[" * 100_000,
        "SELECT " + "".join(f"$a{i}$" for i in range(30_000)),
        "Sure:\n```sql\n" + "SELECT 1\n\n" * 20_000,
        "WITH a AS (" * 18_000,
        "SELECT 1 FROM (" * 13_000,
        "```sql\nSELECT 1\n```\n" * 10_000,
        "[SQL]SELECT 1[/SQL]" * 10_000,
        "| SELECT 1 |\n" * 15_000,
        "\\_" * 100_000,
        "The Query Is It's\n" * 11_000,
        "'''SELECT 1" * 18_000,
        "<|x|>" * 40_000,
        "```\n    " * 25_000,
        "~" * 190_000,
        "SELECT 1" + ";" * 150_000 + " x",
        "SELECT 1" + "; -- a\n" * 28_000 + "x",
        "WITH /*" * 28_000,
        "WITH --" * 28_000,
        "SELECT 1 &#" + "9" * 190_000,
        "It is\n" + "~" * 12 + "\n" + ("~" * 11 + "\n") * 15_000,
    ],
    ids=lambda answer: answer[:12],
)
def test_hostile_answers_are_read_in_linear_time(answer):
    started = time.process_time()
    candidates(answer)
    assert time.process_time() - started < 2


def test_where_nothing_passes_the_query_without_what_is_no_sql_is_the_one_to_repair(postgres_shop):
    judged = assess("SELECT nme FROM customers;\n```\n```", postgres_shop)
    assert best(judged).sql == "SELECT nme FROM customers"
