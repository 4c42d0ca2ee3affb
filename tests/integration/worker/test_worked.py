"""Workers show the model a query that people judged good, where there is one for a question like theirs."""

import sys

import pytest
from support.reports import keep
from support.store import SHOP
from support.yard import Yard, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")


def told(yard: Yard) -> str:
    """What the one request said."""
    [request] = yard.llm.requests
    return str(request["messages"][-1]["content"])


@pytest.mark.parametrize(("mark", "is_shown"), [("good", True), ("bad", False)])
def test_a_good_query_for_a_question_like_it_is_shown_and_a_bad_one_is_not(
    yard: Yard, mark: str, is_shown: bool
) -> None:
    keep(
        yard.store,
        "Question 2?",
        "SELECT max(total) FROM orders",
        mark=mark,
        schema_fingerprint=SHOP.fingerprint,
    )
    yard.ask(1, start=5)
    yard.start()
    wait_until(lambda: yard.all_in("accepted"), "the task to be accepted")
    assert ("SELECT max(total) FROM orders" in told(yard)) is is_shown
