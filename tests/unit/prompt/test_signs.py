import time

import pytest

from farm.prompt.schema_text import read_schema
from farm.prompt.signs import given_away
from farm.prompt.words import stems

SCHEMA = read_schema("""
CREATE TABLE wards (ward_id INTEGER, name TEXT, floor INTEGER);
CREATE TABLE lab_tests (
  test_id INTEGER,
  ward_id INTEGER,
  taken_on DATE,
  state TEXT, -- 'pending', 'ok', 'taken'
  floor INTEGER
);
""")


@pytest.mark.parametrize(
    ("question", "tables"),
    [
        ("How many wards?", {"wards"}),
        ("Lab tests of each ward", {"wards", "lab_tests"}),
        ("Which tests?", set()),  # half of a table's name
        ("What is pending?", {"lab_tests"}),
        ("What is ok?", set()),  # too short a code to tell
        ("Who was taken?", set()),  # a code that is a word of a column's name
        ("Which floor?", set()),  # a column of both tables
        ("What name?", set()),  # an everyday word
    ],
)
def test_tables_are_given_away_by_telling_words_only(question: str, tables: set[str]) -> None:
    assert given_away(stems(question), SCHEMA.signs) == tables


def test_a_schema_of_a_thousand_tables_is_searched_in_no_time() -> None:
    ddl = "".join(f"CREATE TABLE word{n} (id INTEGER, code{n} TEXT);" for n in range(1000))
    schema = read_schema(ddl)
    started = time.process_time()
    given_away(stems("how many word 7 " * 40), schema.signs)

    assert time.process_time() - started < 0.5
