"""A worker whose model takes grammars sends one with the last repair, and goes on where it is refused."""

import sys

import pytest
from support.yard import BAD_SQL, GOOD_SQL, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

MODELS = {"stub-model": {"grammar": "llama.cpp"}}


def test_the_last_repair_is_held_to_a_grammar_of_the_targets_tables(yard):
    yard.ask(1, BAD_SQL, BAD_SQL, GOOD_SQL)
    yard.start(models=MODELS)
    wait_until(lambda: yard.all_in("accepted"), "the task to be accepted")
    assert ["grammar" in request for request in yard.llm.requests] == [False, False, True]
    assert "FROM" in yard.llm.requests[-1]["grammar"]
    assert "orders" in yard.llm.requests[-1]["grammar"]


def test_an_endpoint_that_refuses_grammars_loses_no_task(yard):
    yard.llm.refused_fields = ("grammar",)
    yard.ask(1, BAD_SQL, GOOD_SQL)
    yard.start(models=MODELS, max_repairs=1)
    wait_until(lambda: yard.all_in("accepted"), "the task to be accepted")
    assert ["grammar" in request for request in yard.llm.requests] == [False, True, False]
    assert "refuses a grammar" in yard.logged()
