"""What is wanted in another dialect is written for it and checked again."""

import pytest

from farm.checker.inspector import Inspector
from farm.targets.target import Target

SHOP = Target(
    name="shop",
    dialect="postgres",
    ddl="CREATE TABLE orders (id int PRIMARY KEY, total numeric(10, 2), placed date)",
    output_dialect="sqlite",
)


@pytest.fixture
def inspector():
    inspector = Inspector(SHOP, no_dry_run=None, open_engine=_sqlite_only)
    yield inspector
    inspector.close()


def _sqlite_only(target):
    from farm.checker.inspector import open_check_engine

    return open_check_engine(target) if target.dialect == "sqlite" else None


def test_the_query_of_the_model_is_kept_beside_the_one_that_is_wanted(inspector):
    (candidate,) = inspector.assess("SELECT id FROM orders WHERE total::numeric(8, 1) > 2")
    assert candidate.verdict.accepted
    assert candidate.sql == "SELECT id FROM orders WHERE total::numeric(8, 1) > 2"
    assert candidate.rendered == "SELECT id FROM orders WHERE ROUND(CAST(total AS REAL), 1) > 2"
    assert candidate.verdict.dry_run.startswith("sqlite"), "by the engine of the dialect that is wanted"
    assert candidate.lineage.tables == ("orders",)
    assert candidate.canonical_key is not None


def test_what_cannot_be_said_there_goes_to_repair(inspector):
    (candidate,) = inspector.assess("SELECT current_date - placed FROM orders")
    assert (candidate.rendered, candidate.canonical_key, candidate.lineage) == (None, None, None)
    assert candidate.verdict.objections[0].code == "untranslatable"
    assert candidate.verdict.objections[0].hint


def test_what_the_checks_refuse_there_is_told_with_the_query_as_it_is_there(inspector):
    (candidate,) = inspector.assess("SELECT split_part('a-b', '-', 1) FROM orders")
    (objection,) = candidate.verdict.objections
    assert objection.code == "function_not_allowed"
    assert objection.message.startswith("in sqlite: SPLIT_PART is not among")
    assert "there it is: SELECT SPLIT_PART('a-b', '-', 1) FROM orders" in objection.hint
    assert (candidate.rendered, candidate.sql) == (None, "SELECT split_part('a-b', '-', 1) FROM orders")


def test_what_is_wrong_in_the_first_place_is_not_rewritten(inspector):
    (candidate,) = inspector.assess("SELECT nothing FROM orders")
    assert [finding.code for finding in candidate.verdict.objections] == ["unknown_column"]


def test_queries_that_are_checked_alone_stay_in_the_dialect_of_the_target(inspector):
    assert inspector.check("SELECT split_part('a-b', '-', 1) FROM orders").accepted


def test_engines_are_wanted_for_both(inspector):
    assert [target.dialect for target in inspector.targets] == ["postgres", "sqlite"]
