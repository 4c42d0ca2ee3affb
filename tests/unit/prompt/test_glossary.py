import pytest

from farm.prompt.glossary import terms

NOTES = """
Revenue: SUM(sales.total) WHERE sales.state <> 'void'
Country of a customer: addresses.country
Gross profit: SUM(sales.total - sales.cost)
Everything is in euros.
"""


@pytest.mark.parametrize(
    ("question", "used"),
    [
        ("What was the revenue in May?", ["Revenue: SUM(sales.total)"]),
        ("How many customers per country?", ["Country of a customer: addresses.country"]),
        ("Which country has most suppliers?", []),
        ("Show the gross profits", ["Gross profit: SUM(sales.total - sales.cost)"]),
        ("Show the gross weight", []),
        ("Is everything in euros?", []),
    ],
)
def test_a_term_counts_when_all_its_words_are_used(question: str, used: list[str]) -> None:
    assert [term.text for term in terms(question, NOTES)] == used


def test_a_condition_is_kept_apart() -> None:
    (term,) = terms("revenue?", NOTES)

    assert term.condition == "sales.state <> 'void'"
