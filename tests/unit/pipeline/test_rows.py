"""What the pipeline leaves in the store."""

from datetime import UTC, datetime

import pytest

from farm.errors import BadInput
from farm.models.answer import Answer
from farm.pipeline import rows
from farm.sql.lineage import Lineage
from farm.sql.verdict import Candidate, Verdict
from farm.storable import storable
from farm.store.states import TaskState
from farm.store.tasks import Claimed, StoredAnswer
from farm.targets.target import Target

TASK = Claimed(
    id=7,
    token=3,
    attempt=1,
    question="How many?",
    target="shop",
    target_version=datetime(2026, 1, 1, tzinfo=UTC),
    model=None,
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("SELECT 'ä', '🙂'", "SELECT 'ä', '🙂'"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud83d", "?"),
        ("\ud83d\ude42", "??"),
        ("", ""),
    ],
)
def test_text_becomes_something_every_database_keeps(text, kept):
    assert storable(text) == kept
    assert storable(kept) == kept


def test_an_answer_s_row_tells_what_was_paid_for_what():
    said = Answer(
        text="SELECT 1",
        model="m",
        prompt_tokens=100,
        completion_tokens=5,
        latency_ms=12.5,
        finish_reason="stop",
        cost_usd=0.25,
        parameters={"temperature": 0.0},
    )
    row = rows.answer(TASK, 2, said, "abc")
    assert row["created_at"].tzinfo is not None
    assert {name: row[name] for name in ("task_id", "call_no", "raw", "cost_usd", "prompt_hash")} == {
        "task_id": 7,
        "call_no": 2,
        "raw": "SELECT 1",
        "cost_usd": 0.25,
        "prompt_hash": "abc",
    }


def test_a_query_s_row_has_what_the_checker_found_out():
    target = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE orders (id INTEGER)")
    chosen = Candidate(
        sql="SELECT 1", verdict=Verdict(dry_run="sqlite"), canonical_key="1:a", lineage=Lineage()
    )
    said = StoredAnswer(call_no=2, text="…", model="m")
    query = rows.accepted(TASK, target, said, chosen, ()).query
    assert query is not None
    assert (query["canonical_key"], query["sql"], query["call_no"]) == ("1:a", "SELECT 1", 2)
    assert query["lineage"] == Lineage().to_dict()


def test_a_query_in_another_dialect_is_kept_with_what_the_model_wrote():
    target = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE t (a)", output_dialect="mysql")
    chosen = Candidate(sql="SELECT a || 1 FROM t", verdict=Verdict(), rendered="SELECT CONCAT(a, 1) FROM t")
    said = StoredAnswer(call_no=1, text="…", model="m")
    query = rows.accepted(TASK, target, said, chosen, ()).query
    assert query is not None
    assert (query["sql"], query["dialect"]) == ("SELECT CONCAT(a, 1) FROM t", "mysql")
    assert (query["original_sql"], query["original_dialect"]) == ("SELECT a || 1 FROM t", "sqlite")
    assert rows.candidate(TASK, 1, 0, chosen)["sql"] == "SELECT a || 1 FROM t"


def test_a_dialect_that_this_version_does_not_know_is_refused():
    assert rows.known_dialect("mysql") == "mysql"
    with pytest.raises(BadInput, match=r"no dialect 'oracle'.*sqlite"):
        rows.known_dialect("oracle")


def test_a_refusal_shows_its_token():
    outcome = rows.refused(TASK, "model", "it said\0no", [])
    assert (outcome.task_id, outcome.token, outcome.state) == (7, 3, TaskState.REJECTED)
    assert outcome.reason == "it said\N{REPLACEMENT CHARACTER}no"
