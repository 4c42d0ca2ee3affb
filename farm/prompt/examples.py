"""Worked examples on a made-up lending library, one for each form of report that small models get wrong.

The first whose pattern is found in a question goes along with it.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto


class Form(Enum):
    """What the form of a query means for the hints beside it."""

    PLAIN = auto()
    KEYED = auto()  # counts keys: tables that only give a key are not joined
    ABSENT = auto()  # rows without a partner: an inner join would lose them


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """`sql` holds {year}, {month}, {quarter} for the dialect's spelling on the date of loans.

    `skeleton` is the same form with slots for what was recognised in the question: {key}, {body} (FROM and
    WHERE), {date}, {year_of_first}. It speaks of the target's own tables and replaces the example where all
    are known.
    """

    pattern: re.Pattern[str]
    question: str
    sql: str
    form: Form = Form.PLAIN
    skeleton: str | None = None


def _example(
    pattern: str, question: str, sql: str, form: Form = Form.PLAIN, skeleton: str | None = None
) -> Example:
    compiled = re.compile(pattern, re.IGNORECASE)
    return Example(pattern=compiled, question=question, sql=sql.strip(), form=form, skeleton=skeleton)


DATE_COLUMN = "loans.loan_date"
# How the rows are sorted, commonly said at the end, is not the form.
SORTING = re.compile(r"\b(sorted|ordered) (from|by)\b.*", re.DOTALL | re.IGNORECASE)
NUMBER = r"(two|three|four|five|six|ten|\d+)\b(?! (days|hours|weeks|months|years|euros|dollars|percent))"
EXAMPLES = (
    _example(
        r"\b(running|cumulative) (total|sum)",
        "Fines of each month and their running total?",
        """
SELECT {month} AS month, SUM(fines.amount) AS fines,
  SUM(SUM(fines.amount)) OVER (ORDER BY {month}) AS running_total
FROM loans JOIN fines ON fines.loan_id = loans.loan_id
WHERE loans.state <> 'void'
GROUP BY {month}
ORDER BY month
""",
    ),
    _example(
        r"\b(percent|percentage)\b.*\b(grow|grew|growth|change)\b|\bgrowth (rate|in percent)",
        "Fines of each year and by how many percent they grew over the year before?",
        """
SELECT {year} AS year, SUM(fines.amount) AS fines,
  100.0 * (SUM(fines.amount) - LAG(SUM(fines.amount)) OVER (ORDER BY {year}))
    / LAG(SUM(fines.amount)) OVER (ORDER BY {year}) AS growth
FROM loans JOIN fines ON fines.loan_id = loans.loan_id
WHERE loans.state <> 'void'
GROUP BY {year}
ORDER BY year
""",
    ),
    _example(
        r"\b(growth|grow|grew|change|difference)\b.*\b(before|previous|last|prior|over)\b",
        "Fines of each month and their change against the month before?",
        """
SELECT {month} AS month, SUM(fines.amount) AS fines,
  SUM(fines.amount) - LAG(SUM(fines.amount)) OVER (ORDER BY {month}) AS change
FROM loans JOIN fines ON fines.loan_id = loans.loan_id
WHERE loans.state <> 'void'
GROUP BY {month}
ORDER BY month
""",
    ),
    _example(
        r"\b(highest|most|best|largest|top|latest)\b.*\b(in|of|for|per|within) each\b"
        r"|\bfor each\b.*\b(best|top|highest|most) ",
        "What is the book with the highest fees in each section?",
        """
WITH sums AS (
  SELECT genres.section, books.title, SUM(loans.fee) AS fees
  FROM loans JOIN books ON books.book_id = loans.book_id JOIN genres ON genres.genre_id = books.genre_id
  GROUP BY genres.section, books.title
), ranked AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY section ORDER BY fees DESC) AS place FROM sums
)
SELECT section, title, fees FROM ranked WHERE place = 1
""",
    ),
    _example(
        rf"\bhow many\b.*\b(placed?|made|make|bought|buy|ordered|wrote|have|had)\b"
        rf".*\b(at least|more than|exactly) {NUMBER}",
        "How many members made at least 3 loans in 2021?",
        """
SELECT COUNT(*) FROM (
  SELECT loans.member_id
  FROM loans
  WHERE {year} = {year_2021}
  GROUP BY loans.member_id
  HAVING COUNT(*) >= 3
) AS members_found
""",
        Form.KEYED,
        "SELECT COUNT(*) FROM (SELECT {key} {body} GROUP BY {key} HAVING COUNT(*) >= n) AS found",
    ),
    _example(
        r"\bboth\b.*\band\b",
        "How many members borrowed books of both the Crime and the Travel genre?",
        """
SELECT COUNT(*) FROM (
  SELECT loans.member_id
  FROM loans JOIN books ON books.book_id = loans.book_id JOIN genres ON genres.genre_id = books.genre_id
  WHERE genres.label IN ('Crime', 'Travel')
  GROUP BY loans.member_id
  HAVING COUNT(DISTINCT genres.label) = 2
) AS members_found
""",
        Form.KEYED,
        "SELECT COUNT(*) FROM (SELECT {key} {body} AND x IN ('a', 'b') GROUP BY {key} "
        "HAVING COUNT(DISTINCT x) = 2) AS found",
    ),
    _example(
        r"\bbut (no|none|not|never)\b",
        "How many members made a loan in 2020 but none in 2021?",
        """
SELECT COUNT(DISTINCT loans.member_id)
FROM loans
WHERE {year} = {year_2020} AND loans.member_id NOT IN (
  SELECT loans.member_id FROM loans WHERE {year} = {year_2021}
)
""",
        Form.KEYED,
        "SELECT COUNT(DISTINCT {key}) {body} AND this_year AND {key} NOT IN "
        "(SELECT {key} {body} AND that_year)",
    ),
    _example(
        r"\bfirst (order|purchase|visit|payment|review|sale)",
        "How many members made their first loan in each year? Show year and number of members.",
        """
SELECT {year_of_first} AS year, COUNT(*)
FROM (
  SELECT loans.member_id, MIN(loans.loan_date) AS first_date
  FROM loans
  GROUP BY loans.member_id
) AS firsts
GROUP BY year
ORDER BY year
""",
        Form.KEYED,
        "SELECT {year_of_first} AS year, COUNT(*) FROM (SELECT {key}, MIN({date}) AS first_date {body} "
        "GROUP BY {key}) AS found GROUP BY year ORDER BY year",
    ),
    _example(
        r"\b(never|no|without|not any)\b",
        "Which members never made a loan?",
        """
SELECT members.name
FROM members
WHERE members.member_id NOT IN (SELECT loans.member_id FROM loans)
""",
        Form.ABSENT,
    ),
    _example(
        r"\b(above|below|over|under|than) (the|its|their) .*\baverage\b",
        "How many books of each genre cost more than the average book of that genre?",
        """
SELECT genres.label, COUNT(*)
FROM books JOIN genres ON genres.genre_id = books.genre_id
WHERE books.price > (SELECT AVG(b.price) FROM books b WHERE b.genre_id = books.genre_id)
GROUP BY genres.label
""",
    ),
    _example(
        r"\b(percentage|percent|share) of (the )?(total|whole)",
        "What percentage of the total fees comes from each genre?",
        """
SELECT genres.label, 100.0 * SUM(loans.fee) / SUM(SUM(loans.fee)) OVER () AS percentage
FROM loans JOIN books ON books.book_id = loans.book_id JOIN genres ON genres.genre_id = books.genre_id
GROUP BY genres.label
""",
    ),
    _example(
        r"\b(percent|percentage|share|rate)\b",
        "What percentage of the loans of each branch is overdue?",
        """
SELECT loans.branch, 100.0 * SUM(CASE WHEN loans.state = 'overdue' THEN 1 ELSE 0 END) / COUNT(*) AS percentage
FROM loans
GROUP BY loans.branch
""",
    ),
    _example(
        r"\brank",
        "Rank the genres by fees.",
        """
SELECT RANK() OVER (ORDER BY SUM(loans.fee) DESC) AS place, genres.label, SUM(loans.fee) AS fees
FROM loans JOIN books ON books.book_id = loans.book_id JOIN genres ON genres.genre_id = books.genre_id
GROUP BY genres.label
ORDER BY place
""",
    ),
    _example(
        rf"\b(at least|more than|fewer than|less than) {NUMBER}",
        "Which members made more than 12 loans? Show member id, name and number of loans.",
        """
SELECT members.member_id, members.name, COUNT(*) AS loans
FROM loans JOIN members ON members.member_id = loans.member_id
GROUP BY members.member_id, members.name
HAVING COUNT(*) > 12
""",
    ),
)


def example_for(question: str) -> Example | None:
    """The first example whose form the question seems to ask for."""
    asked = SORTING.sub("", question)
    return next((example for example in EXAMPLES if example.pattern.search(asked)), None)
